//! One event as a row of named cells.
//!
//! Invariant: the columns and their order are stable; new ones are added at the end. Cells hold raw integers
//! (mantissas) and fixed words, so nothing needs quoting. For a fill the plain cells are the taker's, the `maker_` cells the maker's.

mod liquidation;
mod margin;
mod special;

use engine::{ClientOrderId, Event, Fill, FillSide, OrderId, SessionId, Stamp, TimeNs};
use risk::{AccountId, InstrumentId, Side};

/// Names of the columns, in order.
pub const COLUMNS: [&str; 60] = [
    "seq",
    "time_ns",
    "event",
    "account",
    "order",
    "client_order_id",
    "instrument",
    "side",
    "price",
    "qty",
    "leaves",
    "session",
    "detail",
    "trade",
    "value",
    "fee",
    "position",
    "cost",
    "balance",
    "amount",
    "mark",
    "maintenance",
    "maker_account",
    "maker_order",
    "maker_client_order_id",
    "maker_leaves",
    "maker_fee",
    "maker_position",
    "maker_cost",
    "maker_balance",
    "key",
    "tag",
    "client_seq",
    "code",
    "deadline_ns",
    "trigger",
    "watched",
    "group",
    "asset",
    "external_id",
    "to_account",
    "to_balance",
    "bought_asset",
    "received",
    "initial",
    "leverage_e9",
    "margin_ratio_e9",
    "step",
    "needed",
    "depth_cap",
    "asked",
    "at_bankruptcy",
    "allowance",
    "request",
    "round",
    "haircut",
    "level_e9",
    "holders",
    "lots",
    "open",
];

/// A value in a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cell {
    /// Nothing to say here.
    Empty,
    /// A number.
    Number(i128),
    /// A word of letters and underscores.
    Word(String),
}

/// A column, in the order of [`COLUMNS`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
#[expect(missing_docs, reason = "each is named as its column")]
pub enum Column {
    Seq,
    TimeNs,
    Event,
    Account,
    Order,
    ClientOrderId,
    Instrument,
    Side,
    Price,
    Qty,
    Leaves,
    Session,
    Detail,
    Trade,
    Value,
    Fee,
    Position,
    Cost,
    Balance,
    Amount,
    Mark,
    Maintenance,
    MakerAccount,
    MakerOrder,
    MakerClientOrderId,
    MakerLeaves,
    MakerFee,
    MakerPosition,
    MakerCost,
    MakerBalance,
    Key,
    Tag,
    ClientSeq,
    Code,
    DeadlineNs,
    Trigger,
    Watched,
    Group,
    Asset,
    ExternalId,
    ToAccount,
    ToBalance,
    BoughtAsset,
    Received,
    Initial,
    LeverageE9,
    MarginRatioE9,
    Step,
    Needed,
    DepthCap,
    Asked,
    AtBankruptcy,
    Allowance,
    Request,
    Round,
    Haircut,
    LevelE9,
    Holders,
    Lots,
    Open,
}

/// An event's cells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    cells: [Cell; COLUMNS.len()],
}

impl Row {
    /// The row of an event.
    #[must_use]
    pub fn of(stamp: Stamp, event: &Event) -> Self {
        let mut row = Self { cells: [const { Cell::Empty }; COLUMNS.len()] };
        row.number(Column::Seq, stamp.seq.get());
        row.number(Column::TimeNs, stamp.time.get());
        row.word(Column::Event, snake(event.name()));
        row.fill_in(event);
        row
    }

    /// Adds what an event leaves to its order: where it is and on which side.
    pub fn complete(&mut self, instrument: InstrumentId, side: Side) {
        self.at(instrument);
        self.named(Column::Side, side);
    }

    /// Every cell with the name of its column.
    pub fn cells(&self) -> impl Iterator<Item = (&'static str, &Cell)> {
        COLUMNS.into_iter().zip(&self.cells)
    }

    /// One cell.
    #[must_use]
    pub fn cell(&self, column: Column) -> &Cell {
        &self.cells[column as usize]
    }

    fn number(&mut self, column: Column, number: impl Into<i128>) {
        self.cells[column as usize] = Cell::Number(number.into());
    }

    fn word(&mut self, column: Column, word: String) {
        self.cells[column as usize] = Cell::Word(word);
    }

    /// A field-less enum's name in snake case.
    fn named(&mut self, column: Column, value: impl std::fmt::Debug) {
        self.word(column, snake(&format!("{value:?}")));
    }

    fn who(&mut self, account: AccountId) {
        self.number(Column::Account, account.get());
    }

    fn at(&mut self, instrument: InstrumentId) {
        self.number(Column::Instrument, instrument.get());
    }

    fn order(&mut self, account: AccountId, order: OrderId) {
        self.who(account);
        self.number(Column::Order, order.get());
    }

