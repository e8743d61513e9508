//! A client that speaks frames by hand over a blocking socket.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ed25519_dalek::{Signer, SigningKey};
use engine::{ClientOrderId, ClientSeq, KeyId};
use gateway::door::{CHALLENGE_BYTES, HELLO_BYTES, signed_octets};
use gateway::wire::frame::{self, Flags, Prefix};
use gateway::wire::message::Message;
use gateway::wire::private::{CancelOrder, FromVenue, Hello, LogonAck, LogonProof, NewOrder};
use gateway::wire::types::{
    CodMode, Code, Millis, Octets, OrdFlags, OrdType, PostOnlyMode, PriceN, QtyN, SessionKind, Side, Stp,
    Tif, TimeNsN, TriggerSrc,
};
use risk::{AccountId, Price, Qty};

use crate::venue::{self, PERPETUAL};

/// Longest a test waits for a frame.
const PATIENCE: Duration = Duration::from_secs(20);

/// A frame as it came.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Received {
    pub(crate) prefix: Prefix,
    pub(crate) message: FromVenue,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: TcpStream,
    came: Vec<u8>,
    pub(crate) next_number: u64,
    pub(crate) last_order: u64,
    account: AccountId,
}

impl Peer {
    /// Connects and says nothing.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the venue listens");
        stream.set_nodelay(true).expect("a TCP socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a TCP socket");
        Self { stream, came: Vec::new(), next_number: 1, last_order: 0, account: AccountId::new(0) }
    }

    /// Connects and logs on with the key of an account; everything the venue still has of the session is asked for.
    pub(crate) fn log_on(address: SocketAddr, index: u32) -> (Self, LogonAck) {
        Self::log_on_from(address, index, 0)
    }

    /// The same, asking for the frames from `next_expected` on.
    pub(crate) fn log_on_from(address: SocketAddr, index: u32, next_expected: u64) -> (Self, LogonAck) {
        let mut peer = Self::connect(address);
        let (key, number) = venue::key(index);
        let hello = hello(number, next_expected);
        peer.send(0, true, &hello);
        let challenge = peer.expect_challenge();
        let proof = prove(&key, number, &hello, &challenge);
        peer.send(0, true, &proof);
        let FromVenue::LogonAck(ack) = peer.receive().message else { panic!("no logon") };
        peer.next_number = ack.last_client_seq_no.get() + 1;
        peer.last_order = ack.last_cl_ord_id.get();
        peer.account = venue::account(index);
        (peer, ack)
    }

    fn expect_challenge(&mut self) -> [u8; CHALLENGE_BYTES] {
        let FromVenue::Challenge(challenge) = self.receive().message else { panic!("no challenge") };
        let mut block = Vec::new();
        challenge.encode(&mut block);
        block.try_into().expect("its own length")
    }

    /// Sends one frame.
    pub(crate) fn send<M: Message>(&mut self, seq_no: u64, is_unnumbered: bool, message: &M) {
        let mut octets = Vec::new();
        append(seq_no, is_unnumbered, message, &mut octets);
        self.send_octets(&octets);
    }

    /// Sends whatever it is given.
    pub(crate) fn send_octets(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).expect("the venue reads");
    }

    /// A limit order of one contract's thousandth, numbered next.
    pub(crate) fn order(&mut self, side: Side, price: i64, tif: Tif) -> NewOrder {
        self.last_order += 1;
        NewOrder {
            cl_ord_id: ClientOrderId::new(self.last_order),
            account_id: self.account,
            instrument_id: PERPETUAL,
            price: PriceN::from(Price::new(price)),
            qty: Qty::new(1),
            display_qty: QtyN::NONE,
            trigger_price: PriceN::NONE,
            expire_time: TimeNsN::NONE,
            valid_until: TimeNsN::NONE,
            user_tag: 0,
            flags: OrdFlags::default(),
            side: Code::of(side),
            ord_type: Code::of(OrdType::Limit),
            tif: Code::of(tif),
            stp: Code::of(Stp::CancelTaker),
            trigger_src: Code::of(TriggerSrc::Last),
            post_only: Code::of(PostOnlyMode::Off),
        }
    }

    /// Sends an order, and does not wait.
    pub(crate) fn send_order(&mut self, side: Side, price: i64, tif: Tif) {
        let order = self.order(side, price, tif);
        let number = self.next_number();
        self.send(number, false, &order);
    }

    /// Sends a cancellation of one of its own orders, and does not wait.
    pub(crate) fn cancel(&mut self, order: u64) {
        self.last_order += 1;
        let cancel = CancelOrder {
            cl_ord_id: ClientOrderId::new(self.last_order),
            order_id: None.into(),
            orig_cl_ord_id: order.into(),
            account_id: self.account,
            instrument_id: PERPETUAL,
            valid_until: TimeNsN::NONE,
        };
        let number = self.next_number();
        self.send(number, false, &cancel);
    }

    /// Uses up a number.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number - 1
    }

    /// The next frame that is not a heartbeat; `None` at the end of the connection.
    pub(crate) fn try_receive(&mut self) -> Option<Received> {
        loop {
            if let Some((frame, length)) = frame::split(&self.came, 1 << 16).expect("the venue sends frames")
            {
                let message = FromVenue::decode(&frame).expect("the venue sends what it declares");
                let prefix = frame.prefix;
                self.came.drain(..length);
                if matches!(message, FromVenue::Heartbeat(_)) {
                    continue;
                }
                return Some(Received { prefix, message });
            }
            let mut space = [0; 16 << 10];
            match self.stream.read(&mut space) {
                Ok(0) => return None,
                Ok(octets) => self.came.extend_from_slice(&space[..octets]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("no frame came: {error}"),
            }
        }
    }

    /// The next frame that is not a heartbeat.
    pub(crate) fn receive(&mut self) -> Received {
        self.try_receive().expect("the connection lives")
    }

    /// Everything up to the end of the connection.
    pub(crate) fn receive_all(&mut self) -> Vec<Received> {
        std::iter::from_fn(|| self.try_receive()).collect()
    }
}

/// Appends one frame.
pub(crate) fn append<M: Message>(seq_no: u64, is_unnumbered: bool, message: &M, octets: &mut Vec<u8>) {
    let flags = Flags(if is_unnumbered { Flags::UNSEQUENCED } else { 0 });
    frame::append(Prefix { flags, seq_no, ack_seq_no: 0 }, message, octets);
}

fn hello(key: KeyId, next_expected: u64) -> Hello {
    Hello {
        protocol_version: 1,
        key_id: key,
        session_tag: 1,
        kind: Code::of(SessionKind::OrderEntry),
        cod_mode: Code::of(CodMode::Off),
        cod_grace: Millis::new(0),
        heartbeat: Millis::new(60_000),
        next_send_seq_no: ClientSeq::new(1),
        next_expected_seq_no: next_expected,
        client_nonce: Octets([3; 32]),
    }
}

fn prove(key: &SigningKey, number: KeyId, hello: &Hello, challenge: &[u8; CHALLENGE_BYTES]) -> LogonProof {
    let mut block = Vec::new();
    hello.encode(&mut block);
    let block: [u8; HELLO_BYTES] = block.try_into().expect("its own length");
    let signature = key.sign(&signed_octets(&block, challenge)).to_bytes();
    LogonProof { key_id: number, signature: Octets(signature) }
}
