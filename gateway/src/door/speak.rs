//! Unnumbered frames of a client: logon, session messages, queries.
//!
//! Invariant: none of them uses up a number, and none of them changes anything but the connection, save for a logon and a
//! logout, which the log decides.

use engine::{Action, Command, Seq, SessionKind};
use risk::{AccountId, InstrumentId};

use super::connection::{ConnectionId, Stage};
use super::logon::{HELLO_BYTES, Handshake};
use super::receive::{Speaker, Taken};
use super::requests;
use super::resend::Resend;
use super::{Door, Gate};
use crate::insight;
use crate::query::{Query, Question};
use crate::wire::codes::ErrorCode;
use crate::wire::frame::{Frame, SCHEMA_PRIVATE};
use crate::wire::message::Refusal;
use crate::wire::private::{FromClient, Heartbeat, Logout, QueryEnd, ResendRequest, TestRequest};
use crate::wire::types::TermCode;

impl Door {
    /// A frame of a connection that is not logged on.
    pub(super) fn log_on<G: Gate>(&mut self, id: ConnectionId, frame: &Frame<'_>, gate: &mut G) -> Taken {
        let Some(connection) = self.connections.get(id) else { return Taken::Stop };
        let is_hello = matches!(connection.stage, Stage::AwaitHello);
        let due = if is_hello { 1 } else { 3 };
        if frame.schema != SCHEMA_PRIVATE || frame.template != due {
            self.refuse_stranger(id, ErrorCode::NotLoggedOn);
            return Taken::Stop;
        }
        let taken = if is_hello { self.hello(id, frame) } else { self.proof(id, frame, gate) };
        taken.unwrap_or_else(|code| {
            self.refuse_stranger(id, code);
            Taken::Stop
        })
    }

    fn hello(&mut self, id: ConnectionId, frame: &Frame<'_>) -> Result<Taken, ErrorCode> {
        let FromClient::Hello(hello) = FromClient::decode(frame).map_err(|refusal| refusal.code)? else {
            return Err(ErrorCode::NotLoggedOn);
        };
        let block = frame.body.first_chunk::<HELLO_BYTES>().ok_or(ErrorCode::ShortBlock)?;
        let (handshake, challenge) =
            Handshake::begin(hello, *block, self.now, self.engine_epoch, &mut self.nonces)?;
        if let Some(connection) = self.connections.get_mut(id) {
            connection.stage = Stage::AwaitProof(Box::new(handshake));
        }
        self.say(id, &challenge);
        Ok(Taken::Done)
    }

    fn proof<G: Gate>(
        &mut self,
        id: ConnectionId,
        frame: &Frame<'_>,
        gate: &mut G,
    ) -> Result<Taken, ErrorCode> {
        let FromClient::LogonProof(proof) = FromClient::decode(frame).map_err(|refusal| refusal.code)? else {
            return Err(ErrorCode::NotLoggedOn);
        };
        if self.proofs_left == 0 {
            return Ok(Taken::Full);
        }
        self.proofs_left -= 1;
        let Some(connection) = self.connections.get_mut(id) else { return Ok(Taken::Stop) };
        let Stage::AwaitProof(handshake) = &connection.stage else { return Ok(Taken::Stop) };
        handshake.verify(&proof, self.projection.key(proof.key_id), self.now)?;
        let logon = handshake.logon(&self.config);
        let name = (logon.key, logon.tag, logon.kind as u8);
        let place = self.projection.place_of_name(name);
        let next = place.map_or(1, |place| self.projection.at(place).next_number());
        if handshake.hello.next_expected_seq_no > next {
            return Err(ErrorCode::ResendOutOfRange);
        }
        connection.stage = Stage::AwaitSequenced(handshake.clone());
        self.logons.push_back((id, logon));
        *self.claims.entry(name).or_default() += 1;
        if let Some(place) = place {
            self.pause_owner(place);
        }
        self.owed.push_back(Command::venue(Action::Logon(logon)));
        self.pay(gate);
        Ok(Taken::Stop)
    }

    /// A session message of a connection that is logged on.
    pub(super) fn take_session_message<G: Gate>(
        &mut self,
        speaker: &Speaker,
        frame: &Frame<'_>,
        gate: &mut G,
    ) -> Taken {
        let taken = match FromClient::decode(frame) {
            Ok(FromClient::Heartbeat(_)) => Ok(Taken::Done),
            Ok(FromClient::TestRequest(test)) => self.test_request(speaker, &test),
            Ok(FromClient::ResendRequest(request)) => self.resend(speaker, &request),
            Ok(FromClient::Logout(logout)) => self.logout(speaker, &logout, gate),
            Ok(_) => {
                self.terminate(speaker.id, TermCode::ProtocolError);
                Ok(Taken::Stop)
            }
            Err(refusal) => Err(refusal),
        };
        taken.unwrap_or_else(|refusal| self.reject_unnumbered(speaker.id, frame, refusal))
    }

    fn test_request(&mut self, speaker: &Speaker, test: &TestRequest) -> Result<Taken, Refusal> {
        self.take_query_token(speaker)?;
        self.say(speaker.id, &Heartbeat { send_time: self.now, echo_time: test.send_time });
        Ok(Taken::Done)
    }

