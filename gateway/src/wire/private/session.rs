//! Messages that begin, keep up and end a session.
//!
//! Invariant: none of them is numbered but the two that answer numbered requests, [`SessionReject`]
//! and [`ThrottleReject`].

use engine::{ClientOrderId, ClientSeq, KeyId, TimeNs};

use crate::wire::message::{Text, messages};
use crate::wire::types::{CodMode, Code, Durability, Millis, Octets, SessionKind, TermCode, U16N};

messages! {
    /// First frame of a connection: who comes, for which session, and what it has. Client to venue.
    1 Hello {
        /// Version of this protocol: 1.
        protocol_version: u32,
        /// Which key will sign.
        key_id: KeyId,
        /// Tells sessions of one key and kind apart.
        session_tag: u32,
        /// What for.
        kind: Code<SessionKind>,
        /// What is cancelled when the session is lost.
        cod_mode: Code<CodMode>,
        /// How long after the connection is gone.
        cod_grace: Millis,
        /// Longest silence of either side.
        heartbeat: Millis,
        /// Number of the client's next request, as it believes.
        next_send_seq_no: ClientSeq,
        /// First venue number wanted; 0 is all that is kept.
        next_expected_seq_no: u64,
        /// Fresh random octets.
        client_nonce: Octets<32>,
    }
    /// What the client has to sign. Venue to client.
    2 Challenge {
        /// The venue's time.
        server_time: TimeNs,
        /// Names the venue's log.
        engine_epoch: u64,
        /// Fresh random octets.
        server_nonce: Octets<32>,
    }
    /// The signature. Client to venue.
    3 LogonProof {
        /// As in Hello.
        key_id: KeyId,
        /// Ed25519 over the domain, the Hello block, the Challenge block and 32 zero octets.
        signature: Octets<64>,
    }
    /// The session is taken up. Venue to client.
    4 LogonAck {
        /// The venue's number of the session.
        session_id: u64,
        /// Names the venue's log.
        engine_epoch: u64,
        /// The venue's time.
        server_time: TimeNs,
        /// Number of the next event.
        next_venue_seq_no: u64,
        /// Last number of this session in the log.
        last_client_seq_no: ClientSeq,
        /// Last client order number of this session in the log.
        last_cl_ord_id: ClientOrderId,
        /// First event that can be sent again.
        oldest_retained: u64,
        /// Longest silence of either side, as agreed.
        heartbeat: Millis,
        /// Grace, as agreed.
        cod_grace: Millis,
        /// Requests that may come at once.
        bucket_capacity: u32,
        /// Requests a second after that.
        bucket_rate: u32,
        /// Longest frame the venue takes.
        max_frame: u32,
        /// As agreed.
        cod_mode: Code<CodMode>,
        /// What it takes before an event leaves the venue.
        durability: Code<Durability>,
    }
    /// No session; the connection ends. Venue to client.
    5 LogonReject {
        /// The venue's time.
        server_time: TimeNs,
        /// Why.
        code: u16,
    } [
        /// Why, in words.
        text: Text
    ]
    /// A sign of life. Both directions.
    6 Heartbeat {
        /// The sender's time.
        send_time: TimeNs,
        /// `send_time` of the `TestRequest` or `Heartbeat` answered; 0 when none is.
        echo_time: TimeNs,
    }
    /// Asks for a heartbeat at once. Both directions.
    7 TestRequest {
        /// Free.
        token: u64,
        /// The sender's time.
        send_time: TimeNs,
    }
    /// Asks for events again. Client to venue.
    8 ResendRequest {
        /// The first.
        from_seq_no: u64,
        /// How many; 0 is all that follow.
        count: u32,
    }
    /// Events that are no longer kept. Venue to client.
    9 GapFill {
        /// The first.
        from_seq_no: u64,
        /// The last.
        to_seq_no: u64,
        /// Why.
        code: u16,
    }
    /// Ends the session in order. Both directions.
    10 Logout {
        /// Why.
        code: Code<TermCode>,
        /// 1: the session's orders go as when it is lost. 0: they stay.
        cancel_orders: u8,
    }
    /// The venue ends the connection. Venue to client.
    11 Terminate {
        /// The venue's time.
        server_time: TimeNs,
        /// Number of the next event.
        next_venue_seq_no: u64,
        /// Last number of this session in the log.
        last_client_seq_no: ClientSeq,
        /// Why.
        code: Code<TermCode>,
    } [
        /// Why, in words.
        text: Text
    ]
    /// A well-framed request that could not be read or may not be asked. Venue to client, numbered where the request was.
    12 SessionReject {
        /// Number of the request.
        ref_seq_no: ClientSeq,
        /// Its template.
        ref_template_id: u16,
        /// Why.
        code: u16,
        /// Number of the field at fault, from 1.
        field_id: U16N,
    }
    /// Requests that came too fast: the numbers `ref_seq_no - count + 1` to `ref_seq_no`. Venue to client.
    13 ThrottleReject {
        /// Number of the last of them.
        ref_seq_no: ClientSeq,
        /// How many.
        count: u32,
        /// When there is room for one.
        retry_after_ns: u64,
        /// Template of the last of them.
        ref_template_id: u16,
    }
}
