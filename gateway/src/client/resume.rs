//! What a session needs to go on where it was: its numbers, and the requests that are not settled.
//!
//! Invariant: a file is whole or is not there: it is written beside its place, synced and renamed, and its last line is
//! a hash of the others. Saved before the frames leave, it lets a new process send them again; one that is older than
//! that is still safe, as the venue says at the logon which numbers it has.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use engine::{ClientOrderId, ClientSeq, KeyId};

use super::incoming::Ticket;
use super::key::{hex, octets_of};
use super::session::SessionTerms;
use crate::wire::types::Code;

const TITLE: &str = "fulcrum client session 1";

/// A request without a last word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Open {
    /// Its numbers.
    pub ticket: Ticket,
    /// Its frame; empty once the venue's log holds it.
    pub frame: Vec<u8>,
}

/// State of a session between two connections, or two processes.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Resume {
    /// Whose session.
    pub key: KeyId,
    /// Which of the key's.
    pub tag: u32,
    /// What for, as on the wire.
    pub kind: u8,
    /// The venue's log the numbers belong to.
    pub engine_epoch: u64,
    /// Number of the next request.
    pub next_seq_no: u64,
    /// Number of the next event.
    pub next_expected: u64,
    /// Last number known to be in the venue's log.
    pub acknowledged: u64,
    /// Last client order number used.
    pub last_cl_ord_id: u64,
    /// Up to this request an event may stand behind a hole in which the answer lay.
    pub doubtful_through: u64,
    /// Whether a hole was told and no event has come since.
    pub is_holed: bool,
    /// The last request that an event named as what brought it about.
    pub named: u64,
    /// Requests without a last word, by rising number.
    pub open: Vec<Open>,
}

/// Why there is no saved state.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The file cannot be read.
    #[error("cannot read the session state {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the session state {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds no state.
    #[error(
        "{} is damaged or no session state: remove it; the session then learns its numbers from the venue",
        path.display()
    )]
    Malformed {
        /// Which.
        path: PathBuf,
    },
}

impl Resume {
    /// Whether it is the state of the session with these terms.
    #[must_use]
    pub fn is_of(&self, terms: &SessionTerms) -> bool {
        (self.key, self.tag, self.kind) == (terms.key.id(), terms.tag, Code::of(terms.kind).octet())
    }

    /// Writes the state to a file, in place of what was there.
    ///
    /// # Errors
    /// [`ResumeError::Write`]; then the former file is still there.
    pub fn save(&self, path: &Path) -> Result<(), ResumeError> {
        let failed = |source| ResumeError::Write { path: path.to_owned(), source };
        let mut beside = path.to_owned().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let mut file = File::create(&beside).map_err(failed)?;
        file.write_all(self.to_text().as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&beside, path).map_err(failed)?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new("."))).and_then(|opened| opened.sync_all()).map_err(failed)
    }

    /// Reads a file; `None` if there is none.
    ///
    /// # Errors
    /// [`ResumeError`].
    pub fn load(path: &Path) -> Result<Option<Self>, ResumeError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ResumeError::Read { path: path.to_owned(), source }),
        };
        Self::from_text(&text).map(Some).ok_or_else(|| ResumeError::Malformed { path: path.to_owned() })
    }

    fn to_text(&self) -> String {
        let mut text = format!(
            "{TITLE}\nkey {}\ntag {}\nkind {}\nepoch {}\nnext {}\nexpected {}\nacknowledged {}\nlast_cl_ord_id {}\ndoubtful {}\nholed {}\nnamed {}\n",
            self.key.get(),
            self.tag,
            self.kind,
            self.engine_epoch,
            self.next_seq_no,
            self.next_expected,
            self.acknowledged,
            self.last_cl_ord_id,
            self.doubtful_through,
            u8::from(self.is_holed),
            self.named,
        );
        for Open { ticket, frame } in &self.open {
            let frame = if frame.is_empty() { "-".to_owned() } else { hex(frame) };
            writeln!(text, "open {} {} {frame}", ticket.seq_no.get(), ticket.cl_ord_id.get())
                .expect("a string takes every text");
        }
        let hash = blake3::hash(text.as_bytes());
        writeln!(text, "hash {hash}").expect("a string takes every text");
        text
    }

    fn from_text(text: &str) -> Option<Self> {
        let (body, hash) = text.rsplit_once("hash ")?;
        if blake3::hash(body.as_bytes()).to_string() != hash.strip_suffix('\n')? {
            return None;
        }
        let mut lines = body.lines();
        if lines.next()? != TITLE {
            return None;
        }
        let mut number =
            |name: &str| -> Option<u64> { lines.next()?.strip_prefix(name)?.strip_prefix(' ')?.parse().ok() };
        let mut resume = Self {
            key: KeyId::new(number("key")?),
            tag: u32::try_from(number("tag")?).ok()?,
            kind: u8::try_from(number("kind")?).ok()?,
            engine_epoch: number("epoch")?,
            next_seq_no: number("next")?,
            next_expected: number("expected")?,
            acknowledged: number("acknowledged")?,
            last_cl_ord_id: number("last_cl_ord_id")?,
            doubtful_through: number("doubtful")?,
            is_holed: number("holed")? != 0,
            named: number("named")?,
            open: Vec::new(),
        };
        for line in lines {
            resume.open.push(open_of(line)?);
        }
        Some(resume)
    }
}

fn open_of(line: &str) -> Option<Open> {
    let mut words = line.strip_prefix("open ")?.split(' ');
    let seq_no = ClientSeq::new(words.next()?.parse().ok()?);
    let cl_ord_id = ClientOrderId::new(words.next()?.parse().ok()?);
    let frame = match words.next()? {
        "-" => Vec::new(),
        digits => octets_of(digits)?,
    };
    words.next().is_none().then_some(Open { ticket: Ticket { seq_no, cl_ord_id }, frame })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resume() -> Resume {
        let open = |seq_no, frame: &[u8]| {
            let ticket =
                Ticket { seq_no: ClientSeq::new(seq_no), cl_ord_id: ClientOrderId::new(seq_no + 90) };
            Open { ticket, frame: frame.to_vec() }
        };
        Resume {
            key: KeyId::new(u64::MAX),
            tag: 7,
            kind: 1,
            engine_epoch: 0x0123_4567_89ab_cdef,
            next_seq_no: 14,
            next_expected: 42,
            acknowledged: 11,
            last_cl_ord_id: 103,
            doubtful_through: 9,
            is_holed: true,
            named: 8,
            open: vec![open(11, &[]), open(12, &[0, 1, 255]), open(13, b"frame")],
        }
    }

    #[test]
    fn a_state_is_read_back_as_it_was_saved() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("session");
        assert_eq!(Resume::load(&path).unwrap(), None);
        resume().save(&path).unwrap();
        assert_eq!(Resume::load(&path).unwrap(), Some(resume()));
        let later = Resume { next_expected: 43, open: Vec::new(), ..resume() };
        later.save(&path).unwrap();
        assert_eq!(Resume::load(&path).unwrap(), Some(later));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("session");
        let text = resume().to_text();
        for at in 0..text.len() {
            let mut octets = text.clone().into_bytes();
            octets[at] ^= 1;
            fs::write(&path, &octets).unwrap();
            assert!(Resume::load(&path).is_err(), "octet {at} changed");
            fs::write(&path, &text.as_bytes()[..at]).unwrap();
            assert!(matches!(Resume::load(&path), Err(ResumeError::Malformed { .. })), "cut at {at}");
        }
    }
}
