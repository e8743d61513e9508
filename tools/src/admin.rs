//! `fulcrum admin`: the operator's and the oracle's work by hand.
//!
//! Invariant: every change is a command like any other, numbered, logged and answered.

pub mod args;
pub(crate) mod assets;
mod limits;
mod risk_groups;

use std::io::Write;
use std::path::Path;

use engine::{ClientOrderId, KeyId, TimeNs};
use gateway::client::{Key, Query, Request, key::key_id};
use gateway::clock::{Clock, WallClock};
use gateway::wire::Group;
use gateway::wire::private::{
    AccountCreate, AdminMassCancel, CancelMargin, IndexPrice, InstrumentDef, InstrumentDefine, KeyRegister,
    KeyRevoke, KeySuspend, ScheduleMargin, SetAccountStatus, SetGroupStatus, SetOwnerGroup, SetTradingState,
    SettleInstrument, StartAuction, TierRow,
};
use gateway::wire::types::{
    AccountStatus, Chars16, Code, ContractKind, Millis, Octets, Permissions, SessionKind, TimeNsN,
    TradingState, U32N,
};
use risk::{AccountId, AssetId, InstrumentId, InstrumentSpec, Mark};

use self::args::{
    AccountAction, AdminAction, AdminArgs, AssetAction, InstrumentAction, KeyAction, KeyAddArgs, KindName,
    MarginAction, RiskGroupAction, StateName,
};
use crate::config::read_instrument;
use crate::desk::Desk;
use crate::desk::instruments::{parse_price, show_price, show_qty, symbol};
use crate::desk::table::{Align, Table};
use crate::desk::told::word;
use crate::format::{decimal, octets, trimmed};

/// The number is chosen by the session.
const CHOSEN: ClientOrderId = ClientOrderId::new(0);

/// Does what the command line says; the exit code.
///
/// # Errors
/// What went wrong, and what to do next.
pub fn run(args: &AdminArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let kind = match args.action {
        AdminAction::Index { .. } => SessionKind::Oracle,
        AdminAction::Account { .. }
        | AdminAction::Deposit(_)
        | AdminAction::Withdraw(_)
        | AdminAction::Transfer { .. }
        | AdminAction::Asset { .. }
        | AdminAction::Source(_)
        | AdminAction::FeeTier { .. }
        | AdminAction::RiskGroup { .. }
        | AdminAction::AssignRiskGroup(_)
        | AdminAction::Margin { .. }
        | AdminAction::Key { .. }
        | AdminAction::Instrument { .. }
        | AdminAction::State { .. }
        | AdminAction::Auction { .. }
        | AdminAction::Limits(_)
        | AdminAction::Settle { .. }
        | AdminAction::Group { .. }
        | AdminAction::SuspendGroup(_)
        | AdminAction::ActivateGroup { .. }
        | AdminAction::Suspend(_)
        | AdminAction::ReduceOnly(_)
        | AdminAction::Activate { .. }
        | AdminAction::CancelAll { .. } => SessionKind::Admin,
    };
    let mut desk = Desk::open(&args.access, kind, output)?;
    let code = act(&mut desk, args, output);
    let closed = desk.close();
    let code = code?;
    closed?;
    Ok(code)
}

fn act(desk: &mut Desk, args: &AdminArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    if let AdminAction::Instrument { action: InstrumentAction::List } = args.action {
        return list(&desk.instruments.defs, args.access.json, output);
    }
    if let AdminAction::Asset { action: AssetAction::List } = args.action {
        return assets::list(desk, args.access.json, output);
    }
    if let AdminAction::RiskGroup { action: RiskGroupAction::Show { group } } = args.action {
        return risk_groups::show(desk, group, args.access.json, output);
    }
    let request = request(desk, &args.action)?;
    let done = desk.request(request)?;
    desk.show(&done, output)
}

