//! Settling a match: value computed once, booked with opposite signs; fees to the named account.
//!
//! Invariant: after each function here the sums I1-I5 hold again.

use crate::account::{Leg, LegId};
use crate::bankruptcy::insurance_delta;
use crate::byte_enum;
use crate::ledger::Ledger;
use crate::units::{AccountId, FeeRate, Mark, Money, Position, Price, Qty, Side};

byte_enum!(
    /// What kind of match it is.
    FillKind {
        /// Between two orders.
        Trade = 1,
        /// The taker is an account under liquidation.
        Liquidation = 2,
        /// At the price of an auction; neither side took.
        Auction = 3,
    }
);

/// What a match moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settlement {
    /// Value exchanged.
    pub value: Money,
    /// Fee of the taker.
    pub taker_fee: Money,
    /// Fee of the maker; negative is a rebate.
    pub maker_fee: Money,
}

impl Ledger {
    /// Settles an ordinary match. The taker pays the taker fee.
    pub fn settle_trade(
        &mut self,
        taker: LegId,
        maker: LegId,
        side: Side,
        price: Price,
        qty: Qty,
    ) -> Settlement {
        let value = self.exchange(taker, maker, side, price, qty);
        let rate = self.instrument(self.leg(taker).instrument).spec.taker_fee;
        let taker_fee = rate.of_ceil(value);
        self.charge(self.leg(taker).account, AccountId::FEES, taker_fee);
        self.charge_maker(maker, value, taker_fee)
    }

    /// Settles a match of an account under liquidation. Its fee is taken only from what the price is better than the
    /// bankruptcy price, `surplus`, and goes to the insurance account. Source: `MARGIN.md` 7.
    pub fn settle_liquidation(
        &mut self,
        taker: LegId,
        maker: LegId,
        side: Side,
        price: Price,
        qty: Qty,
        bankruptcy: Price,
    ) -> Settlement {
        let value = self.exchange(taker, maker, side, price, qty);
        let instrument = self.instrument(self.leg(taker).instrument);
        let received = |amount: Money| match side {
            Side::Buy => -amount,
            Side::Sell => amount,
        };
        let at_bankruptcy = received(instrument.value(qty, bankruptcy));
        let rate = instrument.spec.liquidation_fee;
        // No order of an account under liquidation trades beyond its bankruptcy price.
        let taker_fee = insurance_delta(received(value), at_bankruptcy, rate).max(Money::ZERO);
        self.charge(self.leg(taker).account, AccountId::INSURANCE, taker_fee);
        self.charge_maker(maker, value, taker_fee)
    }

    /// Settles a match at the price of an auction: neither side took, so both pay the maker fee. The buyer's fee is
    /// named the taker's.
    pub fn settle_auction(&mut self, buyer: LegId, seller: LegId, price: Price, qty: Qty) -> Settlement {
        let value = self.exchange(buyer, seller, Side::Buy, price, qty);
        let rate = self.instrument(self.leg(buyer).instrument).spec.maker_fee;
        let fee = rate.of(value);
        self.charge(self.leg(buyer).account, AccountId::FEES, fee);
        self.charge_maker(seller, value, fee)
    }

    fn charge_maker(&mut self, maker: LegId, value: Money, taker_fee: Money) -> Settlement {
        let rate: FeeRate = self.instrument(self.leg(maker).instrument).spec.maker_fee;
        let maker_fee = rate.of(value);
        self.charge(self.leg(maker).account, AccountId::FEES, maker_fee);
        Settlement { value, taker_fee, maker_fee }
    }

    /// Moves a fee from an account to one of the venue's own.
    fn charge(&mut self, from: AccountId, to: AccountId, fee: Money) {
        self.post_cash(from, -fee);
        self.post_cash(to, fee);
    }

    /// Books both sides of a match; the value exchanged.
    fn exchange(&mut self, taker: LegId, maker: LegId, side: Side, price: Price, qty: Qty) -> Money {
        let value = self.instrument(self.leg(taker).instrument).value(qty, price);
        let (buyer, seller) = match side {
            Side::Buy => (taker, maker),
            Side::Sell => (maker, taker),
        };
        self.transfer_position(seller, buyer, Position::new(qty.get()), value);
        value
    }

    /// Moves `position` from one leg to another against `amount`: the receiver pays it, the giver gets it.
    pub fn transfer_position(&mut self, from: LegId, to: LegId, position: Position, amount: Money) {
        self.post_position(from, Position::ZERO - position, -amount);
        self.post_position(to, position, amount);
    }

    /// Closes the position of a leg at `price`: the dust account takes it over for its value, rounded down, which is
    /// what the leg's account gets. Once every position has been closed so, the dust account holds none, and keeps what
    /// the rounding left.
    pub fn settle_position(&mut self, leg: LegId, dust: LegId, price: Mark) -> Money {
        let Leg { instrument, position, .. } = *self.leg(leg);
        let amount = self.instrument(instrument).position_value(position, price);
        self.transfer_position(leg, dust, position, amount);
        amount
    }

    /// The insurance account brings a negative balance of an account without positions back to zero; what it paid.
    pub fn cover_deficit(&mut self, account: AccountId) -> Money {
        let deficit = (-self.accounts[account.index()].balance).max(Money::ZERO);
        self.charge(AccountId::INSURANCE, account, deficit);
        deficit
    }
}
