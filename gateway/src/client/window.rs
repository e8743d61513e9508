//! Requests on their way: their frames until the venue has them, their verdicts once it has answered.
//!
//! Invariant: a frame is kept until the venue's log is known to hold it. Every number the log takes up brings its
//! session at least one event, and a refusal is the only event of its request there; so without a hole in between, the
//! first event that acknowledges a number tells its verdict.

use std::collections::VecDeque;

use engine::{ClientOrderId, ClientSeq};

use super::incoming::{Answered, Ticket};
use super::resume::{Open, Resume};
use crate::wire::codes::ErrorCode;
use crate::wire::private::FromVenue;
use crate::wire::types::IdN;

/// Settled requests that are remembered.
const HISTORY: usize = 1_024;

#[derive(Clone, Copy, Debug)]
struct Tracked {
    ticket: Ticket,
    /// Length of its frame.
    octets: usize,
    /// Its last word, once there is one.
    verdict: Option<Answered>,
}

/// Requests on their way, by rising number.
#[derive(Debug, Default)]
pub(super) struct Window {
    tracked: VecDeque<Tracked>,
    /// Frames of the requests above `acknowledged`, one behind the other, from `head` on.
    frames: Vec<u8>,
    head: usize,
    /// Last number known to be in the venue's log.
    acknowledged: u64,
    /// Every request up to here is settled.
    settled_through: u64,
    /// An event was missed and none has come since.
    is_holed: bool,
    /// Up to here an event that acknowledges a number may be another one than its answer.
    doubtful_through: u64,
    /// The last request that an event named as what brought it about.
    named: u64,
    /// The last name that a request used up, for itself or for an order that comes with it.
    last_name: ClientOrderId,
    unsettled: usize,
}

impl Window {
    /// A window behind the number `last`, which the venue has.
    pub(super) fn behind(last: u64) -> Self {
        Self { acknowledged: last, settled_through: last, ..Self::default() }
    }

    /// The window that was saved.
    pub(super) fn restored(resume: &Resume) -> Self {
        let last = resume.next_seq_no.saturating_sub(1);
        let settled_through =
            resume.open.first().map_or(last, |open| open.ticket.seq_no.get().saturating_sub(1));
        let mut window = Self {
            acknowledged: resume.acknowledged,
            settled_through,
            is_holed: resume.is_holed,
            doubtful_through: resume.doubtful_through,
            named: resume.named,
            ..Self::default()
        };
        let last_name = ClientOrderId::new(resume.last_cl_ord_id);
        for open in &resume.open {
            window.push(open.ticket, last_name, &open.frame);
        }
        window
    }

    /// Last number known to be in the venue's log.
    pub(super) const fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Adds to a state what is known of its requests.
    pub(super) fn save(&self, resume: &mut Resume) {
        resume.acknowledged = self.acknowledged;
        resume.doubtful_through = self.doubtful_through;
        resume.is_holed = self.is_holed;
        resume.named = self.named;
        resume.open = self.open().map(|ticket| Open { ticket, frame: Vec::new() }).collect();
        for (ticket, frame) in self.frames() {
            if let Ok(at) = resume.open.binary_search_by_key(&ticket.seq_no, |open| open.ticket.seq_no) {
                frame.clone_into(&mut resume.open[at].frame);
            }
        }
    }

    /// Requests without a last word.
    pub(super) const fn unsettled(&self) -> usize {
        self.unsettled
    }

    fn at(&self, seq_no: u64) -> Option<usize> {
        let at = self.above(seq_no.checked_sub(1)?);
        self.tracked.get(at).is_some_and(|tracked| tracked.ticket.seq_no.get() == seq_no).then_some(at)
    }

    /// The first request above a number.
    fn above(&self, seq_no: u64) -> usize {
        self.tracked.partition_point(|tracked| tracked.ticket.seq_no.get() <= seq_no)
    }

    /// What was said of a request; `None` where nothing was, or it is forgotten.
    pub(super) fn verdict(&self, seq_no: ClientSeq) -> Option<Answered> {
        self.tracked.get(self.at(seq_no.get())?)?.verdict
    }

