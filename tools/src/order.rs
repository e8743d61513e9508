//! `fulcrum order`: trading by hand.
//!
//! Invariant: prices and quantities go to the venue as they were written, or not at all.

pub mod args;
mod instructions;

use std::io::Write;

use engine::{ClientOrderId, OrderId, OrderRef};
use gateway::client::{Query, request};
use gateway::wire::private::{MoveMargin, OpenOrder, SetLeverage, SetMarginMode};
use gateway::wire::types::{
    MarginMode, OrdFlags, OrderStage, PostOnlyMode, PriceN, SessionKind, Side, TimeNsN,
};
use risk::{AccountId, InstrumentId, Price};
use serde_json::json;

use self::args::{AmendArgs, ModeName, OrderAction, OrderArgs, WhichArgs};
use crate::desk::Desk;
use crate::desk::instruments::{parse_price, parse_qty};
use crate::desk::table::{Align, Table};
use crate::desk::told::word;
use crate::format::mantissa;
use crate::interrupt::Interrupt;

/// Stands for the account of the key.
const OWN: AccountId = AccountId::new(0);
/// Decimals of a leverage.
const LEVERAGE_DECIMALS: u8 = 2;

/// Does what the command line says; the exit code.
///
/// # Errors
/// What went wrong, and what to do next.
pub fn run(args: &OrderArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    if let OrderAction::Watch = args.action {
        return watch(args, output);
    }
    let mut desk = Desk::open(&args.access, SessionKind::OrderEntry, output)?;
    let code = act(&mut desk, OWN, args, output);
    // The session ends in order, whatever came of the request.
    let closed = desk.close();
    let code = code?;
    closed?;
    Ok(code)
}

fn act(desk: &mut Desk, account: AccountId, args: &OrderArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let done = match &args.action {
        OrderAction::Buy(order) => desk.request(instructions::order(desk, account, Side::Buy, order)?)?,
        OrderAction::Sell(order) => desk.request(instructions::order(desk, account, Side::Sell, order)?)?,
        OrderAction::Cancel(which) => {
            let order = resting(desk, account, which.order())?;
            desk.request(request::cancel(account, order.instrument_id, which.order()))?
        }
        OrderAction::Amend(amend) => {
            let amendment = amendment(desk, account, amend)?;
            desk.request(amendment)?
        }
        OrderAction::CancelAll { instrument, side: None, tag: None } => {
            let instrument = find(desk, instrument.as_deref())?;
            desk.request(request::mass_cancel(account, instrument))?
        }
        OrderAction::CancelAll { instrument, side, tag } => {
            let instrument = find(desk, instrument.as_deref())?;
            desk.request(instructions::cancel_many(account, instrument, *side, *tag))?
        }
        OrderAction::Quote(quote) => desk.request(instructions::quote(desk, account, quote)?)?,
        OrderAction::Protect(protect) => desk.request(instructions::protect(desk, account, protect)?)?,
        OrderAction::Leverage { instrument, leverage } => {
            let instrument_id = desk.instruments.find(instrument)?.instrument_id;
            let leverage_e2 = u32::try_from(mantissa(leverage, LEVERAGE_DECIMALS)?)?;
            desk.request(SetLeverage {
                cl_ord_id: ClientOrderId::new(0),
                account_id: account,
                instrument_id,
                leverage_e2,
                valid_until: TimeNsN::NONE,
            })?
        }
        OrderAction::MarginMode { instrument, mode } => {
            let mode = margin_mode(desk, account, instrument, *mode)?;
            desk.request(mode)?
        }
        OrderAction::MoveMargin { what } => {
            let moved = move_margin(desk, account, what)?;
            desk.request(moved)?
        }
        OrderAction::Transfer(transfer) => {
            let transfer = crate::admin::assets::between(desk, account.get(), transfer)?;
            desk.request(transfer)?
        }
        OrderAction::List { instrument } => {
            let instrument = find(desk, instrument.as_deref())?;
            let orders = desk.ask(Query::OpenOrders { account, instrument })?.open_orders;
            return list(desk, &orders, args.access.json, output);
        }
        OrderAction::Watch => return Ok(0),
    };
    desk.show(&done, output)
}

fn margin_mode(
    desk: &Desk,
    account: AccountId,
    instrument: &str,
    mode: ModeName,
) -> anyhow::Result<SetMarginMode> {
    let instrument_id = desk.instruments.find(instrument)?.instrument_id;
    let mode = match mode {
        ModeName::Cross => MarginMode::Cross,
        ModeName::Isolated => MarginMode::Isolated,
    };
    Ok(SetMarginMode {
        cl_ord_id: ClientOrderId::new(0),
        account_id: account,
        instrument_id,
        mode: mode.into(),
        valid_until: TimeNsN::NONE,
    })
}

fn move_margin(desk: &Desk, account: AccountId, what: &str) -> anyhow::Result<MoveMargin> {
    let (name, amount) = what.split_once('=').ok_or_else(|| anyhow::anyhow!("write INSTRUMENT=AMOUNT"))?;
    let instrument_id = desk.instruments.find(name)?.instrument_id;
    let amount = desk.instruments.parse_money(amount)?;
    Ok(MoveMargin {
        cl_ord_id: ClientOrderId::new(0),
        account_id: account,
        instrument_id,
        amount,
        valid_until: TimeNsN::NONE,
    })
}

