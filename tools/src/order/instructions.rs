//! New orders with all they may say, quotes and protection, from the command line to the wire.
//!
//! Invariant: what the command line says is what is sent; whether it makes sense together is the venue's to say.

use engine::ClientOrderId;
use gateway::client::Request;
use gateway::clock::{Clock, WallClock};
use gateway::wire::Group;
use gateway::wire::private::{
    AdvancedOrder, CancelMany, InstrumentDef, MassQuote, QuoteRow, ResetProtection, SetProtection,
};
use gateway::wire::types::{
    IdN, Millis, OrdFlags, OrdType, PostOnlyMode, PriceN, QtyN, Side, Stp, Tif, TimeNsN, TriggerSrc, U32N,
};
use risk::{AccountId, InstrumentId, Price, Qty};

use super::args::{
    InstructionArgs, NewArgs, ProtectArgs, QuoteArgs, SelfTradeName, SideName, Watched, price_of,
};
use crate::desk::Desk;
use crate::desk::instruments::{parse_price, parse_qty};

/// The session chooses the number.
const CHOSEN: ClientOrderId = ClientOrderId::new(0);

/// A new order; the venue takes one that says nothing beyond the plain one as the plain one.
pub(super) fn order(desk: &Desk, account: AccountId, side: Side, args: &NewArgs) -> anyhow::Result<Request> {
    let def = desk.instruments.find(&args.instrument)?;
    let more = &args.more;
    let price = price_of(&args.price).map_err(anyhow::Error::msg)?;
    let price = price.map(|price| parse_price(def, price)).transpose()?;
    let priceless = args.market || more.to_limit || more.spend;
    anyhow::ensure!(
        price.is_some() || priceless || more.waits(),
        "a price is missing: write @ PRICE, or --market, --to-limit, --spend"
    );
    anyhow::ensure!(price.is_none() || !priceless, "a price and an order that takes its price from the book");
    let qty = if more.spend {
        Qty::new(desk.instruments.parse_money(&args.quantity)?.get())
    } else {
        parse_qty(def, &args.quantity)?
    };
    let optional = |text: &Option<String>| text.as_ref().map(|text| parse_price(def, text)).transpose();
    let quantity = |text: &Option<String>| text.as_ref().map(|text| parse_qty(def, text)).transpose();
    let trigger = [&more.stop, &more.when, &more.trail].into_iter().find(|price| price.is_some());
    let flag = |is_set: bool, bit: u16| if is_set { bit } else { 0 };
    let flags = flag(args.reduce_only || more.close, OrdFlags::REDUCE_ONLY)
        | flag(more.close, OrdFlags::CLOSE_POSITION)
        | flag(args.persist, OrdFlags::PERSIST);
    let (tif, expire_time) = life(args);
    Ok(AdvancedOrder {
        cl_ord_id: CHOSEN,
        account_id: account,
        instrument_id: def.instrument_id,
        price: PriceN::from(price),
        qty,
        display_qty: QtyN::from(quantity(&more.display)?),
        min_qty: QtyN::from(quantity(&more.at_least)?),
        trigger_price: PriceN::from(trigger.map_or(Ok(None), optional)?),
        expire_time,
        valid_until: TimeNsN::NONE,
        user_tag: more.tag,
        take_profit_trigger: PriceN::from(optional(&more.take_profit)?),
        take_profit_price: PriceN::NONE,
        stop_loss_trigger: PriceN::from(optional(&more.stop_loss)?),
        stop_loss_price: PriceN::NONE,
        protection_group: more.group,
        flags: OrdFlags(flags),
        side: side.into(),
        ord_type: kind(more, price.is_some()).into(),
        tif: tif.into(),
        stp: stp(more.self_trade).into(),
        trigger_src: watched(more.on).into(),
        exit_src: watched(more.on).into(),
        post_only: mode(args).into(),
    }
    .into())
}

const fn kind(more: &InstructionArgs, has_price: bool) -> OrdType {
    match (more.stop.is_some(), more.when.is_some(), has_price) {
        (true, _, true) => OrdType::StopLimit,
        (true, _, false) => OrdType::StopMarket,
        (false, true, true) => OrdType::TakeProfitLimit,
        (false, true, false) => OrdType::TakeProfitMarket,
        (false, false, _) if more.trail.is_some() => OrdType::TrailingStop,
        (false, false, _) if more.spend => OrdType::QuoteNotional,
        (false, false, _) if more.to_limit => OrdType::MarketToLimit,
        (false, false, true) => OrdType::Limit,
        (false, false, false) => OrdType::Market,
    }
}

