//! What an order says, whichever message it came in.
//!
//! Invariant: the same words mean the same order in a single request and in a batch; an order that says nothing beyond
//! the plain one becomes the plain one.

use engine::{
    Action, AdvancedOrder, Exit, Instructions, NewOrder, OrderTag, Pricing, ProtectionId, SelfTrade,
    TimeInForce, TimeNs, Trigger, TriggerKind, TriggerSource,
};
use risk::{AccountId, Price, Qty, Side};

use crate::wire::codes::ErrorCode;
use crate::wire::private;
use crate::wire::types::{self, Code, OrdFlags, OrdType, PostOnlyMode, PriceN, Stp, Tif, TriggerSrc};

/// A field that cannot be read, by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fault {
    pub(super) code: ErrorCode,
    pub(super) field: &'static str,
}

const fn fault(code: ErrorCode, field: &'static str) -> Fault {
    Fault { code, field }
}

/// An order in the words of the wire: every field an order has in any message.
pub(super) type Said = private::BatchRow;

/// The action of one order: the plain one where it says nothing beyond.
pub(super) fn action(said: &Said, account: AccountId) -> Result<Action, Fault> {
    let AdvancedOrder { order, instructions } = advanced(said, account)?;
    Ok(if instructions == Instructions::PLAIN {
        Action::NewOrder(order)
    } else {
        Action::AdvancedOrder(AdvancedOrder { order, instructions })
    })
}

/// Reads an order.
pub(super) fn advanced(said: &Said, account: AccountId) -> Result<AdvancedOrder, Fault> {
    let null = i64::MIN;
    if said.qty.get() == null {
        return Err(fault(ErrorCode::NullInRequired, "qty"));
    }
    if said.flags.0 & !OrdFlags::KNOWN != 0 {
        return Err(fault(ErrorCode::Unsupported, "flags"));
    }
    let kind = known(said.ord_type, "ord_type")?;
    let (time_in_force, expires) = life(said)?;
    let mode = known(said.post_only, "post_only")?;
    let closes = said.flags.0 & OrdFlags::CLOSE_POSITION != 0;
    let order = NewOrder {
        account,
        instrument: said.instrument_id,
        side: side(known(said.side, "side")?),
        qty: said.qty,
        limit: limit(kind, said.price)?,
        time_in_force,
        post_only: mode != PostOnlyMode::Off,
        reduce_only: said.flags.0 & OrdFlags::REDUCE_ONLY != 0,
        persistent: said.flags.0 & OrdFlags::PERSIST != 0,
    };
    let instructions = Instructions {
        pricing: pricing(kind, closes)?,
        self_trade: self_trade(known(said.stp, "stp")?)?,
        slides: mode == PostOnlyMode::Slide,
        protection: ProtectionId::new(said.protection_group),
        display: display(said)?,
        min_qty: said.min_qty.get().unwrap_or(Qty::ZERO),
        expires,
        tag: OrderTag::new(said.user_tag),
        trigger: trigger(kind, said)?,
        take_profit: exit(said, said.take_profit_trigger, said.take_profit_price, "take_profit_price")?,
        stop_loss: exit(said, said.stop_loss_trigger, said.stop_loss_price, "stop_loss_price")?,
    };
    Ok(AdvancedOrder { order, instructions })
}

fn known<E: types::WireEnum>(code: Code<E>, field: &'static str) -> Result<E, Fault> {
    code.get().ok_or(fault(ErrorCode::BadEnum, field))
}

const fn side(side: types::Side) -> Side {
    match side {
        types::Side::Buy => Side::Buy,
        types::Side::Sell => Side::Sell,
    }
}

/// The limit price: there where the type has one, and only there.
fn limit(kind: OrdType, price: PriceN) -> Result<Option<Price>, Fault> {
    match kind {
        OrdType::Limit | OrdType::StopLimit | OrdType::TakeProfitLimit => {
            price.get().map(Some).ok_or(fault(ErrorCode::NullInRequired, "price"))
        }
        // A trailing stop may have one.
        OrdType::TrailingStop => Ok(price.get()),
        OrdType::Market
        | OrdType::StopMarket
        | OrdType::TakeProfitMarket
        | OrdType::MarketToLimit
        | OrdType::QuoteNotional => match price.get() {
            None => Ok(None),
            Some(_) => Err(fault(ErrorCode::Unsupported, "price")),
        },
    }
}