fn find(desk: &Desk, name: Option<&str>) -> anyhow::Result<Option<InstrumentId>> {
    Ok(name.map(|name| desk.instruments.find(name)).transpose()?.map(|def| def.instrument_id))
}

impl WhichArgs {
    fn order(&self) -> OrderRef {
        match (self.order, self.client) {
            (Some(order), _) => OrderRef::Id(OrderId::new(order)),
            (None, client) => OrderRef::Client(ClientOrderId::new(client.unwrap_or(0))),
        }
    }
}

fn resting(desk: &mut Desk, account: AccountId, order: OrderRef) -> anyhow::Result<OpenOrder> {
    let found = desk.ask(Query::Order { account, order })?.open_orders.pop();
    found.ok_or_else(|| anyhow::anyhow!("no such resting order; `fulcrum order list` shows those there are"))
}

fn amendment(
    desk: &mut Desk,
    account: AccountId,
    args: &AmendArgs,
) -> anyhow::Result<gateway::wire::private::AmendOrder> {
    let order = OrderRef::Id(OrderId::new(args.order));
    let known = resting(desk, account, order)?;
    let def = desk.instruments.find(&known.instrument_id.to_string())?;
    let price = args.price.as_ref().map_or(Ok(known.price), |price| parse_price(def, price))?;
    let total = known.leaves_qty + known.cum_qty;
    let total = args.quantity.as_ref().map_or(Ok(total), |quantity| parse_qty(def, quantity))?;
    let post_only = if args.post_only { PostOnlyMode::Reject } else { PostOnlyMode::Off };
    let trigger = args.trigger.as_ref().map(|trigger| parse_price(def, trigger)).transpose()?;
    let amend = request::amend(account, known.instrument_id, order, price, total);
    let new_price = if price == Price::new(0) { PriceN::NONE } else { price.into() };
    let new_trigger_price = PriceN::from(trigger);
    Ok(gateway::wire::private::AmendOrder {
        post_only: post_only.into(),
        new_price,
        new_trigger_price,
        ..amend
    })
}

fn list(desk: &Desk, orders: &[OpenOrder], json: bool, output: &mut dyn Write) -> anyhow::Result<u8> {
    let names = &desk.instruments;
    let mut table = Table::new(&[
        ("order", Align::Right),
        ("client", Align::Right),
        ("side", Align::Left),
        ("leaves", Align::Right),
        ("filled", Align::Right),
        ("instrument", Align::Left),
        ("price", Align::Right),
        ("waits for", Align::Left),
        ("flags", Align::Left),
    ]);
    for order in orders {
        let id = order.instrument_id;
        let is = |bit: u16| order.flags.0 & bit != 0;
        let flags = [(OrdFlags::REDUCE_ONLY, "reduce-only"), (OrdFlags::PERSIST, "persistent")];
        let flags: Vec<_> = flags.into_iter().filter_map(|(bit, name)| is(bit).then_some(name)).collect();
        let (leaves, filled) = (names.qty(id, order.leaves_qty.get()), names.qty(id, order.cum_qty.get()));
        let (name, price) = (names.name(id), names.limit(id, order.price));
        let waits = waits_for(desk, order);
        if json {
            let row = json!({
                "order": order.order_id.get(), "client": order.cl_ord_id.get(), "session": order.session_id,
                "side": word(order.side), "leaves": leaves, "filled": filled, "instrument": name, "price": price,
                "flags": flags, "stage": word(order.stage), "waits_for": waits,
                "shown": names.qty(id, order.shown_qty.get()), "tag": order.user_tag,
                "expires_ns": order.expire_time.get().map(engine::TimeNs::get),
                "group": order.protection_group,
            });
            writeln!(output, "{row}")?;
            continue;
        }
        table.push(vec![
            order.order_id.to_string(),
            order.cl_ord_id.to_string(),
            word(order.side),
            leaves,
            filled,
            name,
            price,
            waits,
            flags.join(" "),
        ]);
    }
    if !json {
        if table.is_empty() {
            writeln!(output, "no resting order")?;
        } else {
            write!(output, "{table}")?;
        }
    }
    Ok(0)
}

/// What an order waits for, in words; nothing of one that rests.
fn waits_for(desk: &Desk, order: &OpenOrder) -> String {
    if order.stage.get() == Some(OrderStage::Held) {
        return "its entry".to_owned();
    }
    match order.trigger_price.get() {
        Some(price) if order.stage.get() == Some(OrderStage::Dormant) => format!(
            "{} {} {}",
            word(order.trigger_src),
            word(order.trigger_kind),
            desk.instruments.price(order.instrument_id, price)
        ),
        Some(_) | None => String::new(),
    }
}

fn watch(args: &OrderArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let interrupt = Interrupt::listen();
    let mut desk = Desk::open(&args.access, SessionKind::DropCopy, output)?;
    crate::progress::say("watching; Ctrl-C ends it");
    desk.watch(|| interrupt.is_asked(), output)?;
    desk.close()?;
    Ok(0)
}