    /// Whether a request is tracked.
    pub(super) fn knows(&self, seq_no: ClientSeq) -> bool {
        self.at(seq_no.get()).is_some()
    }

    /// Takes a request up, which uses the names up to `last_name`.
    pub(super) fn push(&mut self, ticket: Ticket, last_name: ClientOrderId, frame: &[u8]) {
        self.last_name = self.last_name.max(last_name);
        while self.tracked.len() >= HISTORY
            && self.tracked.front().is_some_and(|first| first.verdict.is_some())
        {
            let _forgotten = self.tracked.pop_front();
        }
        self.frames.extend_from_slice(frame);
        self.tracked.push_back(Tracked { ticket, octets: frame.len(), verdict: None });
        self.unsettled += 1;
    }

    /// Frames that the venue may not have, by rising number.
    pub(super) fn frames(&self) -> impl Iterator<Item = (Ticket, &[u8])> + '_ {
        let mut rest = &self.frames[self.head..];
        self.tracked.range(self.above(self.acknowledged)..).map(move |tracked| {
            let (frame, behind) = rest.split_at(tracked.octets);
            rest = behind;
            (tracked.ticket, frame)
        })
    }

    /// Requests without a last word, by rising number.
    pub(super) fn open(&self) -> impl Iterator<Item = Ticket> + '_ {
        let open = self.tracked.range(self.above(self.settled_through)..);
        open.filter(|tracked| tracked.verdict.is_none()).map(|tracked| tracked.ticket)
    }

    /// The venue's log holds every number up to `through`.
    pub(super) fn acknowledge(&mut self, through: u64) {
        if through <= self.acknowledged {
            return;
        }
        let first = self.above(self.acknowledged);
        let until = self.above(through);
        self.head += self.tracked.range(first..until).map(|tracked| tracked.octets).sum::<usize>();
        self.acknowledged = through;
        if self.head == self.frames.len() {
            self.frames.clear();
            self.head = 0;
        } else if self.head > self.frames.len() - self.head {
            // Moving costs no more than was written since the last move.
            let _dropped = self.frames.drain(..self.head);
            self.head = 0;
        }
    }

    /// Events were missed.
    pub(super) const fn hole(&mut self) {
        self.is_holed = true;
    }

    /// Takes in a frame of the next event, which acknowledges the numbers up to `through` and `is_whole` with this frame;
    /// whom it settles is told to `settled`.
    pub(super) fn see(
        &mut self,
        through: u64,
        is_whole: bool,
        message: Option<&FromVenue>,
        mut settled: impl FnMut(Ticket, Answered),
    ) {
        if self.is_holed {
            self.is_holed = false;
            self.doubtful_through = through;
        }
        if self.settled_through >= through {
            return;
        }
        if self.is_named(through, message) {
            self.named = through;
        }
        let whole = message.filter(|message| !self.is_of_a_part(message));
        if let Some((first, last, answered)) = whole.and_then(|message| refusal(message, through)) {
            for at in self.above(first.saturating_sub(1))..self.above(last.min(through)) {
                self.settle_at(at, answered, &mut settled);
            }
        } else if is_whole {
            let is_certain = through > self.doubtful_through || self.named == through;
            let answered = if is_certain { Answered::Accepted } else { Answered::Sequenced };
            self.conclude(through.saturating_sub(1), &mut settled);
            if let Some(at) = self.at(through) {
                self.settle_at(at, answered, &mut settled);
            }
        }
        if is_whole {
            self.conclude(through, &mut settled);
        }
    }

    /// Every event that answers a number up to `through` has come or was missed.
    pub(super) fn conclude(&mut self, through: u64, mut settled: impl FnMut(Ticket, Answered)) {
        if through <= self.settled_through {
            return;
        }
        for at in self.above(self.settled_through)..self.above(through) {
            self.settle_at(at, Answered::Sequenced, &mut settled);
        }
        self.settled_through = through;
    }

    fn settle_at(&mut self, at: usize, answered: Answered, settled: &mut impl FnMut(Ticket, Answered)) {
        let Some(Tracked { ticket, verdict: verdict @ None, .. }) = self.tracked.get_mut(at) else { return };
        *verdict = Some(answered);
        self.unsettled -= 1;
        settled(*ticket, answered);
    }

    /// Whether a refusal is about one order of a batch: the batch itself was taken.
    fn is_of_a_part(&self, message: &FromVenue) -> bool {
        let FromVenue::RequestRejected(reject) = message else { return false };
        let tracked = self.at(reject.ref_seq_no.get()).and_then(|at| self.tracked.get(at));
        // The orders of a batch are named above the batch.
        tracked.is_some_and(|tracked| reject.cl_ord_id > tracked.ticket.cl_ord_id)
    }

    /// Whether an event names the request with a number as what brought it about: by its own name, or by that of an order
    /// that came with it.
    fn is_named(&self, seq_no: u64, message: Option<&FromVenue>) -> bool {
        let (Some(at), Some(message)) = (self.at(seq_no), message) else { return false };
        if let FromVenue::RequestRejected(reject) = message {
            return reject.ref_seq_no.get() == seq_no && self.is_of_a_part(message);
        }
        let named = named(message).filter(|name| *name <= self.last_name);
        let own = self.tracked[at].ticket.cl_ord_id;
        // Names rise: those up to the next request's are this one's.
        let mut later = self.tracked.range(at + 1..).map(|tracked| tracked.ticket.cl_ord_id);
        let next = later.find(|name| *name != ClientOrderId::default());
        own != ClientOrderId::default()
            && named.is_some_and(|named| own <= named && next.is_none_or(|next| named < next))
    }
}

