//! A client, and what its owner has written down of it.

use std::collections::{BTreeMap, BTreeSet};

use engine::TimeNs;
use gateway::client::{Answered, Event, Incoming, Request, Resume, Session, SessionTerms, Ticket};
use gateway::wire::frame::Flags;
use gateway::wire::private::FromVenue;
use risk::AccountId;

use crate::tally::Tally;

/// What was seen under a number.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Seen {
    /// The client's last number in the log, as the frame said.
    pub(crate) through: u64,
    pub(crate) is_end: bool,
    pub(crate) message: FromVenue,
}

#[derive(Debug)]
pub(crate) struct Trader {
    pub(crate) terms: SessionTerms,
    pub(crate) account: AccountId,
    pub(crate) session: Session,
    pub(crate) link: Option<usize>,
    pub(crate) next_dial: TimeNs,
    /// The venue's number of the session.
    pub(crate) session_id: Option<u64>,
    /// Number of the next event; 0 while unknown.
    pub(crate) expected: u64,
    pub(crate) seen: BTreeMap<u64, Seen>,
    /// Numbers it was told it would not see.
    pub(crate) holes: BTreeSet<u64>,
    pub(crate) sent: BTreeMap<u64, (Ticket, Request)>,
    /// Requests of a state that was lost: nobody waits for their answers.
    pub(crate) orphans: BTreeSet<u64>,
    pub(crate) verdicts: BTreeMap<u64, Answered>,
    /// Frames it sent and events it was sent, for the network to repeat.
    pub(crate) former_requests: Vec<Vec<u8>>,
    pub(crate) former_events: Vec<Vec<u8>>,
    /// A state it may fall back to.
    pub(crate) saved: Option<Resume>,
    pub(crate) source_seq: u64,
    pub(crate) last_name: u64,
    /// Steps for which it does not read.
    pub(crate) deaf_for: u64,
}

impl Trader {
    pub(crate) fn new(terms: SessionTerms, account: AccountId) -> Self {
        Self {
            session: Session::new(terms.clone(), None),
            terms,
            account,
            link: None,
            next_dial: TimeNs::default(),
            session_id: None,
            expected: 0,
            seen: BTreeMap::new(),
            holes: BTreeSet::new(),
            sent: BTreeMap::new(),
            orphans: BTreeSet::new(),
            verdicts: BTreeMap::new(),
            former_requests: Vec::new(),
            former_events: Vec::new(),
            saved: None,
            source_seq: 0,
            last_name: 0,
            deaf_for: 0,
        }
    }

    pub(crate) fn send(&mut self, request: Request, now: TimeNs) {
        let Ok(ticket) = self.session.send(request.clone(), now) else { return };
        let number = ticket.seq_no.get();
        self.last_name = ticket.cl_ord_id.get();
        let _former = self.sent.insert(number, (ticket, request));
        let _was = self.orphans.remove(&number);
        assert!(!self.verdicts.contains_key(&number), "number {number} was answered before");
    }

    /// The process ends and another one goes on with the state it left.
    pub(crate) fn restart(&mut self) {
        if let Some(resume) = self.session.resume() {
            self.session = Session::new(self.terms.clone(), Some(&resume));
        }
    }

    /// The process ends, and another one goes on with a state that is older, or with none.
    pub(crate) fn fall_back(&mut self, resume: Option<&Resume>) {
        self.session = Session::new(self.terms.clone(), resume);
        let next = resume.map_or(0, |resume| resume.next_seq_no);
        self.expected = resume.map_or(0, |resume| resume.next_expected);
        let lost = self.sent.keys().filter(|number| **number >= next && !self.verdicts.contains_key(number));
        self.orphans.extend(lost);
        // A network that repeats what a lost process said says it in the name of the new one.
        self.former_requests.clear();
        // What is lost does not come back later, when others have used its numbers.
        self.saved = None;
    }

    /// Takes in what has come; `oldest` is the number of the oldest event that the venue still has.
    pub(crate) fn take(&mut self, oldest: u64, tally: &mut Tally) {
        while let Some(incoming) = self.session.next_incoming() {
            match incoming {
                Incoming::LoggedOn(ack) => {
                    tally.logons += 1;
                    assert!(
                        self.session_id.is_none_or(|id| id == ack.session_id),
                        "a session keeps its number"
                    );
                    self.session_id = Some(ack.session_id);
                    if self.expected == 0 {
                        self.expected = ack.oldest_retained;
                        self.holes.extend(1..ack.oldest_retained);
                    }
                }
                Incoming::Event(event) => self.see(*event, tally),
                Incoming::GapFill { from, to, .. } => {
                    tally.gap_fills += 1;
                    assert_eq!(from, self.expected, "a hole begins where the events end");
                    assert!(to < oldest, "event {to} is still kept, {oldest} is the oldest");
                    self.holes.extend(from..=to);
                    self.expected = to + 1;
                }
                Incoming::Settled { ticket, answered } => self.settle(ticket, answered, tally),
                Incoming::Answer(_) | Incoming::Refused(_) => tally.answers += 1,
                Incoming::LoggedOut => tally.logouts += 1,
            }
        }
        assert_eq!(self.expected, self.session.next_expected());
    }

    fn see(&mut self, event: Event, tally: &mut Tally) {
        let Event { prefix, message } = event;
        assert_eq!(prefix.seq_no, self.expected, "events come by rising number");
        self.expected += 1;
        tally.events += 1;
        let seen = Seen {
            through: prefix.ack_seq_no,
            is_end: prefix.flags.has(Flags::END_OF_EVENT),
            message: message.expect("every message is known"),
        };
        let former = self.seen.insert(prefix.seq_no, seen.clone());
        assert!(
            former.is_none_or(|former| former == seen),
            "event {} came differently before",
            prefix.seq_no
        );
    }

    fn settle(&mut self, ticket: Ticket, answered: Answered, tally: &mut Tally) {
        let number = ticket.seq_no.get();
        match answered {
            Answered::Accepted => tally.accepted += 1,
            Answered::Rejected { .. } => tally.rejected += 1,
            Answered::Sequenced => tally.sequenced += 1,
            Answered::Waiting | Answered::Unknown => panic!("no last word"),
        }
        let (sent, _) = &self.sent[&number];
        assert_eq!(*sent, ticket);
        let former = self.verdicts.get(&number).copied();
        let agrees = former.is_none_or(|former| {
            former == answered || former == Answered::Sequenced || answered == Answered::Sequenced
        });
        assert!(agrees, "request {number} was {former:?} and is {answered:?}");
        if former.is_none_or(|former| former == Answered::Sequenced) {
            let _former = self.verdicts.insert(number, answered);
        }
    }
}