/// Life time and when it ends by itself. Orders that take their price from the book take at once.
fn life(args: &NewArgs) -> (Tif, TimeNsN) {
    if args.fok {
        return (Tif::FOK, TimeNsN::NONE);
    }
    if let Some(seconds) = args.more.good_for {
        let end = WallClock::default().now().get().saturating_add(seconds.saturating_mul(1_000_000_000));
        return (Tif::GTD, TimeNsN::from(engine::TimeNs::new(end)));
    }
    let at_once = args.ioc || ((args.market || args.more.spend) && !args.more.waits());
    let tif = match (at_once, args.more.day) {
        (true, _) => Tif::IOC,
        (false, true) => Tif::Day,
        (false, false) => Tif::GTC,
    };
    (tif, TimeNsN::NONE)
}

const fn mode(args: &NewArgs) -> PostOnlyMode {
    match (args.more.slide, args.post_only) {
        (true, _) => PostOnlyMode::Slide,
        (false, true) => PostOnlyMode::Reject,
        (false, false) => PostOnlyMode::Off,
    }
}

const fn stp(mode: SelfTradeName) -> Stp {
    match mode {
        SelfTradeName::CancelTaker => Stp::CancelTaker,
        SelfTradeName::CancelMaker => Stp::CancelMaker,
        SelfTradeName::CancelBoth => Stp::CancelBoth,
        SelfTradeName::Decrement => Stp::Decrement,
    }
}

const fn watched(price: Watched) -> TriggerSrc {
    match price {
        Watched::Last => TriggerSrc::Last,
        Watched::Mark => TriggerSrc::Mark,
        Watched::Index => TriggerSrc::Index,
    }
}

/// Cancels the orders that fit.
pub(super) fn cancel_many(
    account_id: AccountId,
    instrument: Option<InstrumentId>,
    side: Option<SideName>,
    tag: Option<u64>,
) -> Request {
    let side = match side {
        None => 0,
        Some(SideName::Buy) => 1,
        Some(SideName::Sell) => 2,
    };
    let instrument_id = U32N::from(instrument.map(InstrumentId::get));
    CancelMany {
        cl_ord_id: CHOSEN,
        account_id,
        instrument_id,
        user_tag: IdN::from(tag),
        side,
        valid_until: TimeNsN::NONE,
    }
    .into()
}

/// One side of a quote: `QUANTITY@PRICE`.
fn quoted(def: &InstrumentDef, text: &str) -> anyhow::Result<(Qty, Price)> {
    let (qty, price) = text.split_once('@').ok_or_else(|| {
        anyhow::anyhow!("`{text}` is no side of a quote; write QUANTITY@PRICE, such as 1@60000")
    })?;
    Ok((parse_qty(def, qty)?, parse_price(def, price)?))
}

/// Both sides of one instrument.
pub(super) fn quote(desk: &Desk, account_id: AccountId, args: &QuoteArgs) -> anyhow::Result<Request> {
    let def = desk.instruments.find(&args.instrument)?;
    let ((bid_qty, bid_px), (ask_qty, ask_px)) = (quoted(def, &args.bid)?, quoted(def, &args.ask)?);
    let row =
        QuoteRow { instrument_id: def.instrument_id, bid_px, bid_qty, ask_px, ask_qty, level: args.level };
    Ok(MassQuote {
        cl_ord_id: CHOSEN,
        account_id,
        valid_until: TimeNsN::NONE,
        protection_group: args.group,
        all_or_none: u8::from(args.all_or_none),
        quotes: Group(vec![row]),
    }
    .into())
}

/// Sets, ends or resets a protection group.
pub(super) fn protect(desk: &Desk, account_id: AccountId, args: &ProtectArgs) -> anyhow::Result<Request> {
    let protection_group = args.group;
    if args.reset {
        return Ok(ResetProtection {
            cl_ord_id: CHOSEN,
            account_id,
            protection_group,
            valid_until: TimeNsN::NONE,
        }
        .into());
    }
    let def = args.instrument.as_ref().map(|name| desk.instruments.find(name)).transpose()?;
    let quantity = |text: &Option<String>| match (text, def) {
        (Some(text), Some(def)) => parse_qty(def, text),
        (Some(_) | None, _) => Ok(Qty::ZERO),
    };
    Ok(SetProtection {
        cl_ord_id: CHOSEN,
        account_id,
        qty_limit: quantity(&args.quantity)?,
        delta_limit: quantity(&args.net)?,
        fills_limit: args.fills,
        window: Millis::new(if args.end { 0 } else { args.window_ms }),
        frozen: Millis::new(args.frozen_ms),
        protection_group,
        valid_until: TimeNsN::NONE,
    }
    .into())
}
