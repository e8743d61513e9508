//! The secret that the keys of the leaves come from: 32 random octets in a file of the venue's directory.
//!
//! Invariant: it never changes once it is made, so that the proofs of an old plan can be made again from the log. Only
//! the owner of the directory may read it: with it, anybody who guesses an account's figures can tell whether they are right.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use risk::AccountId;

use super::commitment::Occasion;

/// Its file.
pub const SECRET_FILE: &str = "adl.secret";
/// Where it is written before it gets its name.
const NEW_SECRET_FILE: &str = "adl.secret.new";
const SALT: &[u8] = b"fulcrum adl salt v1";

/// The secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Secret")
    }
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read or written.
    #[error("cannot read or write {SECRET_FILE}: {0}")]
    File(#[from] io::Error),
    /// The file is not what was once written there.
    #[error(
        "{SECRET_FILE} has {0} octets, not 32; restore it, or remove it and give up the proofs of earlier plans"
    )]
    Length(usize),
    /// The system has no random numbers.
    #[error("no random numbers for {SECRET_FILE}: {0}")]
    Random(getrandom::Error),
}

impl Secret {
    /// A secret that is known already.
    #[must_use]
    pub const fn new(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// A secret that nobody keeps: what is committed to with it can be proven by this process alone.
    ///
    /// # Errors
    /// Where the system has no random numbers.
    pub fn random() -> Result<Self, SecretError> {
        let mut octets = [0; 32];
        getrandom::fill(&mut octets).map_err(SecretError::Random)?;
        Ok(Self(octets))
    }

    /// The secret in `directory`, made there where it is missing.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn of(directory: &Path) -> Result<Self, SecretError> {
        let path = directory.join(SECRET_FILE);
        match fs::read(&path) {
            Ok(octets) => {
                let length = octets.len();
                octets.try_into().map(Self).map_err(|_| SecretError::Length(length))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(directory),
            Err(error) => Err(error.into()),
        }
    }

    /// Whole or not at all: it is written under another name, synced, and renamed.
    fn make(directory: &Path) -> Result<Self, SecretError> {
        let secret = Self::random()?;
        let new = directory.join(NEW_SECRET_FILE);
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(&secret.0)?;
        file.sync_all()?;
        fs::rename(&new, directory.join(SECRET_FILE))?;
        fs::File::open(directory)?.sync_all()?;
        Ok(secret)
    }

    /// The key of an account's leaf.
    pub(super) fn salt(&self, occasion: Occasion, account: AccountId) -> [u8; 32] {
        let mut message = [0; SALT.len() + 8 + 8 + 4];
        let (domain, rest) = message.split_at_mut(SALT.len());
        let (request, rest) = rest.split_at_mut(8);
        let (basis, number) = rest.split_at_mut(8);
        domain.copy_from_slice(SALT);
        request.copy_from_slice(&occasion.request.to_le_bytes());
        basis.copy_from_slice(&occasion.basis.get().to_le_bytes());
        number.copy_from_slice(&account.get().to_le_bytes());
        blake3::keyed_hash(&self.0, &message).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_made_once_and_is_its_owners() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join(NEW_SECRET_FILE), b"left over").expect("writes");
        let first = Secret::of(directory.path()).expect("made");
        assert!(first == Secret::of(directory.path()).expect("read"), "it stays");
        let path = directory.path().join(SECRET_FILE);
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(first != Secret::new([0; 32]));
        assert_eq!(format!("{first:?}"), "Secret");

        fs::write(&path, [1; 31]).expect("writes");
        let cut = Secret::of(directory.path()).expect_err("cut short");
        assert!(matches!(cut, SecretError::Length(31)), "{cut}");
    }
}
