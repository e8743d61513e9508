//! A disk in memory that keeps what is live and what is durable apart, and can lose the difference.
//!
//! Invariant: a byte survives a power loss for certain only when a sync covered it; without one every sector of every
//! write, every length and every directory entry goes its own way.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use gateway::log::Disk;

use crate::random::Random;

/// Bytes the device writes at once.
const SECTOR: usize = 512;

/// What goes wrong at the chosen call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// The process dies: this call may have had its effect, no later one has any.
    Death,
    /// No space is left.
    NoSpace,
    /// The device fails; a failed sync loses what it should have written, and says so only once.
    Io,
    /// A write takes half its bytes; any other call fails.
    Short,
}

/// A disk that does not do what it says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lie {
    /// It is honest.
    None,
    /// Data are never synced.
    Data,
    /// Directories are never synced.
    Directory,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Clone, Debug, Default)]
struct Content {
    live: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Naming {
    Put { name: String, inode: u64 },
    Gone { name: String },
}

struct State {
    contents: BTreeMap<u64, Content>,
    live: BTreeMap<String, u64>,
    durable: BTreeMap<String, u64>,
    namings: Vec<Naming>,
    next_inode: u64,
    calls: u64,
    fault: Option<(u64, Fault)>,
    dead: bool,
    lie: Lie,
}

/// The disk; clones share it.
#[derive(Clone)]
pub(crate) struct CrashDisk(Rc<RefCell<State>>);

impl std::fmt::Debug for CrashDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CrashDisk").field(&self.names()).finish()
    }
}

fn size(offset: u64) -> usize {
    usize::try_from(offset).expect("test files are small")
}

fn apply(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if content.len() < offset + bytes.len() {
        content.resize(offset + bytes.len(), 0);
    }
    content[offset..offset + bytes.len()].copy_from_slice(bytes);
}

fn missing(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, name.to_owned())
}

impl CrashDisk {
    /// An empty disk.
    pub(crate) fn new(lie: Lie) -> Self {
        Self::of(BTreeMap::new(), BTreeMap::new(), 1, lie)
    }

    fn of(contents: BTreeMap<u64, Content>, names: BTreeMap<String, u64>, next_inode: u64, lie: Lie) -> Self {
        Self(Rc::new(RefCell::new(State {
            contents,
            live: names.clone(),
            durable: names,
            namings: Vec::new(),
            next_inode,
            calls: 0,
            fault: None,
            dead: false,
            lie,
        })))
    }

    /// From now on, the `nth` call (the first is 1) fails.
    pub(crate) fn fail_at(&self, nth: u64, fault: Fault) {
        let mut state = self.0.borrow_mut();
        state.calls = 0;
        state.fault = Some((nth, fault));
    }

    /// Whether the fault was met.
    pub(crate) fn has_failed(&self) -> bool {
        let state = self.0.borrow();
        state.fault.is_some_and(|(nth, _)| state.calls >= nth)
    }

    /// The process is gone and another comes; the system keeps running.
    pub(crate) fn restart(&self) {
        let mut state = self.0.borrow_mut();
        state.fault = None;
        state.dead = false;
    }

    /// What a power loss leaves.
    pub(crate) fn power_loss(&self, random: &mut Random) -> Self {
        let state = self.0.borrow();
        let names = lose_names(&state, random);
        let contents = state.contents.iter().map(|(inode, content)| (*inode, lose_content(content, random)));
        Self::of(contents.collect(), names, state.next_inode, state.lie)
    }

    /// Names of the files as they are.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.borrow().live.keys().cloned().collect()
    }

    /// Content of a file as it is.
    pub(crate) fn content(&self, name: &str) -> Vec<u8> {
        let state = self.0.borrow();
        state.contents[&state.live[name]].live.clone()
    }

    /// Changes a file from outside.
    pub(crate) fn edit(&self, name: &str, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.0.borrow_mut();
        let inode = state.live[name];
        edit(&mut state.contents.get_mut(&inode).expect("named files have content").live);
    }

    /// Removes a file from outside.
    pub(crate) fn erase(&self, name: &str) {
        self.0.borrow_mut().live.remove(name);
    }

    /// Counts a call; the fault to show, if it is due.
    fn call(&self) -> io::Result<Option<Fault>> {
        let mut state = self.0.borrow_mut();
        if state.dead {
            return Err(io::Error::other("the process is dead"));
        }
        state.calls += 1;
        match state.fault {
            Some((nth, fault)) if nth == state.calls => {
                state.dead = fault == Fault::Death;
                Ok(Some(fault))
            }
            _ => Ok(None),
        }
    }

    /// For calls that either happen or do not.
    fn call_plain(&self) -> io::Result<()> {
        match self.call()? {
            None => Ok(()),
            Some(Fault::NoSpace) => Err(io::Error::from(io::ErrorKind::StorageFull)),
            Some(Fault::Death | Fault::Io | Fault::Short) => Err(io::Error::other("input/output error")),
        }
    }
}

fn lose_names(state: &State, random: &mut Random) -> BTreeMap<String, u64> {
    let mut names = state.durable.clone();
    let keep = random.below(5);
    for naming in &state.namings {
        if random.below(4) >= keep {
            continue;
        }
        match naming {
            Naming::Put { name, inode } => names.insert(name.clone(), *inode),
            Naming::Gone { name } => names.remove(name),
        };
    }
    names
}

