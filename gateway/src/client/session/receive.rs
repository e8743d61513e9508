//! What a session takes in.
//!
//! Invariant: an event is handed on when every one before it was, or was declared gone; what comes twice is dropped and
//! counted, what comes too early is asked for again once. No frame of the venue makes the session panic.

use engine::TimeNs;

use super::{FRAME_MAX, LOGON_DOMAIN, NO_BINDING, NS_PER_MS, Phase, Session};
use crate::client::fault::Fault;
use crate::client::incoming::{Event, Incoming};
use crate::client::window::Window;
use crate::wire::codes::ErrorCode;
use crate::wire::frame::{self, Flags};
use crate::wire::message::Refusal;
use crate::wire::private::{FromVenue, Heartbeat, LogonAck, LogonProof, ResendRequest};
use crate::wire::types::Octets;
use crate::wire::{Frame, Prefix};

impl Session {
    /// Takes octets in, in whatever pieces they come.
    ///
    /// # Errors
    /// [`Fault`]: the connection is to be closed. What came before it is there to be taken.
    pub fn receive(&mut self, octets: &[u8], now: TimeNs) -> Result<(), Fault> {
        if !octets.is_empty() {
            self.last_received = now;
            self.is_testing = false;
        }
        if self.carry.is_empty() {
            let used = self.frames(octets, now)?;
            self.carry.extend_from_slice(&octets[used..]);
            return Ok(());
        }
        let mut carry = core::mem::take(&mut self.carry);
        carry.extend_from_slice(octets);
        let used = self.frames(&carry, now)?;
        drop(carry.drain(..used));
        self.carry = carry;
        Ok(())
    }

    fn frames(&mut self, octets: &[u8], now: TimeNs) -> Result<usize, Fault> {
        let mut used = 0;
        while let Some((frame, length)) = frame::split(&octets[used..], FRAME_MAX).map_err(Fault::Frame)? {
            self.frame(&frame, now)?;
            used += length;
        }
        Ok(used)
    }

    fn frame(&mut self, frame: &Frame<'_>, now: TimeNs) -> Result<(), Fault> {
        let template = frame.template;
        let message = match FromVenue::decode(frame) {
            Ok(message) => Some(message),
            Err(Refusal { code: ErrorCode::UnknownTemplate, .. }) => None,
            Err(refusal) => return Err(Fault::Message { template, refusal }),
        };
        match self.phase {
            Phase::Down | Phase::LoggedOut => Err(Fault::OutOfPlace { template }),
            Phase::Challenged | Phase::Proved => self.before_logon(frame, message, now),
            Phase::Active | Phase::LoggingOut if frame.prefix.flags.has(Flags::UNSEQUENCED) => {
                self.unnumbered_frame(&frame.prefix, message, now)
            }
            Phase::Active | Phase::LoggingOut => {
                self.event(&frame.prefix, message);
                Ok(())
            }
        }
    }

    fn before_logon(
        &mut self,
        frame: &Frame<'_>,
        message: Option<FromVenue>,
        now: TimeNs,
    ) -> Result<(), Fault> {
        match message {
            Some(FromVenue::Challenge(challenge)) if self.phase == Phase::Challenged => {
                self.check_epoch(challenge.engine_epoch)?;
                let block = &frame.body[..usize::from(frame.block_length)];
                let signed = [LOGON_DOMAIN, &self.hello, block, &NO_BINDING].concat();
                let signature = Octets(self.terms.key.sign(&signed));
                self.append(&LogonProof { key_id: self.terms.key.id(), signature });
                self.last_sent = now;
                self.phase = Phase::Proved;
                Ok(())
            }
            Some(FromVenue::LogonAck(ack)) if self.phase == Phase::Proved => self.logged_on(ack, now),
            Some(FromVenue::LogonReject(reject)) => {
                Err(Fault::LogonRejected { code: reject.code, text: reject.text.as_str().to_owned() })
            }
            Some(FromVenue::Terminate(end)) => {
                Err(Fault::Terminated { code: end.code.get(), text: end.text.as_str().to_owned() })
            }
            _ => Err(Fault::OutOfPlace { template: frame.template }),
        }
    }

    fn check_epoch(&self, theirs: u64) -> Result<(), Fault> {
        match self.engine_epoch {
            Some(ours) if ours != theirs => Err(Fault::OtherVenue { ours, theirs }),
            Some(_) | None => Ok(()),
        }
    }

    fn logged_on(&mut self, ack: LogonAck, now: TimeNs) -> Result<(), Fault> {
        self.check_epoch(ack.engine_epoch)?;
        let (client_seq, venue_seq) = (ack.last_client_seq_no.get(), ack.next_venue_seq_no);
        if self.engine_epoch.is_none() {
            self.window = Window::behind(client_seq);
            self.next_seq_no = client_seq.saturating_add(1);
            self.next_expected = ack.oldest_retained.max(1);
        }
        if client_seq < self.window.acknowledged() || venue_seq < self.next_expected {
            return Err(Fault::VenueForgot { client_seq, venue_seq });
        }
        if client_seq >= self.next_seq_no {
            if !self.is_unconfirmed {
                return Err(Fault::NumbersTaken { ours: self.next_seq_no - 1, theirs: client_seq });
            }
            // The saved state is older than the last frames that were sent.
            self.next_seq_no = client_seq.saturating_add(1);
        }
        self.is_unconfirmed = false;
        self.engine_epoch = Some(ack.engine_epoch);
        self.last_cl_ord_id = self.last_cl_ord_id.max(ack.last_cl_ord_id.get());
        self.heartbeat_ns = u64::from(ack.heartbeat.get().max(1)) * NS_PER_MS;
        self.send_max = usize::try_from(ack.max_frame).unwrap_or(usize::MAX);
        self.replay = (client_seq, venue_seq);
        self.phase = Phase::Active;
        self.incoming.push_back(Incoming::LoggedOn(Box::new(ack)));
        self.window.acknowledge(client_seq);
        self.conclude();
        self.send_again(now);
        Ok(())
    }

