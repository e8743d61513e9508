//! A venue that says what a test tells it to.

use engine::{ClientOrderId, ClientSeq, OrderId, Seq, TimeNs};
use gateway::client::{Incoming, Key, Session, SessionTerms};
use gateway::wire::frame::{self, Flags};
use gateway::wire::private::{
    Challenge, FromClient, FromVenue, GapFill, LogonAck, OrderAccepted, OrderCanceled, RequestRejected,
    SessionReject, ThrottleReject,
};
use gateway::wire::types::{
    CancelReason, CodMode, Durability, IdN, Millis, MoneyN, Octets, OrdFlags, QtyN, SessionKind, Side, Tif,
    TimeNsN, U16N,
};
use gateway::wire::{Message, Prefix};
use risk::{AccountId, InstrumentId, Money, Price, Qty};

pub(crate) const EPOCH: u64 = 0x1122_3344_5566_7788;
pub(crate) const NOW: TimeNs = TimeNs::new(1_000_000_000);
pub(crate) const ACCOUNT: AccountId = AccountId::new(16);
pub(crate) const INSTRUMENT: InstrumentId = InstrumentId::new(0);

pub(crate) fn terms() -> SessionTerms {
    SessionTerms { tag: 3, ..SessionTerms::new(Key::from_secret([9; 32]), SessionKind::OrderEntry) }
}

/// What the venue's log has of the session.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Number of the next event.
    pub(crate) next: u64,
    /// The client's last number in the log.
    pub(crate) last: u64,
    pub(crate) last_cl_ord_id: u64,
    pub(crate) epoch: u64,
    pub(crate) oldest: u64,
}

impl Peer {
    pub(crate) const fn new() -> Self {
        Self { next: 1, last: 0, last_cl_ord_id: 0, epoch: EPOCH, oldest: 1 }
    }

    pub(crate) fn challenge(&self) -> Vec<u8> {
        let challenge =
            Challenge { server_time: NOW, engine_epoch: self.epoch, server_nonce: Octets([5; 32]) };
        self.unnumbered(&challenge)
    }

    pub(crate) fn ack(&self) -> Vec<u8> {
        self.unnumbered(&LogonAck {
            session_id: 1,
            engine_epoch: self.epoch,
            server_time: NOW,
            next_venue_seq_no: self.next,
            last_client_seq_no: ClientSeq::new(self.last),
            last_cl_ord_id: ClientOrderId::new(self.last_cl_ord_id),
            oldest_retained: self.oldest,
            heartbeat: Millis::new(1_000),
            cod_grace: Millis::new(0),
            bucket_capacity: 10,
            bucket_rate: 10,
            max_frame: 4_096,
            cod_mode: CodMode::Off.into(),
            durability: Durability::Local.into(),
        })
    }

    pub(crate) fn unnumbered<M: Message>(&self, message: &M) -> Vec<u8> {
        let prefix = Prefix { flags: Flags(Flags::UNSEQUENCED), seq_no: self.next, ack_seq_no: self.last };
        let mut out = Vec::new();
        frame::append(prefix, message, &mut out);
        out
    }

    /// The next event, the last of its command or not.
    pub(crate) fn part(&mut self, message: &impl Message, is_last: bool) -> Vec<u8> {
        let flags = Flags(if is_last { Flags::END_OF_EVENT } else { 0 });
        let mut out = Vec::new();
        frame::append(Prefix { flags, seq_no: self.next, ack_seq_no: self.last }, message, &mut out);
        self.next += 1;
        out
    }

    pub(crate) fn event(&mut self, message: &impl Message) -> Vec<u8> {
        self.part(message, true)
    }

    /// The log takes up the next number, and an order is accepted.
    pub(crate) fn accept(&mut self, cl_ord_id: u64) -> Vec<u8> {
        self.last += 1;
        self.event(&accepted(cl_ord_id))
    }

    /// The log takes up the next number, and the request is refused.
    pub(crate) fn reject(&mut self, code: u16) -> Vec<u8> {
        self.last += 1;
        let rejected = self.refusal(0, code);
        self.event(&rejected)
    }

    /// A refusal under the last number.
    pub(crate) fn refusal(&self, cl_ord_id: u64, code: u16) -> RequestRejected {
        RequestRejected {
            cl_ord_id: ClientOrderId::new(cl_ord_id),
            engine_seq: Seq::new(1),
            transact_time: NOW,
            account_id: ACCOUNT,
            ref_seq_no: ClientSeq::new(self.last),
            short: MoneyN::from(Money::new(77)),
            ref_template_id: 100,
            code,
        }
    }