fn request(desk: &mut Desk, action: &AdminAction) -> anyhow::Result<Request> {
    let status = |account: u32, status: AccountStatus, cancel_orders: bool| SetAccountStatus {
        request_id: CHOSEN,
        account_id: AccountId::new(account),
        status: status.into(),
        cancel_orders: u8::from(cancel_orders),
    };
    Ok(match action {
        AdminAction::Account { action: AccountAction::Open { account } } => {
            AccountCreate { request_id: CHOSEN, account_id: AccountId::new(*account) }.into()
        }
        AdminAction::Deposit(money) => assets::transfer(desk, money, 1)?.into(),
        AdminAction::Withdraw(money) => assets::transfer(desk, money, -1)?.into(),
        AdminAction::Transfer { from, transfer } => assets::between(desk, *from, transfer)?.into(),
        AdminAction::Asset { action: AssetAction::Add { file } } => assets::define(desk, file)?.into(),
        AdminAction::Asset { action: AssetAction::Debt(debt) } => assets::debt(desk, debt)?.into(),
        AdminAction::Asset { action: AssetAction::List } => anyhow::bail!("a list is no request"),
        AdminAction::Source(source) => assets::source(desk, source)?.into(),
        AdminAction::FeeTier { action } => assets::fee_tier(action)?,
        AdminAction::RiskGroup { action } => risk_groups::request(desk, action)?,
        AdminAction::AssignRiskGroup(assignment) => risk_groups::assign(desk, assignment)?.into(),
        AdminAction::Margin { action } => margin(desk, action)?,
        AdminAction::Key { action: KeyAction::Add(add) } => register(add)?.into(),
        AdminAction::Key { action: KeyAction::Revoke { key } } => {
            KeyRevoke { request_id: CHOSEN, key_id: key_number(key)? }.into()
        }
        AdminAction::Key { action: KeyAction::Suspend { key, cancel_orders } } => {
            suspension(key, true, *cancel_orders)?
        }
        AdminAction::Key { action: KeyAction::Admit { key } } => suspension(key, false, false)?,
        AdminAction::Instrument { action: InstrumentAction::Add { file } } => define(desk, file)?.into(),
        AdminAction::Instrument { action: InstrumentAction::List } => {
            anyhow::bail!("a list is no request")
        }
        AdminAction::State { instrument, state } => {
            let instrument_id = desk.instruments.find(instrument)?.instrument_id;
            let state = trading_state(*state);
            SetTradingState { request_id: CHOSEN, instrument_id, state: state.into() }.into()
        }
        AdminAction::Auction { instrument, call_ms } => {
            let instrument_id = desk.instruments.find(instrument)?.instrument_id;
            StartAuction { request_id: CHOSEN, instrument_id, call: Millis::new(*call_ms) }.into()
        }
        AdminAction::Limits(limits) => limits::request(desk, limits)?.into(),
        AdminAction::Settle { instrument, price } => {
            let def = desk.instruments.find(instrument)?;
            let price = parse_price(def, price)?.to_mark();
            SettleInstrument { request_id: CHOSEN, instrument_id: def.instrument_id, price }.into()
        }
        AdminAction::Group { account, group } => {
            let account_id = AccountId::new(*account);
            SetOwnerGroup { request_id: CHOSEN, account_id, group_id: *group }.into()
        }
        AdminAction::SuspendGroup(switch) => {
            group_status(switch.group, AccountStatus::Suspended, switch.cancel_orders)
        }
        AdminAction::ActivateGroup { group } => group_status(*group, AccountStatus::Active, false),
        AdminAction::Suspend(switch) => {
            status(switch.account, AccountStatus::Suspended, switch.cancel_orders).into()
        }
        AdminAction::ReduceOnly(switch) => {
            status(switch.account, AccountStatus::ReduceOnly, switch.cancel_orders).into()
        }
        AdminAction::Activate { account } => status(*account, AccountStatus::Active, false).into(),
        AdminAction::CancelAll { account, instrument } => {
            let instrument = instrument.as_ref().map(|name| desk.instruments.find(name)).transpose()?;
            let instrument_id = U32N::from(instrument.map(|def| def.instrument_id.get()));
            AdminMassCancel { request_id: CHOSEN, account_id: AccountId::new(*account), instrument_id }.into()
        }
        AdminAction::Index { instrument, price, source } => index(desk, instrument, price, *source)?.into(),
    })
}

const fn trading_state(state: StateName) -> TradingState {
    match state {
        StateName::Open => TradingState::Open,
        StateName::CancelOnly => TradingState::CancelOnly,
        StateName::PreOpen => TradingState::PreOpen,
        StateName::Auction => TradingState::Auction,
        StateName::PostOnly => TradingState::PostOnly,
        StateName::ReduceOnly => TradingState::ReduceOnly,
        StateName::Halted => TradingState::Halted,
        StateName::Closed => TradingState::Closed,
    }
}

fn group_status(group_id: u32, status: AccountStatus, cancel_orders: bool) -> Request {
    let cancel_orders = u8::from(cancel_orders);
    SetGroupStatus { request_id: CHOSEN, group_id, status: status.into(), cancel_orders }.into()
}

fn suspension(key: &str, suspended: bool, cancel_orders: bool) -> anyhow::Result<Request> {
    let (suspended, cancel_orders) = (u8::from(suspended), u8::from(cancel_orders));
    Ok(KeySuspend { request_id: CHOSEN, key_id: key_number(key)?, suspended, cancel_orders }.into())
}

