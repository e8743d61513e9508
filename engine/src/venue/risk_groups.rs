//! Risk groups: their terms, and which instruments are in them.
//!
//! Invariant: a fund is nothing but a fund; no fund is a backstop.

use super::{Venue, Verdict};
use crate::event::{Event, Events};
use crate::reject::Reject;
use risk::{InstrumentId, RiskGroupTerms};

impl Venue {
    #[cold]
    pub(super) fn set_risk_group(
        &mut self,
        group: u8,
        terms: &RiskGroupTerms,
        events: &mut Events,
    ) -> Verdict {
        let known = |account| self.ledger.account(account).is_some();
        if !known(terms.fund) || !terms.backstop.is_none_or(known) {
            return Err(Reject::UnknownAccount.into());
        }
        if !self.ledger.admits_risk_group(group, terms) {
            return Err(Reject::BadParameter.into());
        }

        self.ledger.set_risk_group(group, *terms);
        events.push(Event::RiskGroupSet { group, terms: *terms });
        Ok(())
    }

    #[cold]
    pub(super) fn assign_risk_group(
        &mut self,
        instrument: InstrumentId,
        group: u8,
        events: &mut Events,
    ) -> Verdict {
        self.trading_state(instrument).ok_or(Reject::UnknownInstrument)?;
        if self.ledger.risk_group(group).is_none() {
            return Err(Reject::BadParameter.into());
        }

        self.ledger.assign_risk_group(instrument, group);
        events.push(Event::RiskGroupAssigned { instrument, group });
        Ok(())
    }
}
