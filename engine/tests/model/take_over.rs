//! Who takes over what the book did not take.

use engine::Event;
use risk::{AccountId, AssetId, InstrumentId, Restriction};

use super::arith::{PPB, ceil};
use super::liquidation::Case;
use super::margin::Assumed;
use super::{Model, money, position};

impl Model {
    /// The book is given up: the backstop account takes the position, or it is offered to the holders of the other side.
    pub(crate) fn hand_over(&mut self, case: &mut Case, place: InstrumentId) {
        let account = case.account;
        self.book_funding(account, place);
        let held = self.leg(account, place).position;
        let whole = self.bankruptcy_amount(account, place, held.abs());
        let missing = (whole - self.value_of_part(account, place, held.abs())).max(0);
        let asset = self.settlement(place);
        let added = missing.min(self.fund_may(case.group, asset, case.given));
        let amount = whole - added;
        let backstop = self.risk_terms(place).backstop.filter(|&backstop| {
            added == missing && backstop != account && self.bears(backstop, place, held, amount)
        });
        let by = backstop.unwrap_or(AccountId::DELEVERAGING);
        self.book_funding(by, place);
        self.book(account, place, -held, -amount);
        self.book(by, place, held, amount);
        self.fund_gives(case.group, account, asset, added);
        if asset == AssetId::BASE {
            case.given += added;
        }
        let (amount_out, added) = (money(amount), money(added));
        self.out.push(Event::TakenOver {
            account,
            by,
            instrument: place,
            position: position(held),
            amount: amount_out,
            added,
        });
        if backstop.is_some() {
            self.noted.push("backstop takes over");
            self.trim(by, place);
            self.look(by);
        } else {
            self.offer(place, held, amount);
        }
    }

    /// Whether the backstop account may take over, and its margin bears it.
    fn bears(&mut self, backstop: AccountId, place: InstrumentId, taken: i128, amount: i128) -> bool {
        let known = &self.accounts[&backstop];
        let acts = self.acting(backstop, place).is_ok_and(|acting| acting == backstop);
        if !acts
            || known.liquidating
            || known.restriction != Restriction::None
            || !self.leg_fits(backstop, place, &[])
        {
            return false;
        }
        // What the position is worth more than it costs counts as money.
        let value = |model: &Self| {
            let held = model.leg(backstop, place).position;
            model.instruments[place.index()].terms.position_value(held, model.mark(place))
        };
        let before = self.leg(backstop, place);
        let required_before = self.required_of(backstop, place);
        let value_before = value(self);
        let then = super::state::Leg { position: before.position + taken, ..before };
        self.legs.insert((backstop, place), then);
        let (required, value) = (self.required_of(backstop, place), value(self));
        self.store_leg(backstop, place, before);
        let asset = self.settlement(place);
        let orders = self.weighing(backstop);
        let mut assumed = Assumed::orders(&orders);
        assumed.gone = (asset, amount - (value - value_before));
        assumed.more[asset.index()] = required - required_before;
        let now = self.worth_with(backstop, &assumed);
        let most = i128::from(self.risk_terms(place).backstop_margin_max.get());
        ceil(now.initial, PPB) <= now.initial_equity.min(most)
    }

    /// Equity of an account after it took so much over for an amount.
    pub(crate) fn equity_after(
        &self,
        account: AccountId,
        place: InstrumentId,
        taken: i128,
        amount: i128,
    ) -> i128 {
        let held = self.leg(account, place).position;
        let terms = &self.instruments[place.index()].terms;
        let value = |position| terms.position_value(position, self.mark(place));
        let orders = self.weighing(account);
        let mut assumed = Assumed::orders(&orders);
        assumed.gone = (self.settlement(place), amount - (value(held + taken) - value(held)));
        self.worth_with(account, &assumed).equity
    }

    /// Initial margin of one leg with its orders, in billionths of its settlement asset.
    fn required_of(&self, account: AccountId, place: InstrumentId) -> i128 {
        let orders = self.weighing(account);
        self.leg_requirement(account, place, &orders, self.leg(account, place).leverage)
    }
}