/// The permission of a kind of session.
#[must_use]
pub const fn permission(kind: KindName) -> u16 {
    Permissions::of(match kind {
        KindName::OrderEntry => SessionKind::OrderEntry,
        KindName::DropCopy => SessionKind::DropCopy,
        KindName::Admin => SessionKind::Admin,
        KindName::Oracle => SessionKind::Oracle,
    })
}

fn register(args: &KeyAddArgs) -> anyhow::Result<KeyRegister> {
    let public = match (&args.public, &args.file) {
        (Some(public), _) => octets::<32>(public).ok_or_else(|| {
            anyhow::anyhow!(
                "`{public}` is no public key: 64 hexadecimal digits, as `fulcrum keygen` prints them"
            )
        })?,
        (None, Some(file)) => Key::read(file)?.public(),
        (None, None) => anyhow::bail!("name a public key, or a key file with --file"),
    };
    let usual = [KindName::OrderEntry, KindName::DropCopy];
    let kinds = if args.kinds.is_empty() { &usual[..] } else { &args.kinds[..] };
    let expires = args.expires_in.map(|seconds| {
        let now = WallClock::default().now().get();
        TimeNs::new(now.saturating_add(seconds.saturating_mul(1_000_000_000)))
    });
    Ok(KeyRegister {
        request_id: CHOSEN,
        key_id: key_id(&public),
        account_id: AccountId::new(args.account.unwrap_or(0)),
        permissions: Permissions(kinds.iter().fold(0, |bits, kind| bits | permission(*kind))),
        expires: TimeNsN::from(expires),
        public_key: Octets(public),
    })
}

/// A key's number as people see it.
#[must_use]
pub fn key_name(key: KeyId) -> String {
    format!("{:016x}", key.get())
}

fn key_number(text: &str) -> anyhow::Result<KeyId> {
    let number = (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok()).flatten();
    number.map(KeyId::new).ok_or_else(|| {
        anyhow::anyhow!("`{text}` is no key number: 16 hexadecimal digits, as `fulcrum keygen` prints them")
    })
}

/// The request that defines an instrument.
#[must_use]
pub fn definition(instrument_id: InstrumentId, spec: &InstrumentSpec) -> InstrumentDefine {
    let InstrumentSpec { contract, adaptive, pricing, funding, .. } = spec;
    InstrumentDefine {
        request_id: CHOSEN,
        instrument_id,
        tick: spec.tick,
        lot: spec.lot,
        price_max: spec.price_max,
        order_qty_max: spec.order_qty_max,
        position_max: spec.position_max,
        open_interest_max: spec.open_interest_max,
        multiplier: spec.multiplier,
        price_band: spec.price_band.get(),
        market_collar: spec.market_collar.get(),
        mark_step_max: spec.mark_step_max.get(),
        maker_fee: spec.maker_fee.get(),
        taker_fee: spec.taker_fee.get(),
        liquidation_fee: spec.liquidation_fee.get(),
        price_decimals: spec.price_decimals,
        qty_decimals: spec.qty_decimals,
        money_decimals: spec.money_decimals,
        symbol: Chars16(spec.symbol),
        contract_kind: Code::of(match contract.kind {
            risk::ContractKind::Linear => ContractKind::Linear,
            risk::ContractKind::Inverse => ContractKind::Inverse,
        }),
        settlement_asset: contract.settlement,
        underlying: contract.underlying,
        expiry: TimeNsN::from((contract.expiry_ns != 0).then_some(TimeNs::new(contract.expiry_ns))),
        averaging_ns: contract.averaging_ns,
        oi_lower: adaptive.oi_lower,
        oi_upper: adaptive.oi_upper,
        depth: adaptive.depth,
        concentration_free: adaptive.concentration_free,
        concentration_slope: adaptive.concentration_slope.get(),
        profit_weight: adaptive.profit_weight.get(),
        sources_min: pricing.sources_min,
        stale_ns: pricing.stale_ns,
        outlier: pricing.outlier.get(),
        uncertain: pricing.uncertain.get(),
        wild: pricing.wild.get(),
        confirmations: pricing.confirmations,
        component_band: pricing.component_band.get(),
        basis_tau_ns: pricing.basis_tau_ns,
        stable_step: pricing.stable_step.get(),
        frozen_step: pricing.frozen_step.get(),
        interval_ns: funding.interval_ns,
        rate_period_ns: funding.rate_period_ns,
        impact_notional: funding.impact_notional,
        interest: funding.interest.get(),
        interest_clamp: funding.interest_clamp.get(),
        rate_max: funding.rate_max.get(),
        tiers: Group(tier_rows(spec)),
    }
}

