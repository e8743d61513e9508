//! Settling a match: value computed once, booked with opposite signs; fees to the named account.
//!
//! Invariant: after each function here the sums I1-I5 hold again.

use crate::account::{Leg, LegId};
use crate::bankruptcy::insurance_delta;
use crate::byte_enum;
use crate::ledger::Ledger;
use crate::rounding::{div_ceil, div_floor, wide_mul};
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

/// What one step of a liquidation closes, and for what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
pub struct Closing {
    /// How much.
    pub qty: Qty,
    /// What the account must receive for all of it so that it uses up its share of equity and no more.
    pub at_bankruptcy: Money,
    /// What the fund may still add.
    pub allowance: Money,
    /// The risk group whose fund it is.
    pub group: u8,
    /// When.
    pub now_ns: u64,
}

impl Closing {
    /// The part of the bankruptcy amount that falls on `qty`, rounded down and up.
    fn share_of(&self, qty: Qty) -> (Money, Money) {
        let (over, under) = (wide_mul(self.at_bankruptcy.get(), qty.get()), i128::from(self.qty.get()));
        (Money::from_wide(div_floor(over, under)), Money::from_wide(div_ceil(over, under)))
    }
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
    /// account's share of the bankruptcy amount, and goes to the fund; what the price is worse the fund adds, as far as it
    /// may, which is a fee below zero. Source: `MARGIN.md` 7.
    pub fn settle_liquidation(
        &mut self,
        taker: LegId,
        maker: LegId,
        side: Side,
        price: Price,
        qty: Qty,
        closing: &mut Closing,
    ) -> Settlement {
        let value = self.exchange(taker, maker, side, price, qty);
        let Leg { account, instrument, .. } = *self.leg(taker);
        let instrument = self.instrument(instrument);
        let paid = instrument.scale().value(qty, price);
        let received = if side == Side::Buy { -paid } else { paid };
        let (down, up) = closing.share_of(qty);
        if received >= up {
            let fee = insurance_delta(received, up, instrument.spec.liquidation_fee);
            self.charge(taker, self.risk_groups.fund_of(closing.group), fee);
            return self.charge_maker(maker, value, fee);
        }
        let added = (down - received).min(closing.allowance).max(Money::ZERO);
        let asset = instrument.settlement();
        closing.allowance -= added;
        self.give_from_fund(closing.group, account, asset, added, closing.now_ns);
        self.charge_maker(maker, value, -added)
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

    /// A group's fund brings an account's negative balance in an asset back to zero, as far as it may give, of which
    /// `given` was already given for the account; what it gave.
    pub fn cover_deficit(
        &mut self,
        account: AccountId,
        asset: AssetId,
        (group, given): (u8, Money),
        now_ns: u64,
    ) -> Money {
        let deficit = (-self.balance(account, asset)).max(Money::ZERO);
        let amount = deficit.min(self.fund_allowance(group, asset, given, now_ns));
        self.give_from_fund(group, account, asset, amount, now_ns);
        amount
    }

    /// What an account still owes in an asset becomes a bad debt of the venue; how much.
    pub fn book_bad_debt(&mut self, account: AccountId, asset: AssetId) -> Money {
        let deficit = (-self.balance(account, asset)).max(Money::ZERO);
        if deficit > Money::ZERO {
            self.move_cash(AccountId::BAD_DEBT, account, asset, deficit);
        }
        deficit
    }

    /// Another account takes over a whole position for `amount`; the fund adds `added` to what its account receives.
    pub fn take_over(
        &mut self,
        from: LegId,
        to: LegId,
        amount: Money,
        (added, group): (Money, u8),
        now_ns: u64,
    ) {
        let Leg { account, position, instrument, .. } = *self.leg(from);
        self.transfer_position(from, to, position, amount);
        let asset = self.instrument(instrument).settlement();
        self.give_from_fund(group, account, asset, added, now_ns);
    }
}