    fn sent_by(&mut self, session: SessionId, number: ClientOrderId) {
        self.number(Column::Session, session.get());
        self.number(Column::ClientOrderId, number.get());
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events are those of `fill_in_special`")]
    fn fill_in(&mut self, event: &Event) {
        use Column as C;
        match *event {
            Event::Rejected { session, account, client_order_id, reject, short } => {
                self.who(account);
                self.sent_by(session, client_order_id);
                self.named(C::Detail, reject);
                self.number(C::Amount, short.get());
            }
            Event::Fill(ref fill) => self.fill(fill),
            Event::Accepted { .. }
            | Event::Cancelled { .. }
            | Event::Amended { .. }
            | Event::Trimmed { .. } => self.fill_in_order(event),
            Event::MassCancelled { .. }
            | Event::Marked { .. }
            | Event::SessionOpened { .. }
            | Event::AccountOpened { .. }
            | Event::LeverageSet { .. }
            | Event::InstrumentDefined { .. }
            | Event::TradingStateSet { .. }
            | Event::Ticked
            | Event::LiquidationStarted { .. }
            | Event::TakenOver { .. }
            | Event::LiquidationEnded { .. } => self.fill_in_rest(event),
            Event::KeyRegistered { .. }
            | Event::KeyRevoked { .. }
            | Event::LoggedOn { .. }
            | Event::LoggedOff { .. }
            | Event::Skipped { .. }
            | Event::DeadManSet { .. }
            | Event::DeadManFired { .. }
            | Event::OwnerGroupSet { .. }
            | Event::GroupRestrictionSet { .. }
            | Event::KeySuspended { .. }
            | Event::RestrictionSet { .. } => self.fill_in_session(event),
            Event::Transferred { .. }
            | Event::Moved(_)
            | Event::TransferRepeated { .. }
            | Event::FundingBooked { .. }
            | Event::AssetDefined { .. }
            | Event::DebtTermsSet { .. }
            | Event::Converted { .. }
            | Event::DeficitCovered { .. }
            | Event::InterestCharged { .. }
            | Event::MarginStateChanged { .. }
            | Event::MarginModeSet { .. }
            | Event::MarginScheduled { .. }
            | Event::MarginChangeEnded { .. }
            | Event::WouldLiquidate { .. }
            | Event::MarginWeighed { .. }
            | Event::MarginHeld { .. }
            | Event::MarginChanged { .. }
            | Event::FeeTierDefined { .. }
            | Event::FeeTierSet { .. }
            | Event::StandingChanged { .. } => self.fill_in_money(event),
            _ => self.fill_in_special(event),
        }
    }

    /// What becomes of an order.
    fn fill_in_order(&mut self, event: &Event) {
        use Column as C;
        let (Event::Accepted { order, client_order_id, session, account, .. }
        | Event::Cancelled { order, client_order_id, session, account, .. }
        | Event::Amended { order, client_order_id, session, account, .. }
        | Event::Trimmed { order, client_order_id, session, account, .. }) = *event
        else {
            return;
        };
        self.order(account, order);
        self.sent_by(session, client_order_id);
        if let Event::Accepted { instrument, side, limit, qty, time_in_force, .. } = *event {
            self.at(instrument);
            self.named(C::Side, side);
            self.number(C::Price, limit.get());
            self.number(C::Qty, qty.get());
            self.named(C::Detail, time_in_force);
        } else if let Event::Cancelled { instrument, qty, reason, .. } = *event {
            self.at(instrument);
            self.number(C::Qty, qty.get());
            self.number(C::Leaves, 0);
            self.named(C::Detail, reason);
        } else if let Event::Amended { limit, qty, leaves, priority_kept, .. } = *event {
            self.number(C::Price, limit.get());
            self.number(C::Qty, qty.get());
            self.number(C::Leaves, leaves.get());
            let kept = if priority_kept { "priority_kept" } else { "priority_lost" };
            self.word(C::Detail, kept.to_owned());
        } else if let Event::Trimmed { leaves, reason, .. } = *event {
            self.number(C::Leaves, leaves.get());
            self.named(C::Detail, reason);
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the other events are those of `fill_in`, which calls this"
    )]
    fn fill_in_rest(&mut self, event: &Event) {
        use Column as C;
        match *event {
            Event::MassCancelled { session, client_order_id, account, count } => {
                self.who(account);
                self.sent_by(session, client_order_id);
                self.number(C::Qty, count);
            }
            Event::Marked { instrument, index, mark } => {
                self.at(instrument);
                self.number(C::Price, index.get());
                self.number(C::Mark, mark.get());
            }
            Event::SessionOpened { session } => self.number(C::Session, session.get()),
            Event::AccountOpened { account } => self.who(account),
            Event::LeverageSet { account, instrument, leverage } => {
                self.who(account);
                self.at(instrument);
                self.number(C::Amount, leverage.get());
            }
            Event::InstrumentDefined { instrument } => self.at(instrument),
            Event::TradingStateSet { instrument, state, until } => {
                self.at(instrument);
                self.named(C::Detail, state);
                if until != TimeNs::default() {
                    self.number(C::DeadlineNs, until.get());
                }
            }
            Event::LiquidationStarted { account, equity, maintenance } => {
                self.who(account);
                self.number(C::Amount, equity.get());
                self.number(C::Maintenance, maintenance.get());
            }
            Event::TakenOver { account, by, instrument, position, amount, added } => {
                self.who(account);
                self.at(instrument);
                self.number(C::Position, position.get());
                self.number(C::Amount, amount.get());
                self.number(C::ToAccount, by.get());
                self.number(C::Allowance, added.get());
            }
            Event::LiquidationEnded { account, equity, covered } => {
                self.who(account);
                self.number(C::Amount, equity.get());
                self.number(C::Value, covered.get());
            }
            _ => {}
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the other events are those of `fill_in`, which calls this"
    )]
    fn fill_in_session(&mut self, event: &Event) {
        use Column as C;
        match *event {
            Event::KeyRegistered { key, account } => {
                self.who(account);
                self.number(C::Key, key.get());
            }
            Event::KeyRevoked { key } => self.number(C::Key, key.get()),
            Event::LoggedOn {
                session,
                key,
                tag,
                kind,
                account,
                last_client_seq,
                last_client_order_id,
                ..
            } => {
                self.who(account);
                self.sent_by(session, last_client_order_id);
                self.number(C::Key, key.get());
                self.number(C::Tag, tag);
                self.number(C::ClientSeq, last_client_seq.get());
                self.named(C::Detail, kind);
            }
            Event::LoggedOff { session, lost } => {
                self.number(C::Session, session.get());
                self.word(C::Detail, if lost { "lost" } else { "in_order" }.to_owned());
            }
            Event::Skipped { session, through, skip } => {
                self.number(C::Session, session.get());
                self.number(C::Qty, skip.count);
                self.number(C::ClientSeq, through.get());
                self.number(C::Code, skip.code);
            }
            Event::DeadManSet { session, client_order_id, account, deadline } => {
                self.who(account);
                self.sent_by(session, client_order_id);
                self.number(C::DeadlineNs, deadline.get());
            }
            Event::DeadManFired { session, account } => {
                self.who(account);
                self.number(C::Session, session.get());
            }
            Event::RestrictionSet { account, restriction } => {
                self.who(account);
                self.named(C::Detail, restriction);
            }
            Event::OwnerGroupSet { account, group } => {
                self.who(account);
                self.number(C::Group, group.get());
            }
            Event::GroupRestrictionSet { group, restriction } => {
                self.number(C::Group, group.get());
                self.named(C::Detail, restriction);
            }
            Event::KeySuspended { key, suspended } => {
                self.number(C::Key, key.get());
                self.word(C::Detail, if suspended { "suspended" } else { "admitted" }.to_owned());
            }
            _ => {}
        }
    }

    fn fill(&mut self, fill: &Fill) {
        use Column as C;
        let FillSide { order, client_order_id, session, account, leaves, fee, position, cost, balance } =
            fill.taker;
        self.order(account, order);
        self.at(fill.instrument);
        self.named(C::Side, fill.side);
        self.named(C::Detail, fill.kind);
        self.number(C::Price, fill.price.get());
        self.number(C::Qty, fill.qty.get());
        self.number(C::Trade, fill.trade.get());
        self.number(C::Value, fill.value.get());
        self.number(C::ClientOrderId, client_order_id.get());
        self.number(C::Session, session.get());
        self.number(C::Leaves, leaves.get());
        self.number(C::Fee, fee.get());
        self.number(C::Position, position.get());
        self.number(C::Cost, cost.get());
        self.number(C::Balance, balance.get());
        self.number(C::MakerAccount, fill.maker.account.get());
        self.number(C::MakerOrder, fill.maker.order.get());
        self.number(C::MakerClientOrderId, fill.maker.client_order_id.get());
        self.number(C::MakerLeaves, fill.maker.leaves.get());
        self.number(C::MakerFee, fill.maker.fee.get());
        self.number(C::MakerPosition, fill.maker.position.get());
        self.number(C::MakerCost, fill.maker.cost.get());
        self.number(C::MakerBalance, fill.maker.balance.get());
    }
}

fn snake(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for (place, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && place > 0 {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Seq;

    #[test]
    fn columns_are_named_as_their_variants() {
        assert_eq!(COLUMNS[Column::MakerBalance as usize], "maker_balance");
        assert_eq!(COLUMNS[Column::DeadlineNs as usize], "deadline_ns");
        assert_eq!(COLUMNS[Column::Group as usize], "group");
        assert_eq!(COLUMNS[Column::Leaves as usize], "leaves");
        assert_eq!(COLUMNS[Column::Maintenance as usize], "maintenance");
    }

    #[test]
    fn events_without_fields_have_a_row() {
        let row = Row::of(Stamp { seq: Seq::new(7), ..Stamp::default() }, &Event::Ticked);
        assert_eq!(row.cell(Column::Seq), &Cell::Number(7));
        assert_eq!(row.cell(Column::Event), &Cell::Word("ticked".to_owned()));
        assert_eq!(row.cell(Column::Price), &Cell::Empty);
    }
}
