//! The table of what an operator asks about instruments as a whole, by the state they are in.

use engine::{Action, Reject, TradingLimits, TradingState};
use risk::{InstrumentId, Leverage, Mark, Money, Price, Qty, Rate};

use super::scene::{NOWHERE, Scene, TRADED, TRADER, spec};

fn set(state: TradingState) -> Action {
    Action::SetTradingState { instrument: TRADED, state }
}

/// The way to a state from the one after the definition.
fn way_to(state: TradingState) -> Vec<Action> {
    match state {
        TradingState::Settled => {
            let price = Price::new(1_000).to_mark();
            vec![set(TradingState::Closed), Action::Settle { instrument: TRADED, price }]
        }
        TradingState::Open
        | TradingState::CancelOnly
        | TradingState::PreOpen
        | TradingState::Auction
        | TradingState::PostOnly
        | TradingState::ReduceOnly
        | TradingState::Halted
        | TradingState::Closed => vec![set(state)],
    }
}

/// States, each with an action and the rules it breaks there.
pub(crate) fn phases() -> Vec<(TradingState, Action, Vec<Reject>)> {
    let settle = |instrument, price| Action::Settle { instrument, price: Mark::new(price) };
    let call = |instrument, call_ms| Action::StartAuction { instrument, call_ms };
    let leverage =
        Action::SetLeverage { account: TRADER, instrument: TRADED, leverage: Leverage::new(5_000) };
    let too_high = (4_000 << 10) + 1;
    let mut all = vec![
        (TradingState::Open, set(TradingState::Settled), vec![Reject::BadParameter]),
        (TradingState::Settled, set(TradingState::Open), vec![Reject::BadParameter]),
        (TradingState::Open, call(NOWHERE, 0), vec![Reject::UnknownInstrument, Reject::BadParameter]),
        (TradingState::Open, call(TRADED, 0), vec![Reject::BadParameter]),
        (TradingState::Open, settle(NOWHERE, 0), vec![Reject::UnknownInstrument, Reject::BadPrice]),
        (TradingState::Closed, settle(TRADED, 0), vec![Reject::BadPrice]),
        (TradingState::Closed, settle(TRADED, too_high), vec![Reject::BadPrice]),
        (
            TradingState::Settled,
            Action::index_price(TRADED, Mark::new(0)),
            vec![Reject::NotTrading, Reject::BadPrice],
        ),
        (TradingState::Settled, leverage, vec![Reject::NotTrading, Reject::LeverageTooHigh]),
        (TradingState::Open, Action::Restarted { cancel_only_ms: 0, call_ms: 0 }, vec![Reject::BadParameter]),
    ];
    for &state in TradingState::ALL {
        if state != TradingState::Closed {
            all.push((state, settle(TRADED, 0), vec![Reject::NotTrading, Reject::BadPrice]));
        }
    }
    for state in [TradingState::Auction, TradingState::Closed, TradingState::Settled] {
        all.push((state, call(TRADED, 0), vec![Reject::NotTrading, Reject::BadParameter]));
    }
    all.extend(of_limits());
    all
}

fn of_limits() -> Vec<(TradingState, Action, Vec<Reject>)> {
    let set = |instrument, limits| Action::SetLimits { instrument, limits: Box::new(limits) };
    let sound = TradingLimits::of(&spec());
    let unsound = [
        TradingLimits { price_band: Rate::new(0), ..sound },
        TradingLimits { price_band: Rate::new(500_000_001), ..sound },
        TradingLimits { market_collar: Rate::new(500_000_001), ..sound },
        TradingLimits { limit_state_band: Rate::new(1_000_000), ..sound },
        TradingLimits { limit_state_call_ms: 1, ..sound },
        TradingLimits { order_qty_max: Qty::new(0), ..sound },
        TradingLimits { order_qty_max: Qty::new(51), ..sound },
        TradingLimits { position_max: Qty::new(152), ..sound },
        TradingLimits { open_interest_max: Qty::new(202), ..sound },
        TradingLimits { order_notional_max: Money::new(-1), ..sound },
        TradingLimits { orders_max: 0, ..sound },
        TradingLimits { orders_max: 1_025, ..sound },
        TradingLimits { owner_position_max: Qty::new(-2), ..sound },
        TradingLimits { owner_position_max: Qty::new(3), ..sound },
        TradingLimits { owner_position_max: Qty::new(202), ..sound },
    ];
    let refused = |limits| (TradingState::Open, set(TRADED, limits), vec![Reject::BadParameter]);
    let mut all: Vec<_> = unsound.into_iter().map(refused).collect();
    let nowhere = vec![Reject::UnknownInstrument, Reject::BadParameter];
    all.push((TradingState::Open, set(NOWHERE, unsound[0]), nowhere));
    all
}

impl Scene {
    /// Brings the traded instrument into a state.
    pub(crate) fn bring_to(&mut self, state: TradingState) {
        for action in way_to(state) {
            self.venue(action);
        }
    }

    /// No order of the instrument may be worth anything.
    pub(crate) fn limit_value(&mut self, instrument: InstrumentId) {
        let mut limits = TradingLimits::of(&spec());
        if self.breaks(Reject::NotionalTooLarge) {
            limits.order_notional_max = Money::new(1);
        }
        if self.breaks(Reject::OwnerPositionLimit) {
            limits.owner_position_max = Qty::new(2);
        }
        self.venue(Action::SetLimits { instrument, limits: Box::new(limits) });
    }
}