/// The request that schedules a change of margin, or takes it back.
fn margin(desk: &Desk, action: &MarginAction) -> anyhow::Result<Request> {
    match action {
        MarginAction::Schedule { instrument, file, after, steps, step_ms } => {
            let instrument_id = desk.instruments.find(instrument)?.instrument_id;
            let spec = read_instrument(file, &desk.instruments.asset_symbols())?;
            let now = WallClock::default().now().get();
            let effective = now.saturating_add(after.saturating_mul(1_000_000_000));
            Ok(ScheduleMargin {
                request_id: CHOSEN,
                instrument_id,
                effective: TimeNsN::from((*after > 0).then_some(TimeNs::new(effective))),
                steps: *steps,
                step: Millis::new(*step_ms),
                oi_lower: spec.adaptive.oi_lower,
                oi_upper: spec.adaptive.oi_upper,
                depth: spec.adaptive.depth,
                concentration_free: spec.adaptive.concentration_free,
                concentration_slope: spec.adaptive.concentration_slope.get(),
                profit_weight: spec.adaptive.profit_weight.get(),
                tiers: Group(tier_rows(&spec)),
            }
            .into())
        }
        MarginAction::Cancel { instrument } => {
            let instrument_id = desk.instruments.find(instrument)?.instrument_id;
            Ok(CancelMargin { request_id: CHOSEN, instrument_id }.into())
        }
    }
}

/// Both margin tables of an instrument as rows.
fn tier_rows(spec: &InstrumentSpec) -> Vec<TierRow> {
    let rows = |tiers: &[risk::Tier], table: u8| -> Vec<TierRow> {
        tiers.iter().map(|tier| TierRow { floor: tier.floor, rate: tier.rate.get(), table }).collect()
    };
    [rows(&spec.initial_tiers, 1), rows(&spec.maintenance_tiers, 2)].concat()
}

fn define(desk: &mut Desk, file: &Path) -> anyhow::Result<InstrumentDefine> {
    let spec = read_instrument(file, &desk.instruments.asset_symbols())?;
    let known = desk.ask(Query::Instruments)?.instruments;
    // Other decimals would make an amount mean two things. The first instrument says those of the unit of account.
    let settlement = spec.contract.settlement;
    let decimals = if settlement == AssetId::BASE {
        desk.instruments.money_decimals().ok()
    } else {
        desk.instruments.asset(settlement).map(|def| def.decimals)
    };
    if let Some(decimals) = decimals {
        anyhow::ensure!(
            decimals == spec.money_decimals,
            "money_decimals is {}, the asset it settles in has {decimals}",
            spec.money_decimals
        );
    }
    let next = known.iter().map(|def| def.instrument_id.get() + 1).max().unwrap_or(0);
    Ok(definition(InstrumentId::new(next), &spec))
}

fn index(desk: &Desk, instrument: &str, price: &str, source_id: u16) -> anyhow::Result<IndexPrice> {
    let def = desk.instruments.find(instrument)?;
    let price: Mark = parse_price(def, price)?.to_mark();
    // Rises from one command to the next.
    let source_seq = WallClock::default().now().get();
    Ok(IndexPrice { source_seq, instrument_id: def.instrument_id, price, source_id })
}

fn list(instruments: &[InstrumentDef], json: bool, output: &mut dyn Write) -> anyhow::Result<u8> {
    let mut table = Table::new(&[
        ("number", Align::Right),
        ("name", Align::Left),
        ("state", Align::Left),
        ("tick", Align::Right),
        ("lot", Align::Right),
        ("highest leverage", Align::Right),
        ("open interest", Align::Right),
    ]);
    for def in instruments {
        let leverage = decimal(i128::from(def.leverage_max_e2), 2);
        let cells = [
            def.instrument_id.to_string(),
            symbol(def),
            word(def.state),
            show_price(def, def.tick),
            show_qty(def, def.lot.get()),
            trimmed(&leverage).to_owned(),
            show_qty(def, def.open_interest.get()),
        ];
        if json {
            let names = ["number", "name", "state", "tick", "lot", "leverage_max", "open_interest"];
            let row = names.into_iter().map(str::to_owned).zip(cells.map(Into::into)).collect();
            writeln!(output, "{}", serde_json::Value::Object(row))?;
        } else {
            table.push(cells.to_vec());
        }
    }
    if !json {
        write!(output, "{table}")?;
    }
    Ok(0)
}