    /// Writes what the venue's log does not hold.
    fn send_again(&mut self, now: TimeNs) {
        let acknowledged = self.next_expected.saturating_sub(1).to_le_bytes();
        for (ticket, frame) in self.window.frames() {
            let start = self.out.len();
            self.out.extend_from_slice(frame);
            self.out[start + 16..start + 24].copy_from_slice(&acknowledged);
            if ticket.seq_no.get() <= self.written_through {
                // The first octet of the flags.
                self.out[start + 6] |= Flags::RESEND.to_le_bytes()[0];
            }
            self.last_sent = now;
        }
        self.written_through = self.next_seq_no.saturating_sub(1);
    }

    fn unnumbered_frame(
        &mut self,
        prefix: &Prefix,
        message: Option<FromVenue>,
        now: TimeNs,
    ) -> Result<(), Fault> {
        self.window.acknowledge(prefix.ack_seq_no.min(self.next_seq_no.saturating_sub(1)));
        match message {
            Some(FromVenue::Heartbeat(_)) | None => {}
            Some(FromVenue::TestRequest(test)) => {
                self.append(&Heartbeat { send_time: now, echo_time: test.send_time });
                self.last_sent = now;
            }
            Some(FromVenue::GapFill(gap)) => self.gap(gap.from_seq_no, gap.to_seq_no, gap.code),
            // A hole that cannot be filled this way can by another logon.
            Some(FromVenue::SessionReject(reject)) if reject.ref_template_id == ResendRequest::TEMPLATE => {
                return Err(Fault::OutOfPlace { template: FromVenue::SessionReject(reject).template() });
            }
            Some(FromVenue::SessionReject(reject)) => self.incoming.push_back(Incoming::Refused(reject)),
            Some(FromVenue::Logout(_)) => {
                self.phase = Phase::LoggedOut;
                self.incoming.push_back(Incoming::LoggedOut);
            }
            Some(FromVenue::Terminate(end)) => {
                return Err(Fault::Terminated { code: end.code.get(), text: end.text.as_str().to_owned() });
            }
            Some(early @ (FromVenue::Challenge(_) | FromVenue::LogonAck(_) | FromVenue::LogonReject(_))) => {
                return Err(Fault::OutOfPlace { template: early.template() });
            }
            Some(row) => self.incoming.push_back(Incoming::Answer(Box::new(row))),
        }
        Ok(())
    }

    fn gap(&mut self, from: u64, to: u64, code: u16) {
        if to < self.next_expected {
            return;
        }
        if from > self.next_expected {
            self.ask_again();
            return;
        }
        self.incoming.push_back(Incoming::GapFill { from: self.next_expected, to, code });
        self.next_expected = to.saturating_add(1);
        self.is_asking = false;
        self.window.hole();
        self.conclude();
    }

    fn event(&mut self, prefix: &Prefix, message: Option<FromVenue>) {
        if prefix.seq_no < self.next_expected {
            self.duplicates += 1;
            return;
        }
        if prefix.seq_no > self.next_expected {
            self.ask_again();
            return;
        }
        self.next_expected = self.next_expected.saturating_add(1);
        self.is_asking = false;
        // Of numbers that were never used nothing is to be told.
        let through = prefix.ack_seq_no.min(self.next_seq_no.saturating_sub(1));
        self.window.acknowledge(through);
        let is_whole = prefix.flags.has(Flags::END_OF_EVENT);
        let mut settled = Vec::new();
        self.window
            .see(through, is_whole, message.as_ref(), |ticket, answered| settled.push((ticket, answered)));
        self.incoming.push_back(Incoming::Event(Box::new(Event { prefix: *prefix, message })));
        let settled = settled.into_iter().map(|(ticket, answered)| Incoming::Settled { ticket, answered });
        self.incoming.extend(settled);
        self.conclude();
    }

    /// Asks once for what is missing, and drops what comes until then.
    fn ask_again(&mut self) {
        if !self.is_asking {
            self.is_asking = true;
            self.append(&ResendRequest { from_seq_no: self.next_expected, count: 0 });
        }
    }

    /// Once every event there was at the logon is here or missed, an answer to what the log held then will not come.
    fn conclude(&mut self) {
        let (client_seq, venue_seq) = self.replay;
        if self.next_expected >= venue_seq {
            let incoming = &mut self.incoming;
            self.window.conclude(client_seq, |ticket, answered| {
                incoming.push_back(Incoming::Settled { ticket, answered });
            });
        }
    }
}
