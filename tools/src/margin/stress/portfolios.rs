//! Random portfolios: from a hundred dollars to a hundred thousand, one to five positions, leverage from 1 to 20.
//!
//! Invariant: every position comes about by orders that met the market maker's at the first recorded price; who has not the
//! margin for one does without it.

use risk::{AccountId, Money, Price, Qty, Side};

use super::desk::{DOLLAR, Desk, instrument_at};
use crate::flow::random::Random;

const LEGS_MAX: i64 = 5;
/// Leverage by its quantiles, in hundredths.
const LEVERAGE: [(u64, i64); 5] = [(0, 100), (300, 300), (600, 600), (900, 1_200), (1_000, 2_000)];
/// Equity by its quantiles, in dollars.
const EQUITY: [(u64, i64); 4] = [(0, 100), (500, 2_000), (950, 25_000), (1_000, 100_000)];

/// An order to come.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    account: AccountId,
    side: Side,
    qty: Qty,
}

/// Opens the accounts and fills their portfolios.
///
/// # Errors
/// Where the venue refuses an account.
pub(super) fn fill(
    desk: &mut Desk,
    accounts: u32,
    symbols: usize,
    random: &mut Random,
) -> anyhow::Result<()> {
    let mut wanted: Vec<Vec<Wanted>> = vec![Vec::new(); symbols];
    for number in 0..accounts {
        let equity = Money::new(random.quantile(&EQUITY) * DOLLAR);
        let account = desk.fund(number, equity)?;
        // A third are hedged: their positions alternate. The others all go one way.
        let (hedged, first) = (random.chance(333), random.chance(550));
        let legs =
            u32::try_from(random.between(1, LEGS_MAX)).unwrap_or(1).min(u32::try_from(symbols).unwrap_or(1));
        let each = (equity.get() * random.quantile(&LEVERAGE)).div_euclid(100 * i64::from(legs));
        let begin = random.index(symbols);
        for leg in 0..legs as usize {
            let place = (begin + leg) % symbols;
            let buys = first != (hedged && leg % 2 == 1);
            let side = if buys { Side::Buy } else { Side::Sell };
            let qty = qty_worth(desk, place, Money::new(each));
            if qty > Qty::ZERO {
                wanted[place].push(Wanted { account, side, qty });
            }
        }
    }
    for (place, wanted) in wanted.iter().enumerate() {
        for side in [Side::Buy, Side::Sell] {
            trade(desk, place, side, wanted);
        }
        desk.withdraw_quotes(place);
    }
    Ok(())
}

fn qty_worth(desk: &Desk, place: usize, money: Money) -> Qty {
    let instrument = desk.venue.ledger().instrument(instrument_at(place));
    instrument.index.map_or(Qty::ZERO, |index| instrument.payable(money, index.floor_price()))
}

/// All orders of one side meet the market maker's at the index.
fn trade(desk: &mut Desk, place: usize, side: Side, wanted: &[Wanted]) {
    let Some(index) = desk.venue.ledger().instrument(instrument_at(place)).index else { return };
    let price: Price = index.floor_price();
    let orders = || wanted.iter().filter(|wanted| wanted.side == side);
    let all = orders().fold(Qty::ZERO, |sum, wanted| sum + wanted.qty);
    if all == Qty::ZERO {
        return;
    }
    desk.show(place, side.opposite(), price, all);
    for order in orders() {
        desk.take(order.account, place, side, price, order.qty);
    }
}
