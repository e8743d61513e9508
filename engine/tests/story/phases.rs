//! Words about trading states, auctions, limits and settlement into commands.

use engine::{Action, TradingLimits, TradingState};
use risk::{InstrumentId, Money, Qty};

use super::Story;
use super::read::{mark, number, rate, settings, small};

fn trading_state(word: &str) -> Result<TradingState, String> {
    Ok(match word {
        "open" => TradingState::Open,
        "cancel-only" => TradingState::CancelOnly,
        "pre-open" => TradingState::PreOpen,
        "auction" => TradingState::Auction,
        "post-only" => TradingState::PostOnly,
        "reduce-only" => TradingState::ReduceOnly,
        "halted" => TradingState::Halted,
        "closed" => TradingState::Closed,
        "settled" => TradingState::Settled,
        _ => return Err(format!("no state {word}")),
    })
}

impl Story<'_> {
    /// A command about an instrument as a whole.
    pub(crate) fn of_phase(&self, words: &[&str]) -> Result<Action, String> {
        let (words, place) = match words {
            [words @ .., "in", place] => (words, small(place)?),
            words => (words, 0),
        };
        let instrument = InstrumentId::new(place);
        Ok(match *words {
            ["trading", state] => Action::SetTradingState { instrument, state: trading_state(state)? },
            ["auction", ms] => Action::StartAuction { instrument, call_ms: small(ms)? },
            ["restarted", cancel_only, call] => {
                Action::Restarted { cancel_only_ms: small(cancel_only)?, call_ms: small(call)? }
            }
            ["settle", price] => Action::Settle { instrument, price: mark(price)? },
            ["limits", ref wishes @ ..] => {
                Action::SetLimits { instrument, limits: Box::new(self.limits(instrument, wishes)?) }
            }
            _ => return Err("no such command".to_owned()),
        })
    }

    /// The limits of the instrument's terms, with settings.
    fn limits(&self, instrument: InstrumentId, words: &[&str]) -> Result<TradingLimits, String> {
        let spec = self.specs.get(instrument.index()).or(self.specs.first()).ok_or("no instrument")?;
        let mut limits = TradingLimits::of(spec);
        for (name, value) in settings(words)? {
            match name {
                "band" => limits.price_band = rate(value)?,
                "collar" => limits.market_collar = rate(value)?,
                "limit_band" => limits.limit_state_band = rate(value)?,
                "limit_call" => limits.limit_state_call_ms = small(value)?,
                "order_qty_max" => limits.order_qty_max = Qty::new(number(value)?),
                "order_notional_max" => limits.order_notional_max = Money::new(number(value)?),
                "position_max" => limits.position_max = Qty::new(number(value)?),
                "open_interest_max" => limits.open_interest_max = Qty::new(number(value)?),
                "owner_position_max" => limits.owner_position_max = Qty::new(number(value)?),
                "orders_max" => limits.orders_max = small(value)?,
                _ => return Err(format!("no limit {name}")),
            }
        }
        Ok(limits)
    }
}
