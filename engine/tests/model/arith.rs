//! The published formulas, one function each, in wide integers: values, notionals, margin tables, fees, prices.
//!
//! Everything here is a quotient rounded once, so an integer numerator and denominator with one floor or ceiling is
//! the exact rational. `i128` is enough: a quantity stays below 2^52, a mark below 2^51 and the scale below 2^40, but
//! the product of the three is bounded by the instrument's own limit of 2^58 money units at its highest price, times
//! a denominator of at most 2^50; rates add 2^30. `rationals_of_any_size_agree` in `model_agrees.rs` holds these
//! functions against rationals without any bound.

use risk::{AssetId, ContractKind, FeeTier, InstrumentSpec, Price, Tier, TradingLimits, UnderlyingId};

/// Billionths in one.
pub(crate) const PPB: i128 = 1_000_000_000;
/// Marks per price unit.
pub(crate) const MARKS: i128 = 1024;

/// Nanoseconds in a millisecond.
pub(crate) const NS_PER_MS: u64 = 1_000_000;

/// The quotient rounded toward minus infinity.
pub(crate) fn floor(numerator: i128, denominator: i128) -> i128 {
    assert!(denominator > 0, "a rounded quotient has a positive denominator");
    numerator.div_euclid(denominator)
}

/// The quotient rounded toward plus infinity.
pub(crate) fn ceil(numerator: i128, denominator: i128) -> i128 {
    -floor(-numerator, denominator)
}

/// What the formulas need of an instrument.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) inverse: bool,
    pub(crate) settlement: AssetId,
    pub(crate) underlying: UnderlyingId,
    pub(crate) mul: i128,
    pub(crate) div: i128,
    pub(crate) tick: i128,
    pub(crate) lot: i128,
    pub(crate) price_max: i128,
    pub(crate) order_qty_max: i128,
    /// Largest value of an order; 0 is none.
    pub(crate) order_notional_max: i128,
    pub(crate) orders_max: usize,
    /// Matching pauses beyond; 0 is never.
    pub(crate) pause_band: i128,
    /// How long the auction of a pause lasts, in nanoseconds.
    pub(crate) pause_call: u64,
    pub(crate) position_max: i128,
    /// Of all accounts of an owner together; 0 is none.
    pub(crate) owner_position_max: i128,
    pub(crate) open_interest_max: i128,
    pub(crate) band: i128,
    pub(crate) collar: i128,
    pub(crate) step: i128,
    pub(crate) maker_fee: i128,
    pub(crate) taker_fee: i128,
    pub(crate) liquidation_fee: i128,
    pub(crate) initial: Vec<(i128, i128)>,
    pub(crate) maintenance: Vec<(i128, i128)>,
    /// Open interest between which the initial rate rises; 0 and 0 is never.
    pub(crate) ramp: (i128, i128),
    /// Depth of the book, what is free in billionths of it, slope; depth 0 is no add-on.
    pub(crate) crowding: (i128, i128, i128),
    pub(crate) profit_weight: i128,
}

fn rows(tiers: &[Tier]) -> Vec<(i128, i128)> {
    tiers.iter().map(|tier| (i128::from(tier.floor.get()), i128::from(tier.rate.get()))).collect()
}

/// `N r_k - c_k` with the last bracket whose floor is at or below `N`.
fn table(rows: &[(i128, i128)], notional: i128) -> i128 {
    let (mut rate, mut deduction) = (0, 0);
    for &(bracket_floor, bracket_rate) in rows {
        if bracket_floor > notional {
            break;
        }
        if bracket_floor > 0 {
            deduction += bracket_floor * (bracket_rate - rate);
        }
        rate = bracket_rate;
    }
    notional * rate - deduction
}

impl Terms {
    pub(crate) fn new(spec: &InstrumentSpec) -> Self {
        // multiplier x 10^(money - price - qty), of an inverse contract 10^(money + price - qty).
        let inverse = spec.contract.kind == ContractKind::Inverse;
        let (price, qty) = (u32::from(spec.price_decimals), u32::from(spec.qty_decimals));
        let money = u32::from(spec.money_decimals);
        let (above, below) = if inverse { (money + price, qty) } else { (money, price + qty) };
        let mul = i128::from(spec.multiplier) * 10_i128.pow(above);
        let div = 10_i128.pow(below);
        let shared =
            (1..=38).map(|power| 10_i128.pow(38 - power)).find(|ten| mul % ten == 0 && div % ten == 0);
        let shared = shared.unwrap_or(1);
        let adaptive = &spec.adaptive;
        let terms = Self {
            inverse,
            settlement: spec.contract.settlement,
            underlying: spec.contract.underlying,
            mul: mul.div_euclid(shared),
            div: div.div_euclid(shared),
            tick: i128::from(spec.tick.get()),
            lot: i128::from(spec.lot.get()),
            price_max: i128::from(spec.price_max.get()),
            order_qty_max: 0,
            order_notional_max: 0,
            orders_max: 0,
            pause_band: 0,
            pause_call: 0,
            position_max: 0,
            owner_position_max: 0,
            open_interest_max: 0,
            band: 0,
            collar: 0,
            step: i128::from(spec.mark_step_max.get()),
            maker_fee: i128::from(spec.maker_fee.get()),
            taker_fee: i128::from(spec.taker_fee.get()),
            liquidation_fee: i128::from(spec.liquidation_fee.get()),
            initial: rows(&spec.initial_tiers),
            maintenance: rows(&spec.maintenance_tiers),
            ramp: (i128::from(adaptive.oi_lower.get()), i128::from(adaptive.oi_upper.get())),
            crowding: (
                i128::from(adaptive.depth.get()),
                i128::from(adaptive.concentration_free),
                i128::from(adaptive.concentration_slope.get()),
            ),
            profit_weight: i128::from(adaptive.profit_weight.get()),
        };
        terms.limited(&TradingLimits::of(spec))
    }

