//! The table of the commands that are neither new orders nor amendments.

use engine::{Action, CancelOrder, MassCancel, OrderId, OrderRef, Reject, SessionId, TradingState, Transfer};
use risk::{AccountId, InstrumentId, InstrumentSpec, Leverage, Mark, Money, Price};

use super::scene::{NOBODY, NOBODY_OF_THE_VENUE, NOWHERE, TRADED, TRADER, WEALTH, spec};

/// Actions that are neither new orders nor amendments, each with the rules it breaks in a suitable scene.
pub(crate) fn others() -> Vec<(Action, Vec<Reject>)> {
    let mut all = of_trading();
    all.extend(of_money());
    all
}

fn of_trading() -> Vec<(Action, Vec<Reject>)> {
    let leverage = |account, instrument, hundredths| Action::SetLeverage {
        account,
        instrument,
        leverage: Leverage::new(hundredths),
    };
    let sweep =
        |account, instrument| Action::MassCancel(MassCancel { account, instrument: Some(instrument) });
    let cancel = |account| {
        let order = OrderRef::Id(OrderId::new(u64::MAX));
        Action::CancelOrder(CancelOrder { account, order })
    };
    vec![
        (Action::Tick, vec![Reject::VenuePending, Reject::UnknownSession]),
        (Action::Continue, vec![Reject::NothingPending, Reject::UnknownSession]),
        (
            cancel(NOBODY_OF_THE_VENUE),
            vec![Reject::UnknownAccount, Reject::SystemAccount, Reject::UnknownOrder],
        ),
        (cancel(AccountId::FEES), vec![Reject::SystemAccount, Reject::UnknownOrder]),
        (cancel(TRADER), vec![Reject::UnknownOrder]),
        (sweep(NOBODY_OF_THE_VENUE, NOWHERE), vec![Reject::UnknownAccount, Reject::SystemAccount]),
        (sweep(AccountId::FEES, NOWHERE), vec![Reject::SystemAccount, Reject::UnknownInstrument]),
        (sweep(TRADER, NOWHERE), vec![Reject::UnknownInstrument]),
        (Action::index_price(NOWHERE, Mark::new(0)), vec![Reject::UnknownInstrument, Reject::BadPrice]),
        (Action::index_price(TRADED, Mark::new(0)), vec![Reject::BadPrice]),
        (leverage(NOBODY_OF_THE_VENUE, NOWHERE, 5_000), vec![Reject::UnknownAccount, Reject::SystemAccount]),
        (leverage(AccountId::FEES, NOWHERE, 5_000), vec![Reject::SystemAccount, Reject::UnknownInstrument]),
        (leverage(TRADER, NOWHERE, 5_000), vec![Reject::UnknownInstrument, Reject::LeverageTooHigh]),
        (leverage(TRADER, TRADED, 5_000), vec![Reject::TooManyLegs, Reject::LeverageTooHigh]),
        (leverage(TRADER, TRADED, 50), vec![Reject::TooManyLegs, Reject::BadParameter]),
        (leverage(TRADER, TRADED, 5_000), vec![Reject::LeverageTooHigh]),
        (leverage(TRADER, TRADED, 50), vec![Reject::BadParameter]),
    ]
}

fn of_money() -> Vec<(Action, Vec<Reject>)> {
    let amount = |account, amount| Transfer { account, amount: Money::new(amount) };
    let unsound = Box::new(InstrumentSpec { tick: Price::new(0), ..spec() });
    vec![
        (Action::Deposit(amount(NOBODY, 0)), vec![Reject::UnknownAccount, Reject::BadParameter]),
        (Action::Deposit(amount(TRADER, 0)), vec![Reject::BadParameter]),
        (
            Action::Withdraw(amount(NOBODY_OF_THE_VENUE, 1)),
            vec![Reject::UnknownAccount, Reject::SystemAccount],
        ),
        (
            Action::Withdraw(amount(AccountId::FEES, 1)),
            vec![Reject::SystemAccount, Reject::InsufficientFunds],
        ),
        (Action::Withdraw(amount(TRADER, WEALTH + 1)), vec![Reject::InsufficientFunds]),
        (Action::Withdraw(amount(TRADER, 0)), vec![Reject::BadParameter]),
        (
            Action::OpenAccount { account: AccountId::FEES },
            vec![Reject::SystemAccount, Reject::AlreadyExists],
        ),
        (Action::OpenAccount { account: TRADER }, vec![Reject::AlreadyExists]),
        (Action::OpenAccount { account: AccountId::new(64) }, vec![Reject::BadParameter]),
        (
            Action::OpenSession { session: SessionId::new(u32::MAX) },
            vec![Reject::AlreadyExists, Reject::BadParameter],
        ),
        (
            Action::DefineInstrument { instrument: TRADED, spec: unsound.clone() },
            vec![Reject::AlreadyExists, Reject::BadParameter],
        ),
        (
            Action::DefineInstrument { instrument: InstrumentId::new(3), spec: unsound },
            vec![Reject::BadParameter],
        ),
        (
            Action::SetTradingState { instrument: NOWHERE, state: TradingState::Open },
            vec![Reject::UnknownInstrument],
        ),
    ]
}