    fn resend(&mut self, speaker: &Speaker, request: &ResendRequest) -> Result<Taken, Refusal> {
        self.take_query_token(speaker)?;
        let next_number = self.projection.at(speaker.active.place).next_number();
        let from = request.from_seq_no;
        if from == 0 || from >= next_number {
            return Err(Refusal { code: ErrorCode::ResendOutOfRange, field: Some(1) });
        }
        let Some(connection) = self.connections.get_mut(speaker.id) else { return Ok(Taken::Stop) };
        let Stage::Active(active) = &mut connection.stage else { return Ok(Taken::Stop) };
        if active.reader.resend.is_some() {
            return Err(ErrorCode::ResendInProgress.into());
        }
        let asked = if request.count == 0 { u64::MAX } else { u64::from(request.count) };
        // What was not sent yet comes by itself.
        let end = from.saturating_add(asked).min(active.reader.next);
        if from < end {
            active.reader.resend = Some(Resend { next: from, end });
            self.make_ready(speaker.id);
        }
        Ok(Taken::Done)
    }

    fn logout<G: Gate>(
        &mut self,
        speaker: &Speaker,
        logout: &Logout,
        gate: &mut G,
    ) -> Result<Taken, Refusal> {
        if logout.cancel_orders > 1 {
            return Err(Refusal { code: ErrorCode::BadEnum, field: Some(2) });
        }
        if let Some(connection) = self.connections.get_mut(speaker.id) {
            // The connection may have moved its reader since the call began.
            if let Stage::Active(active) = connection.stage {
                connection.stage = Stage::LoggingOff(active);
            }
        }
        let cancel_orders = logout.cancel_orders == 1;
        let session = speaker.active.session;
        self.owed.push_back(Command::venue(Action::Logoff { session, cancel_orders }));
        self.pay(gate);
        Ok(Taken::Stop)
    }

    /// A question; the session's own account only, but for an operator.
    pub(super) fn take_query<G: Gate>(
        &mut self,
        speaker: &Speaker,
        frame: &Frame<'_>,
        gate: &mut G,
    ) -> Taken {
        let (query_id, question) = match question(speaker, frame) {
            Ok(read) => read,
            Err(refusal) => return self.reject_unnumbered(speaker.id, frame, refusal),
        };
        let Some(question) = question else {
            self.end_query(speaker.id, query_id, ErrorCode::NoPermission);
            return self.count_refusal(speaker.id);
        };
        let bucket = self.desks[speaker.active.place.index()].queries;
        if self.take_query_token(speaker).is_err() {
            self.end_query(speaker.id, query_id, ErrorCode::Throttled);
            return self.count_refusal(speaker.id);
        }
        if gate.ask(Query { asker: speaker.id.to_u64(), query_id, question }).is_err() {
            self.desks[speaker.active.place.index()].queries = bucket;
            return Taken::Full;
        }
        Taken::Done
    }

    fn take_query_token(&mut self, speaker: &Speaker) -> Result<(), Refusal> {
        let bucket = &mut self.desks[speaker.active.place.index()].queries;
        let taken = bucket.take(self.config.queries, self.now);
        self.stats.throttled += u64::from(taken.is_err());
        taken.map_err(|_| ErrorCode::Throttled.into())
    }

    fn end_query(&mut self, id: ConnectionId, query_id: u64, code: ErrorCode) {
        self.say(id, &QueryEnd { query_id, engine_seq: Seq::default(), rows: 0, code: code.code() });
    }
}

/// What a query asks; no question where this session may not ask it.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is no query is no question, whatever else it is")]
fn question(speaker: &Speaker, frame: &Frame<'_>) -> Result<(u64, Option<Question>), Refusal> {
    let about = |account: AccountId| match speaker.kind {
        SessionKind::Admin => Some(account),
        SessionKind::OrderEntry | SessionKind::DropCopy => {
            (account == AccountId::default() || account == speaker.account).then_some(speaker.account)
        }
        SessionKind::Oracle | SessionKind::Local => None,
    };
    let (query_id, question) = match FromClient::decode(frame)? {
        FromClient::OpenOrdersQuery(query) => {
            let instrument = query.instrument_id.get().map(InstrumentId::new);
            let open_orders = |account| Question::OpenOrders { account, instrument };
            (query.query_id, about(query.account_id).map(open_orders))
        }
        FromClient::OrderStatusQuery(query) => {
            let order = requests::order_ref(query.order_id, query.cl_ord_id);
            let order = order.ok_or(Refusal { code: ErrorCode::NullInRequired, field: Some(3) })?;
            let session = speaker.active.session;
            let one = |account| Question::Order { account, session, order };
            (query.query_id, about(query.account_id).map(one))
        }
        FromClient::InstrumentQuery(query) => (query.query_id, Some(Question::Instruments)),
        FromClient::BookQuery(query) => {
            (query.query_id, Some(Question::Book { instrument: query.instrument_id, depth: query.depth }))
        }
        FromClient::RiskQuery(query) => {
            (query.query_id, about(query.account_id).map(|account| Question::Account { account }))
        }
        FromClient::AssetQuery(query) => (query.query_id, Some(Question::Assets)),
        FromClient::TermsQuery(query) => {
            (query.query_id, Some(Question::Terms { instrument: query.instrument_id }))
        }
        asked @ (FromClient::WhatIfQuery(_)
        | FromClient::StressQuery(_)
        | FromClient::SensitivityQuery(_)
        | FromClient::InstrumentRiskQuery(_)
        | FromClient::VenueRiskQuery(_)
        | FromClient::DeleveragingRankQuery(_)
        | FromClient::RiskGroupQuery(_)
        | FromClient::LiquidationMapQuery(_)) => {
            let is_operator = speaker.kind == SessionKind::Admin;
            let (query_id, inquiry) = insight::read(&asked, about, is_operator)?;
            (query_id, inquiry.map(Question::Insight))
        }
        _ => return Err(ErrorCode::UnknownTemplate.into()),
    };
    Ok((query_id, question))
}
