//! `fulcrum admin limits`: trading limits of an instrument.
//!
//! Invariant: what is not said stays as the venue has it; a limit is a decimal as people write it, never rounded.

use gateway::wire::private::SetLimits;
use gateway::wire::types::Millis;

use super::CHOSEN;
use super::args::LimitArgs;
use crate::desk::Desk;
use crate::desk::instruments::parse_qty;
use crate::format::mantissa;

/// Decimals of a percentage that is a whole number of parts per billion.
const PERCENT_DECIMALS: u8 = 7;

/// The request, from the limits as they are and what is said of them.
pub(super) fn request(desk: &Desk, args: &LimitArgs) -> anyhow::Result<SetLimits> {
    let def = desk.instruments.find(&args.instrument)?;
    let quantity = |text: &Option<String>, now| text.as_ref().map_or(Ok(now), |text| parse_qty(def, text));
    let share = |text: &Option<String>, now: u32| -> anyhow::Result<u32> {
        let Some(text) = text else { return Ok(now) };
        let percent = mantissa(text.trim_end_matches('%'), PERCENT_DECIMALS)?;
        u32::try_from(percent).map_err(|_| anyhow::anyhow!("`{text}` is no share of a price; write 5%"))
    };
    let value = args.order_value.as_ref();
    Ok(SetLimits {
        request_id: CHOSEN,
        instrument_id: def.instrument_id,
        order_qty_max: quantity(&args.order_quantity, def.order_qty_max)?,
        order_notional_max: value
            .map_or(Ok(def.order_notional_max), |text| desk.instruments.parse_money(text))?,
        position_max: quantity(&args.position, def.position_max)?,
        open_interest_max: quantity(&args.open_interest, def.open_interest_max)?,
        orders_max: args.orders.unwrap_or(def.orders_max),
        price_band: share(&args.band, def.price_band)?,
        market_collar: share(&args.collar, def.market_collar)?,
        limit_state_band: share(&args.pause_band, def.limit_state_band)?,
        limit_state_call: args.pause_ms.map_or(def.limit_state_call, Millis::new),
        owner_position_max: quantity(&args.owner_position, def.owner_position_max)?,
    })
}