fn lose_content(content: &Content, random: &mut Random) -> Content {
    let mut kept = content.durable.clone();
    let keep = random.below(5);
    let mut pieces = Vec::new();
    for change in &content.pending {
        match change {
            Change::Length(length) if random.below(4) < keep => kept.resize(*length, 0),
            Change::Length(_) => {}
            Change::Write { offset, bytes } => {
                let mut at = 0;
                while at < bytes.len() {
                    let to = usize::min(bytes.len(), (offset + at + 1).next_multiple_of(SECTOR) - offset);
                    pieces.push((offset + at, &bytes[at..to]));
                    at = to;
                }
            }
        }
    }
    if random.below(2) == 0 {
        random.shuffle(&mut pieces);
    }
    for (offset, piece) in pieces {
        if random.below(4) >= keep {
            continue;
        }
        // Now and then only the first or only the last bytes of a sector arrive.
        match random.below(8) {
            0 => apply(&mut kept, offset, &piece[..random.index(piece.len() + 1)]),
            1 => {
                let from = random.index(piece.len() + 1);
                apply(&mut kept, offset + from, &piece[from..]);
            }
            _ => apply(&mut kept, offset, piece),
        }
    }
    Content { live: kept.clone(), durable: kept, pending: Vec::new() }
}

impl Disk for CrashDisk {
    type File = u64;

    fn list(&mut self) -> io::Result<Vec<String>> {
        self.call_plain()?;
        Ok(self.names())
    }

    fn open(&mut self, name: &str) -> io::Result<u64> {
        self.call_plain()?;
        self.0.borrow().live.get(name).copied().ok_or_else(|| missing(name))
    }

    fn create(&mut self, name: &str) -> io::Result<u64> {
        self.call_plain()?;
        let mut state = self.0.borrow_mut();
        if state.live.contains_key(name) {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        let inode = state.next_inode;
        state.next_inode += 1;
        state.contents.insert(inode, Content::default());
        state.live.insert(name.to_owned(), inode);
        state.namings.push(Naming::Put { name: name.to_owned(), inode });
        Ok(inode)
    }

    fn length(&mut self, file: &u64) -> io::Result<u64> {
        self.call_plain()?;
        Ok(self.0.borrow().contents[file].live.len() as u64)
    }

    fn set_length(&mut self, file: &u64, length: u64) -> io::Result<()> {
        self.call_plain()?;
        let mut state = self.0.borrow_mut();
        let content = state.contents.get_mut(file).expect("open files exist");
        content.live.resize(size(length), 0);
        content.pending.push(Change::Length(size(length)));
        Ok(())
    }

    fn read_at(&mut self, file: &u64, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        self.call_plain()?;
        let state = self.0.borrow();
        let content = &state.contents[file].live;
        let from = usize::min(size(offset), content.len());
        let taken = usize::min(bytes.len(), content.len() - from);
        bytes[..taken].copy_from_slice(&content[from..from + taken]);
        Ok(taken)
    }

    fn write_at(&mut self, file: &u64, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let (taken, result) = match self.call()? {
            None => (bytes.len(), Ok(bytes.len())),
            // The last write of a dead process may be on its way.
            Some(Fault::Death) => (bytes.len(), Err(io::Error::other("the process is dead"))),
            Some(Fault::Short) => (bytes.len() >> 1, Ok(bytes.len() >> 1)),
            Some(Fault::NoSpace) => (0, Err(io::Error::from(io::ErrorKind::StorageFull))),
            Some(Fault::Io) => (bytes.len() >> 1, Err(io::Error::other("input/output error"))),
        };
        let mut state = self.0.borrow_mut();
        let content = state.contents.get_mut(file).expect("open files exist");
        apply(&mut content.live, size(offset), &bytes[..taken]);
        content.pending.push(Change::Write { offset: size(offset), bytes: bytes[..taken].to_vec() });
        result
    }

    fn sync_data(&mut self, file: &u64) -> io::Result<()> {
        let called = self.call();
        let mut state = self.0.borrow_mut();
        let lies = state.lie == Lie::Data;
        let content = state.contents.get_mut(file).expect("open files exist");
        match called? {
            None if lies => Ok(()),
            None => {
                for change in content.pending.drain(..) {
                    match change {
                        Change::Write { offset, bytes } => apply(&mut content.durable, offset, &bytes),
                        Change::Length(length) => content.durable.resize(length, 0),
                    }
                }
                Ok(())
            }
            Some(Fault::Death) => Err(io::Error::other("the process is dead")),
            Some(Fault::NoSpace | Fault::Io | Fault::Short) => {
                content.pending.clear();
                Err(io::Error::other("input/output error"))
            }
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.call_plain()?;
        let mut state = self.0.borrow_mut();
        let inode = state.live.remove(from).ok_or_else(|| missing(from))?;
        state.live.insert(to.to_owned(), inode);
        state.namings.push(Naming::Put { name: to.to_owned(), inode });
        state.namings.push(Naming::Gone { name: from.to_owned() });
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.call_plain()?;
        let mut state = self.0.borrow_mut();
        state.live.remove(name).ok_or_else(|| missing(name))?;
        state.namings.push(Naming::Gone { name: name.to_owned() });
        Ok(())
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        self.call_plain()?;
        let mut state = self.0.borrow_mut();
        if state.lie != Lie::Directory {
            state.durable = state.live.clone();
            state.namings.clear();
        }
        Ok(())
    }
}