/// The numbers a message answers by itself, and how; `through` is the one its frame acknowledges.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every other message is no refusal, those to come included"
)]
fn refusal(message: &FromVenue, through: u64) -> Option<(u64, u64, Answered)> {
    let rejected = |code| Answered::Rejected { code, short: None };
    let acknowledged = |code| if code == 0 { Answered::Accepted } else { rejected(code) };
    match message {
        FromVenue::RequestRejected(reject) => {
            let seq_no = reject.ref_seq_no.get();
            Some((seq_no, seq_no, Answered::Rejected { code: reject.code, short: reject.short.get() }))
        }
        FromVenue::SessionReject(reject) => {
            Some((reject.ref_seq_no.get(), reject.ref_seq_no.get(), rejected(reject.code)))
        }
        FromVenue::ThrottleReject(reject) => {
            let last = reject.ref_seq_no.get();
            let first = last.saturating_add(1).saturating_sub(u64::from(reject.count));
            Some((first, last, rejected(ErrorCode::Throttled.code())))
        }
        FromVenue::AdminAck(ack) => Some((through, through, acknowledged(ack.code))),
        FromVenue::OracleAck(ack) => Some((through, through, acknowledged(ack.code))),
        _ => None,
    }
}

/// The request of this session that a message names as what brought it about.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other message names none, those to come included")]
fn named(message: &FromVenue) -> Option<ClientOrderId> {
    let by = |id: IdN| id.get().map(ClientOrderId::new);
    match message {
        FromVenue::OrderAccepted(event) => Some(event.cl_ord_id),
        FromVenue::OrderFilled(event) => Some(event.cl_ord_id),
        FromVenue::MassCancelAck(event) => Some(event.cl_ord_id),
        FromVenue::CancelAllAfterAck(event) => Some(event.cl_ord_id),
        FromVenue::MassQuoteAck(event) => Some(event.cl_ord_id),
        FromVenue::QuoteRefused(event) => Some(event.cl_ord_id),
        FromVenue::ProtectionAck(event) => Some(event.cl_ord_id),
        FromVenue::OrderArmed(event) => by(event.request_id),
        FromVenue::OrderCanceled(event) => by(event.request_id),
        FromVenue::OrderAmended(event) => by(event.request_id),
        FromVenue::LeverageSet(event) => by(event.request_id),
        FromVenue::BalanceChange(event) => by(event.request_id),
        FromVenue::Movement(event) => by(event.request_id),
        FromVenue::TransferRepeated(event) => by(event.request_id),
        FromVenue::MarginModeChanged(event) => by(event.request_id),
        _ => None,
    }
}
