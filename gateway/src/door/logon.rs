//! Logon: a key proves itself by signing what both sides said.
//!
//! Invariant: the signature covers every octet of Hello and Challenge, so nothing that was agreed can be changed on the
//! way, and a signature is good for one challenge only. No clock of the client matters.

use ed25519_dalek::{Signature, VerifyingKey};
use engine::{CancelOnLoss, KeyTerms, Logon, SessionKind, TimeNs};

use super::config::DoorConfig;
use super::projection::Key;
use crate::wire::codes::ErrorCode;
use crate::wire::message::Message;
use crate::wire::private::{Challenge, Hello, LogonProof};
use crate::wire::types::{self, CodMode, Octets};

/// Stands before what is signed.
pub const DOMAIN: &[u8] = b"venue-logon-v1\0";
/// Version of the protocol that is spoken here.
pub const PROTOCOL_VERSION: u32 = 1;
/// Octets of a Hello block.
pub const HELLO_BYTES: usize = 74;
/// Octets of a Challenge block.
pub const CHALLENGE_BYTES: usize = 48;
/// Stands behind it: where a secured channel's own secret would go.
const CHANNEL: [u8; 32] = [0; 32];
/// Octets that are signed.
pub const SIGNED_BYTES: usize = DOMAIN.len() + HELLO_BYTES + CHALLENGE_BYTES + CHANNEL.len();

const _: () = assert!(Hello::LAYOUT.block_length as usize == HELLO_BYTES);
const _: () = assert!(Challenge::LAYOUT.block_length as usize == CHALLENGE_BYTES);

