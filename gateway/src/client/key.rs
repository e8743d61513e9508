//! Keys: what proves to the venue who comes.
//!
//! Invariant: a key file is readable by its owner only and is never overwritten; the secret is never printed.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signer, SigningKey};
use engine::KeyId;

/// Octets of a secret and of a public key.
pub const KEY_BYTES: usize = 32;
/// Octets of a signature.
pub const SIGNATURE_BYTES: usize = 64;
/// Longest key file that is read.
const FILE_BYTES_MAX: u64 = 4_096;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("cannot read the key file {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the key file {}: {source}; nothing is ever overwritten, so choose a new name", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others may read the file.
    #[error("the key file {} is open to others (mode {mode:03o}); run: chmod 600 {}", path.display(), path.display())]
    Exposed {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file holds no key.
    #[error(
        "{} is no key file: wanted one line of 64 hexadecimal digits beside lines that begin with #; write a new one with keygen",
        path.display()
    )]
    Malformed {
        /// Which.
        path: PathBuf,
    },
    /// The system gives no random octets.
    #[error("the system gives no random octets: {0}")]
    Random(getrandom::Error),
}

/// An Ed25519 key that signs logons.
#[derive(Clone)]
pub struct Key {
    signing: SigningKey,
}

impl core::fmt::Debug for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Key({:016x})", self.id().get())
    }
}

/// The number of a public key: its first eight octets, little endian.
#[must_use]
pub fn key_id(public: &[u8; KEY_BYTES]) -> KeyId {
    let (first, _) = public.split_first_chunk::<8>().expect("a key is longer than a number");
    KeyId::new(u64::from_le_bytes(*first))
}

impl Key {
    /// A new key.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn generate() -> Result<Self, KeyError> {
        let mut secret = [0; KEY_BYTES];
        getrandom::fill(&mut secret).map_err(KeyError::Random)?;
        Ok(Self::from_secret(secret))
    }

    /// The key of a secret.
    #[must_use]
    pub fn from_secret(secret: [u8; KEY_BYTES]) -> Self {
        Self { signing: SigningKey::from_bytes(&secret) }
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// [`KeyError`], also when others than the owner may read the file.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Read { path: path.to_owned(), source };
        let malformed = || KeyError::Malformed { path: path.to_owned() };
        let about = fs::metadata(path).map_err(failed)?;
        let mode = about.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path.to_owned(), mode });
        }
        if about.len() > FILE_BYTES_MAX {
            return Err(malformed());
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (Some(line), None) = (lines.next(), lines.next()) else { return Err(malformed()) };
        let secret = octets_of(line).and_then(|octets| octets.try_into().ok()).ok_or_else(malformed)?;
        Ok(Self::from_secret(secret))
    }

    /// Writes the key to a new file that its owner alone may read.
    ///
    /// # Errors
    /// [`KeyError::Write`], also when the file exists.
    pub fn write(&self, path: &Path) -> Result<(), KeyError> {
        let failed = |source| KeyError::Write { path: path.to_owned(), source };
        let text = format!(
            "# Fulcrum key {:016x}, public {}. The line below is secret.\n{}\n",
            self.id().get(),
            hex(&self.public()),
            hex(self.signing.as_bytes()),
        );
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
    }

    /// Its number: the first eight octets of the public key, little endian.
    #[must_use]
    pub fn id(&self) -> KeyId {
        key_id(&self.public())
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> [u8; KEY_BYTES] {
        self.signing.verifying_key().to_bytes()
    }

    /// Signs a message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.signing.sign(message).to_bytes()
    }
}

/// Octets as hexadecimal digits.
pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(2 * octets.len()), |mut text, octet| {
        write!(text, "{octet:02x}").expect("a string takes every text");
        text
    })
}

/// The octets that an even number of hexadecimal digits spells.
pub(super) fn octets_of(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let pairs = digits.chunks_exact(2).map(|pair| core::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array<const N: usize>(text: &str) -> [u8; N] {
        octets_of(text).and_then(|octets| octets.try_into().ok()).expect("hexadecimal digits")
    }

    #[test]
    fn the_first_two_vectors_of_rfc_8032_hold() {
        let vectors = [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
                 d25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c\
                 387b2eaeb4302aeeb00d291612bb0c00",
            ),
        ];
        for (secret, public, message, signature) in vectors {
            let key = Key::from_secret(array(secret));
            assert_eq!(key.public(), array(public));
            let message = octets_of(message).expect("hexadecimal digits");
            assert_eq!(key.sign(&message), array(signature));
        }
    }

    #[test]
    fn the_number_is_the_start_of_the_public_key() {
        let key = Key::from_secret(array("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
        assert_eq!(key.id(), KeyId::new(0xb70a_b182_0198_5ad7));
    }

    #[test]
    fn a_file_is_private_read_back_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trader.key");
        let key = Key::generate().unwrap();
        key.write(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Key::read(&path).unwrap().public(), key.public());
        let other = Key::generate().unwrap();
        assert_ne!(other.public(), key.public());
        assert!(matches!(other.write(&path), Err(KeyError::Write { .. })));
        assert_eq!(Key::read(&path).unwrap().public(), key.public());
    }

    #[test]
    fn what_is_no_key_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bad.key");
        assert!(matches!(Key::read(&path), Err(KeyError::Read { .. })));
        let good = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let long = "#".repeat(5_000);
        let texts = [
            "",
            "# only words\n",
            "abcd\n",
            &good[1..],
            &format!("{good}\n{good}\n"),
            &format!("{good}\n{long}"),
        ];
        for text in texts {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert!(matches!(Key::read(&path), Err(KeyError::Malformed { .. })), "{text:?}");
        }
        fs::write(&path, format!("# free\n\n  {good}\n")).unwrap();
        assert!(Key::read(&path).is_ok());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Key::read(&path), Err(KeyError::Exposed { mode: 0o640, .. })));
    }

    #[test]
    fn no_secret_is_printed() {
        let key = Key::from_secret([7; KEY_BYTES]);
        assert_eq!(format!("{key:?}"), format!("Key({:016x})", key.id().get()));
    }
}