    /// The same under other trading limits.
    pub(crate) fn limited(self, limits: &TradingLimits) -> Self {
        Self {
            order_qty_max: i128::from(limits.order_qty_max.get()),
            order_notional_max: i128::from(limits.order_notional_max.get()),
            orders_max: limits.orders_max as usize,
            pause_band: i128::from(limits.limit_state_band.get()),
            pause_call: u64::from(limits.limit_state_call_ms) * NS_PER_MS,
            position_max: i128::from(limits.position_max.get()),
            owner_position_max: i128::from(limits.owner_position_max.get()),
            open_interest_max: i128::from(limits.open_interest_max.get()),
            band: i128::from(limits.price_band.get()),
            collar: i128::from(limits.market_collar.get()),
            ..self
        }
    }

    /// Size of the value of a match.
    pub(crate) fn value(&self, qty: i128, price: i128) -> i128 {
        if self.inverse {
            floor(qty * self.mul, price * self.div)
        } else {
            floor(qty * price * self.mul, self.div)
        }
    }

    /// What the cost of a buyer rises by: whoever buys an inverse contract is short of coin.
    pub(crate) fn cost_of_buying(&self, value: i128) -> i128 {
        if self.inverse { -value } else { value }
    }

    /// Signed value of a position at a mark.
    pub(crate) fn position_value(&self, position: i128, mark: i128) -> i128 {
        if self.inverse {
            floor(-position * self.mul * MARKS, mark * self.div)
        } else {
            floor(position * mark * self.mul, self.div * MARKS)
        }
    }

    /// Base of the requirements.
    pub(crate) fn notional(&self, size: i128, mark: i128) -> i128 {
        if self.inverse {
            ceil(size * self.mul * MARKS, mark * self.div)
        } else {
            ceil(size * mark * self.mul, self.div * MARKS)
        }
    }

    /// Maintenance margin in billionths.
    pub(crate) fn maintenance_of(&self, notional: i128) -> i128 {
        table(&self.maintenance, notional)
    }

    /// Initial margin in billionths at a leverage setting in hundredths, and at the rate of the open interest.
    pub(crate) fn initial_of(&self, notional: i128, leverage: i128, crowded: i128) -> i128 {
        let rate = user_rate(leverage).max(crowded);
        table(&self.initial, notional).max(notional * rate) + self.concentration(notional)
    }

    /// What a position requires because it is large beside the depth of the book, in billionths.
    fn concentration(&self, notional: i128) -> i128 {
        let (depth, free, slope) = self.crowding;
        if depth == 0 {
            return 0;
        }
        let beyond = notional - floor(depth * free, PPB);
        if beyond <= 0 {
            return 0;
        }
        (ceil(notional * beyond, depth).min(1 << 90) * slope).min(notional * PPB)
    }

    /// The initial rate that an open interest of this notional asks for; 0 where it asks for none.
    pub(crate) fn crowded_rate(&self, open: i128) -> i128 {
        let (base, (lower, upper)) = (self.initial[0].1, self.ramp);
        if upper == 0 {
            0
        } else if open <= lower {
            base
        } else if open >= upper {
            PPB
        } else {
            ceil(base * (upper - lower) + (PPB - base) * (open - lower), upper - lower)
        }
    }

    /// Highest leverage setting in hundredths.
    pub(crate) fn leverage_max(&self) -> i128 {
        floor(100 * PPB, self.initial[0].1)
    }

    /// Loss at once of resting orders, each `quantity, price through the mark`, at the mark: of linear contracts the
    /// sum is rounded, of inverse ones each order.
    pub(crate) fn open_loss(&self, through: &[(i128, i128)], mark: i128) -> i128 {
        if !self.inverse {
            let gaps: i128 = through.iter().map(|&(qty, price)| qty * (price * MARKS - mark).abs()).sum();
            return ceil(gaps * self.mul, self.div * MARKS);
        }
        let coins = |&(qty, price): &(i128, i128)| {
            let (low, high) = (mark.min(price * MARKS), mark.max(price * MARKS));
            let coin = qty * self.mul * MARKS;
            ceil(coin, low * self.div) - floor(coin, high * self.div)
        };
        through.iter().map(coins).sum()
    }