/// What is signed.
#[must_use]
pub fn signed_octets(hello: &[u8; HELLO_BYTES], challenge: &[u8; CHALLENGE_BYTES]) -> [u8; SIGNED_BYTES] {
    let mut octets = [0; SIGNED_BYTES];
    let parts: [&[u8]; 4] = [DOMAIN, hello, challenge, &CHANNEL];
    let mut at = 0;
    for part in parts {
        octets[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    octets
}

/// What was said before the proof.
#[derive(Clone, Debug)]
pub(super) struct Handshake {
    pub(super) hello: Hello,
    pub(super) kind: SessionKind,
    pub(super) on_loss: CancelOnLoss,
    hello_octets: [u8; HELLO_BYTES],
    challenge_octets: [u8; CHALLENGE_BYTES],
}

/// Octets of the server's nonces: fresh, and known beforehand to nobody who does not have the seed.
#[derive(Debug)]
pub(super) struct Nonces {
    seed: [u8; 32],
    drawn: u64,
}

impl Nonces {
    pub(super) const fn new(seed: [u8; 32]) -> Self {
        Self { seed, drawn: 0 }
    }

    fn draw(&mut self) -> [u8; 32] {
        self.drawn += 1;
        *blake3::keyed_hash(&self.seed, &self.drawn.to_le_bytes()).as_bytes()
    }
}

impl Handshake {
    /// Answers a Hello whose block is `octets`.
    pub(super) fn begin(
        hello: Hello,
        octets: [u8; HELLO_BYTES],
        now: TimeNs,
        engine_epoch: u64,
        nonces: &mut Nonces,
    ) -> Result<(Self, Challenge), ErrorCode> {
        if hello.protocol_version != PROTOCOL_VERSION {
            return Err(ErrorCode::UnsupportedVersion);
        }
        let kind = match hello.kind.get().ok_or(ErrorCode::BadEnum)? {
            types::SessionKind::OrderEntry => SessionKind::OrderEntry,
            types::SessionKind::DropCopy => SessionKind::DropCopy,
            types::SessionKind::Admin => SessionKind::Admin,
            types::SessionKind::Oracle => SessionKind::Oracle,
            types::SessionKind::MarketData => return Err(ErrorCode::Unsupported),
        };
        let on_loss = match hello.cod_mode.get().ok_or(ErrorCode::BadEnum)? {
            CodMode::Off => CancelOnLoss::Off,
            CodMode::CancelAll => CancelOnLoss::All,
            CodMode::KeepProtection => CancelOnLoss::KeepProtection,
        };
        let challenge = Challenge { server_time: now, engine_epoch, server_nonce: Octets(nonces.draw()) };
        let mut block = Vec::with_capacity(CHALLENGE_BYTES);
        challenge.encode(&mut block);
        let challenge_octets = block.try_into().expect("the length is asserted");
        Ok((Self { hello, kind, on_loss, hello_octets: octets, challenge_octets }, challenge))
    }

    /// Checks a proof.
    pub(super) fn verify(&self, proof: &LogonProof, key: Option<&Key>, now: TimeNs) -> Result<(), ErrorCode> {
        if proof.key_id != self.hello.key_id {
            return Err(ErrorCode::BadSignature);
        }
        let Some(Key { terms, revoked }) = key else { return Err(ErrorCode::UnknownKey) };
        if *revoked {
            return Err(ErrorCode::UnknownKey);
        }
        let octets = signed_octets(&self.hello_octets, &self.challenge_octets);
        if !is_signed(terms, &octets, &proof.signature.0) {
            return Err(ErrorCode::BadSignature);
        }
        if terms.expires != TimeNs::default() && now >= terms.expires {
            return Err(ErrorCode::KeyExpired);
        }
        if terms.kinds & (1 << self.kind as u8) == 0 {
            return Err(ErrorCode::NoPermission);
        }
        Ok(())
    }

    /// The logon it asks for.
    pub(super) fn logon(&self, config: &DoorConfig) -> Logon {
        Logon {
            key: self.hello.key_id,
            tag: self.hello.session_tag,
            kind: self.kind,
            on_loss: self.on_loss,
            grace_ms: self.hello.cod_grace.get().min(config.grace_ms_max),
        }
    }

    /// The longest silence agreed on, in milliseconds.
    pub(super) fn heartbeat_ms(&self, config: &DoorConfig) -> u32 {
        match self.hello.heartbeat.get() {
            0 => config.heartbeat_ms,
            asked => asked.clamp(config.heartbeat_ms_min, config.heartbeat_ms_max),
        }
    }
}

/// Strict: no weak keys, no second form of a signature.
fn is_signed(terms: &KeyTerms, octets: &[u8], signature: &[u8; 64]) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(&terms.public) else { return false };
    key.verify_strict(octets, &Signature::from_bytes(signature)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use risk::AccountId;

    fn octets<const N: usize>(hex: &str) -> [u8; N] {
        let digits: Vec<u8> = hex
            .bytes()
            .map(|digit| {
                char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).expect("hex")
            })
            .collect();
        let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        bytes.try_into().expect("the length fits")
    }

    fn terms(public: [u8; 32]) -> KeyTerms {
        KeyTerms { public, account: AccountId::new(16), kinds: 2, expires: TimeNs::default() }
    }

    /// RFC 8032, 7.1, test 3.
    #[test]
    fn a_known_signature_holds_and_no_other() {
        let terms = terms(octets("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"));
        let signature: [u8; 64] = octets(
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        );
        assert!(is_signed(&terms, &[0xAF, 0x82], &signature));
        assert!(!is_signed(&terms, &[0xAF, 0x83], &signature));
        for bit in 0..512 {
            let mut wrong = signature;
            wrong[bit >> 3] ^= 1 << (bit & 7);
            assert!(!is_signed(&terms, &[0xAF, 0x82], &wrong), "bit {bit}");
        }
    }

    #[test]
    fn a_weak_key_signs_nothing() {
        // The neutral element: under lax rules it admits one signature for every message.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(!is_signed(&terms(neutral), b"anything", &signature));
        assert!(!is_signed(&terms([0xFF; 32]), b"anything", &signature));
    }

    #[test]
    fn nonces_differ() {
        let mut nonces = Nonces::new([7; 32]);
        assert_ne!(nonces.draw(), nonces.draw());
        assert_ne!(Nonces::new([8; 32]).draw(), Nonces::new([7; 32]).draw());
    }
}
