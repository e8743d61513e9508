//! The small file layer everything of the log goes through, so that tests can drop, tear, reorder and refuse.
//!
//! Invariant: nothing counts as durable before the matching sync returned; no call retries.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::LogError;

/// Name of the file whose lock keeps a second process out.
pub const LOCK_FILE: &str = "LOCK";

/// A flat directory of files, as the log needs it.
pub trait Disk {
    /// An open file.
    type File: std::fmt::Debug;

    /// Names of all files, in any order, the lock file excepted.
    fn list(&mut self) -> io::Result<Vec<String>>;
    /// Opens an existing file.
    fn open(&mut self, name: &str) -> io::Result<Self::File>;
    /// Creates an empty file; an error when the name is taken.
    fn create(&mut self, name: &str) -> io::Result<Self::File>;
    /// Length of a file.
    fn length(&mut self, file: &Self::File) -> io::Result<u64>;
    /// Sets the length; new bytes read as zero.
    fn set_length(&mut self, file: &Self::File, length: u64) -> io::Result<()>;
    /// Reads at `offset`; fewer bytes than asked only at the end of the file.
    fn read_at(&mut self, file: &Self::File, offset: u64, bytes: &mut [u8]) -> io::Result<usize>;
    /// Writes at `offset`, in one call; the number of bytes taken.
    fn write_at(&mut self, file: &Self::File, offset: u64, bytes: &[u8]) -> io::Result<usize>;
    /// Makes the bytes and the length of a file durable.
    fn sync_data(&mut self, file: &Self::File) -> io::Result<()>;
    /// Renames within the directory, replacing the target.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Makes creations, renames and removals durable.
    fn sync_dir(&mut self) -> io::Result<()>;
    /// Where in the file system it is, if it can be opened there once more.
    fn path(&self) -> Option<&Path> {
        None
    }
}

/// A directory of the file system.
#[derive(Debug)]
pub struct RealDisk {
    path: PathBuf,
    directory: File,
    /// Held for its lock; `None` when opened for reading only.
    lock: Option<File>,
}

impl RealDisk {
    /// Opens `path` for writing, creating it where it is missing, and locks it against a second process.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        let lock_path = path.join(LOCK_FILE);
        let failed = |doing, at: &Path, source| LogError::Io {
            doing,
            file: at.display().to_string(),
            offset: 0,
            source,
        };
        std::fs::create_dir_all(path).map_err(|error| failed("create", path, error))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(|error| failed("open", &lock_path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LogError::Locked { path: lock_path.display().to_string() });
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", &lock_path, error)),
        }
        let directory = File::open(path).map_err(|error| failed("open", path, error))?;
        Ok(Self { path: path.to_path_buf(), directory, lock: Some(lock) })
    }

    /// Opens `path` for reading: no lock is taken and every change is refused.
    pub fn read_only(path: &Path) -> Result<Self, LogError> {
        let directory = File::open(path).map_err(|source| LogError::Io {
            doing: "open",
            file: path.display().to_string(),
            offset: 0,
            source,
        })?;
        Ok(Self { path: path.to_path_buf(), directory, lock: None })
    }

    fn writable(&self) -> io::Result<()> {
        if self.lock.is_some() {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "the log was opened for reading only"))
    }
}

impl Disk for RealDisk {
    type File = File;

    fn list(&mut self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != LOCK_FILE {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn open(&mut self, name: &str) -> io::Result<File> {
        OpenOptions::new().read(true).write(self.lock.is_some()).open(self.path.join(name))
    }

    fn create(&mut self, name: &str) -> io::Result<File> {
        self.writable()?;
        OpenOptions::new().read(true).write(true).create_new(true).open(self.path.join(name))
    }

    fn length(&mut self, file: &File) -> io::Result<u64> {
        Ok(file.metadata()?.len())
    }

    fn set_length(&mut self, file: &File, length: u64) -> io::Result<()> {
        self.writable()?;
        file.set_len(length)
    }

    fn read_at(&mut self, file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let mut taken = 0;
        while taken < bytes.len() {
            match file.read_at(&mut bytes[taken..], offset + taken as u64) {
                Ok(0) => break,
                Ok(count) => taken += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    fn write_at(&mut self, file: &File, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.writable()?;
        file.write_at(bytes, offset)
    }

    fn sync_data(&mut self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.writable()?;
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.writable()?;
        std::fs::remove_file(self.path.join(name))
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        self.directory.sync_all()
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }
}