    pub(crate) fn session_reject(&mut self, code: u16) -> Vec<u8> {
        self.last += 1;
        let reject = SessionReject {
            ref_seq_no: ClientSeq::new(self.last),
            ref_template_id: 100,
            code,
            field_id: U16N::from(5),
        };
        self.event(&reject)
    }

    pub(crate) fn throttle(&mut self, count: u32) -> Vec<u8> {
        self.last += u64::from(count);
        let reject = ThrottleReject {
            ref_seq_no: ClientSeq::new(self.last),
            count,
            retry_after_ns: 5,
            ref_template_id: 100,
        };
        self.event(&reject)
    }

    pub(crate) fn gap_fill(&self, from: u64, to: u64) -> Vec<u8> {
        self.unnumbered(&GapFill { from_seq_no: from, to_seq_no: to, code: 1107 })
    }
}

pub(crate) fn accepted(cl_ord_id: u64) -> OrderAccepted {
    OrderAccepted {
        order_id: OrderId::new(500 + cl_ord_id),
        cl_ord_id: ClientOrderId::new(cl_ord_id),
        engine_seq: Seq::new(1),
        transact_time: NOW,
        account_id: ACCOUNT,
        instrument_id: INSTRUMENT,
        price: Price::new(100),
        qty: Qty::new(1),
        flags: OrdFlags::default(),
        side: Side::Buy.into(),
        tif: Tif::GTC.into(),
        display_qty: QtyN::NONE,
        expire_time: TimeNsN::NONE,
        user_tag: 0,
    }
}

/// A cancellation that `request_id` brought about, or nobody's request of this session.
pub(crate) fn canceled(cl_ord_id: u64, request_id: Option<u64>) -> OrderCanceled {
    OrderCanceled {
        order_id: OrderId::new(500 + cl_ord_id),
        cl_ord_id: ClientOrderId::new(cl_ord_id),
        engine_seq: Seq::new(1),
        transact_time: NOW,
        account_id: ACCOUNT,
        instrument_id: INSTRUMENT,
        canceled_qty: Qty::new(1),
        request_id: IdN::from(request_id),
        reason: CancelReason::UserRequest.into(),
    }
}

/// Frames in octets: prefix, template and the message where a client sends it.
pub(crate) fn frames(mut octets: &[u8]) -> Vec<(Prefix, FromClient)> {
    let mut frames = Vec::new();
    while let Some((frame, length)) = frame::split(octets, 4_096).expect("frames") {
        frames.push((frame.prefix, FromClient::decode(&frame).expect("a message of a client")));
        octets = &octets[length..];
    }
    assert!(octets.is_empty());
    frames
}

pub(crate) fn output(session: &mut Session) -> Vec<u8> {
    let mut out = Vec::new();
    session.take_output(&mut out);
    out
}

pub(crate) fn incoming(session: &mut Session) -> Vec<Incoming> {
    core::iter::from_fn(|| session.next_incoming()).collect()
}

/// Takes a session through its logon; what it sends after.
pub(crate) fn log_on(session: &mut Session, peer: &Peer) -> Vec<u8> {
    session.connected(NOW, [4; 32]);
    assert!(!output(session).is_empty());
    session.receive(&peer.challenge(), NOW).expect("the script is right");
    assert!(!output(session).is_empty());
    session.receive(&peer.ack(), NOW).expect("the script is right");
    output(session)
}

/// Takes events in; numbers of the events that were handed on.
pub(crate) fn take(session: &mut Session, octets: &[u8]) -> Vec<Incoming> {
    session.receive(octets, NOW).expect("the script is right");
    incoming(session)
}

pub(crate) fn numbers(incoming: &[Incoming]) -> Vec<u64> {
    let number = |incoming: &Incoming| match incoming {
        Incoming::Event(event) => Some(event.prefix.seq_no),
        Incoming::LoggedOn(_)
        | Incoming::Settled { .. }
        | Incoming::GapFill { .. }
        | Incoming::Answer(_)
        | Incoming::Refused(_)
        | Incoming::LoggedOut => None,
    };
    incoming.iter().filter_map(number).collect()
}

pub(crate) fn venue_message(octets: &[u8]) -> FromVenue {
    let (frame, _) = frame::split(octets, 65_536).expect("the script is right").expect("a frame");
    FromVenue::decode(&frame).expect("a message of the venue")
}
