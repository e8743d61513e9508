//! Settling a match: value computed once, booked with opposite signs; fees to the named account.
//!
//! Invariant: after each function here the sums I1-I5 hold again.

use crate::account::{Leg, LegId};
use crate::bankruptcy::insurance_delta;
use crate::byte_enum;
use crate::ledger::Ledger;
use crate::units::{AccountId, AssetId, Mark, Money, Position, Price, Qty, Side};

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
    /// Size of the value exchanged, in the asset it settles in.
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
        let (account, instrument) = (self.leg(taker).account, self.instrument(self.leg(taker).instrument));
        let taker_fee = self.taker_rate(account, instrument.spec.taker_fee).of_ceil(value);
        let (asset, maker_fee) = (instrument.settlement(), instrument.spec.maker_fee);
        self.move_cash(account, AccountId::FEES, asset, taker_fee);
        let account = self.leg(maker).account;
        let maker_fee = self.maker_rate(account, maker_fee).of(value);
        self.move_cash(account, AccountId::FEES, asset, maker_fee);
        Settlement { value, taker_fee, maker_fee }
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
        let received = |price| {
            let paid = instrument.scale().value(qty, price);
            if side == Side::Buy { -paid } else { paid }
        };
        let rate = instrument.spec.liquidation_fee;
        // No order of an account under liquidation trades beyond its bankruptcy price.
        let taker_fee = insurance_delta(received(price), received(bankruptcy), rate).max(Money::ZERO);
        self.charge(taker, AccountId::INSURANCE, taker_fee);
        self.charge_maker(maker, value, taker_fee)
    }

    /// Settles a match at the price of an auction: neither side took, so both pay the maker fee. The buyer's fee is
    /// named the taker's.
    pub fn settle_auction(&mut self, buyer: LegId, seller: LegId, price: Price, qty: Qty) -> Settlement {
        let value = self.exchange(buyer, seller, Side::Buy, price, qty);
        let Leg { account, instrument, .. } = *self.leg(buyer);
        let rate = self.maker_rate(account, self.instrument(instrument).spec.maker_fee);
        let fee = rate.of(value);
        self.charge(buyer, AccountId::FEES, fee);
        self.charge_maker(seller, value, fee)
    }

    fn charge_maker(&mut self, maker: LegId, value: Money, taker_fee: Money) -> Settlement {
        let Leg { account, instrument, .. } = *self.leg(maker);
        let rate = self.maker_rate(account, self.instrument(instrument).spec.maker_fee);
        let maker_fee = rate.of(value);
        self.charge(maker, AccountId::FEES, maker_fee);
        Settlement { value, taker_fee, maker_fee }
    }

    /// Moves a fee from the account of a leg to one of the venue's own, in the asset the leg settles in.
    fn charge(&mut self, from: LegId, to: AccountId, fee: Money) {
        let Leg { account, instrument, .. } = *self.leg(from);
        self.move_cash(account, to, self.instrument(instrument).settlement(), fee);
    }

    /// Books both sides of a match; the size of the value exchanged.
    fn exchange(&mut self, taker: LegId, maker: LegId, side: Side, price: Price, qty: Qty) -> Money {
        let scale = self.instrument(self.leg(taker).instrument).scale();
        let size = scale.size_of_value(qty, price);
        let value = if scale.is_inverse() { -size } else { size };
        let (buyer, seller) = match side {
            Side::Buy => (taker, maker),
            Side::Sell => (maker, taker),
        };
        self.transfer_position(seller, buyer, Position::new(qty.get()), value);
        size
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

    /// The insurance account brings an account's negative balance in an asset back to zero; what it paid.
    pub fn cover_deficit(&mut self, account: AccountId, asset: AssetId) -> Money {
        let deficit = (-self.balance(account, asset)).max(Money::ZERO);
        if deficit > Money::ZERO {
            self.move_cash(AccountId::INSURANCE, account, asset, deficit);
        }
        deficit
    }
}