    /// Fee of the taker.
    pub(crate) fn fee_of_taker(&self, value: i128, tier: FeeTier) -> i128 {
        let share = i128::from(tier.taker.get());
        ceil(value * ceil(self.taker_fee * share, PPB), PPB)
    }

    /// Fee of the maker; a rebate is negative and rounded down in size.
    pub(crate) fn fee_of_maker(&self, value: i128, tier: FeeTier) -> i128 {
        let (charged, paid) = (i128::from(tier.maker.get()), i128::from(tier.rebate.get()));
        if self.maker_fee >= 0 {
            ceil(value * ceil(self.maker_fee * charged, PPB), PPB)
        } else {
            -floor(value * floor(-self.maker_fee * paid, PPB), PPB)
        }
    }

    /// Bounds of the band or collar around a mark.
    pub(crate) fn around(mark: i128, rate: i128) -> (i128, i128) {
        let reach = floor(mark * rate, PPB);
        (mark - reach, mark + reach)
    }

    /// What must be paid for a quantity at a price: its value rounded up.
    pub(crate) fn cost(&self, qty: i128, price: i128) -> i128 {
        if self.inverse {
            ceil(qty * self.mul, price * self.div)
        } else {
            ceil(qty * price * self.mul, self.div)
        }
    }

    /// The most, in lots and up to `most`, that money pays for at a price.
    pub(crate) fn payable(&self, money: i128, price: i128, most: i128) -> i128 {
        if self.cost(most, price) <= money {
            return most;
        }
        let about = if self.inverse {
            floor(money * price * self.div, self.mul * self.lot)
        } else {
            floor(money * self.div, price * self.mul * self.lot)
        };
        let mut taken = about * self.lot;
        while taken > 0 && self.cost(taken, price) > money {
            taken -= self.lot;
        }
        taken
    }

    /// The last price inside `rate` around a mark, on the tick grid: the highest for a buyer, the lowest for a seller.
    pub(crate) fn inside(&self, mark: i128, rate: i128, buys: bool) -> i128 {
        let (low, high) = Self::around(mark, rate);
        if buys {
            floor(high, MARKS * self.tick) * self.tick
        } else {
            ceil(low, MARKS * self.tick) * self.tick
        }
    }

    /// The worst price of a market buy or sell.
    pub(crate) fn market_limit(&self, mark: i128, buys: bool) -> i128 {
        let price = self.inside(mark, self.collar, buys);
        price.clamp(self.tick, self.price_max)
    }

    /// The price at which a liquidated position leaves the account exactly with nothing, on the tick grid;
    /// `amount` is what the account must receive for the position.
    pub(crate) fn bankruptcy_price(&self, position: i128, amount: i128) -> Option<i128> {
        if self.inverse {
            return self.inverse_bankruptcy_price(position, amount);
        }
        let price = if position > 0 {
            if amount <= 0 {
                self.tick
            } else {
                (ceil(amount * self.div, position * self.mul * self.tick) * self.tick).max(self.tick)
            }
        } else {
            if amount > 0 {
                return None;
            }
            floor(-amount * self.div, -position * self.mul * self.tick) * self.tick
        };
        (price > 0 && price <= self.price_max).then_some(price)
    }

    /// Who sells an inverse contract pays coin, the less the higher the price; who buys it back gets the more the lower.
    fn inverse_bankruptcy_price(&self, position: i128, amount: i128) -> Option<i128> {
        let coin = position.abs() * self.mul;
        let price = if position > 0 {
            if amount >= 0 {
                return None;
            }
            (ceil(coin, -amount * self.div * self.tick) * self.tick).max(self.tick)
        } else if amount <= 0 {
            self.price_max
        } else {
            (floor(coin, amount * self.div * self.tick) * self.tick).min(self.price_max)
        };
        (price > 0 && price <= self.price_max).then_some(price)
    }

    /// Whether a price with sub-units may come from outside: the coin an inverse contract is worth has no bound below.
    pub(crate) fn admits_index(&self, price: i128) -> bool {
        let lowest = if self.inverse { self.tick * MARKS } else { 1 };
        price >= lowest && price <= self.price_max * MARKS
    }

    /// Whether a price is on the grid and in range.
    pub(crate) fn admits_price(&self, price: i128) -> bool {
        price > 0 && price % self.tick == 0 && price <= self.price_max
    }
}

/// The initial rate a leverage setting asks for.
pub(crate) fn user_rate(leverage: i128) -> i128 {
    // A rate is 32 bits wide; settings below 0.24x, which no account can keep, are taken as the largest rate.
    if leverage == 0 { 0 } else { ceil(100 * PPB, leverage).min(i128::from(u32::MAX)) }
}

/// A price as a wide integer.
pub(crate) fn wide(price: Price) -> i128 {
    i128::from(price.get())
}