/// What is shown. An order of which nothing is shown is not offered.
fn display(said: &Said) -> Result<Qty, Fault> {
    match said.display_qty.get() {
        None => Ok(Qty::ZERO),
        Some(Qty::ZERO) => Err(fault(ErrorCode::Unsupported, "display_qty")),
        Some(shown) => Ok(shown),
    }
}

/// Life time, and when it ends by itself.
fn life(said: &Said) -> Result<(TimeInForce, TimeNs), Fault> {
    let tif = known(said.tif, "tif")?;
    let expires = match (tif, said.expire_time.get()) {
        (Tif::GTD, None) => return Err(fault(ErrorCode::NullInRequired, "expire_time")),
        // In the engine 0 is never; on the wire it is a time that has passed.
        (Tif::GTD, Some(time)) => time.max(TimeNs::new(1)),
        (Tif::Day, None) => Instructions::END_OF_DAY,
        (Tif::GTC | Tif::IOC | Tif::FOK, None) => TimeNs::default(),
        (Tif::Day | Tif::GTC | Tif::IOC | Tif::FOK, Some(_)) => {
            return Err(fault(ErrorCode::Unsupported, "expire_time"));
        }
    };
    let life = match tif {
        Tif::GTC | Tif::GTD | Tif::Day => TimeInForce::GoodTillCancel,
        Tif::IOC => TimeInForce::ImmediateOrCancel,
        Tif::FOK => TimeInForce::FillOrKill,
    };
    Ok((life, expires))
}

fn pricing(kind: OrdType, closes: bool) -> Result<Pricing, Fault> {
    match kind {
        OrdType::MarketToLimit | OrdType::QuoteNotional if closes => {
            Err(fault(ErrorCode::Unsupported, "flags"))
        }
        OrdType::MarketToLimit => Ok(Pricing::MarketToLimit),
        OrdType::QuoteNotional => Ok(Pricing::QuoteNotional),
        OrdType::Limit
        | OrdType::Market
        | OrdType::StopMarket
        | OrdType::StopLimit
        | OrdType::TakeProfitMarket
        | OrdType::TakeProfitLimit
        | OrdType::TrailingStop => Ok(if closes { Pricing::ClosePosition } else { Pricing::Stated }),
    }
}

fn self_trade(mode: Stp) -> Result<SelfTrade, Fault> {
    match mode {
        Stp::CancelTaker => Ok(SelfTrade::CancelTaker),
        Stp::CancelMaker => Ok(SelfTrade::CancelMaker),
        Stp::CancelBoth => Ok(SelfTrade::CancelBoth),
        Stp::Decrement => Ok(SelfTrade::Decrement),
        // An account never trades with itself, whatever it wishes.
        Stp::None => Err(fault(ErrorCode::Unsupported, "stp")),
    }
}

const fn source(source: TriggerSrc) -> TriggerSource {
    match source {
        TriggerSrc::Last => TriggerSource::Last,
        TriggerSrc::Mark => TriggerSource::Mark,
        TriggerSrc::Index => TriggerSource::Index,
    }
}

/// The trigger: there where the type has one, and only there.
fn trigger(kind: OrdType, said: &Said) -> Result<Option<Trigger>, Fault> {
    let kind = match kind {
        OrdType::StopMarket | OrdType::StopLimit => TriggerKind::Stop,
        OrdType::TakeProfitMarket | OrdType::TakeProfitLimit => TriggerKind::TakeProfit,
        OrdType::TrailingStop => TriggerKind::Trailing,
        OrdType::Limit | OrdType::Market | OrdType::MarketToLimit | OrdType::QuoteNotional => {
            return match said.trigger_price.get() {
                None => Ok(None),
                Some(_) => Err(fault(ErrorCode::Unsupported, "trigger_price")),
            };
        }
    };
    let price = said.trigger_price.get().ok_or(fault(ErrorCode::NullInRequired, "trigger_price"))?;
    Ok(Some(Trigger { source: source(known(said.trigger_src, "trigger_src")?), kind, price }))
}

fn exit(said: &Said, trigger: PriceN, limit: PriceN, field: &'static str) -> Result<Option<Exit>, Fault> {
    match (trigger.get(), limit.get()) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(fault(ErrorCode::Unsupported, field)),
        (Some(trigger), limit) => {
            Ok(Some(Exit { source: source(known(said.exit_src, "exit_src")?), trigger, limit }))
        }
    }
}
