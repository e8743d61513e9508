//! What does the system say: files that may be open, memory that sockets take, octets that wait in them?
//!
//! Invariant: figures of the whole machine are named as such; what the system does not tell is `None`, never zero.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// Files a process has open beside its connections.
const BESIDE: u64 = 64;
/// Slab caches that a TCP socket, its file and its place in a poll live in.
const CACHES: [&str; 6] =
    ["TCP", "sock_inode_cache", "filp", "eventpoll_epi", "eventpoll_pwq", "request_sock_TCP"];
/// What the kernel counts the memory of sockets in.
const PAGE: u64 = 4096;

/// Sees to it that this process may have `connections` of them open.
///
/// # Errors
/// When the hard limit is below that.
pub fn allow_files(connections: u64) -> anyhow::Result<()> {
    let wanted = connections + BESIDE;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    anyhow::ensure!(
        limit.maximum.is_none_or(|maximum| maximum >= wanted),
        "{connections} connections need {wanted} open files in each process and the hard limit is {}; raise it \
         (ulimit -Hn as root) or ask for fewer connections",
        limit.maximum.unwrap_or_default()
    );
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok(())
}

/// CPU time of all threads of this process, in nanoseconds.
#[must_use]
pub fn process_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    (time.tv_sec * 1_000_000_000 + time.tv_nsec).unsigned_abs()
}

/// Kernel memory of sockets on the whole machine, in octets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Kernel {
    /// Objects of sockets, their files and their places in polls.
    pub slab: Option<u64>,
    /// Octets waiting in TCP sockets, the room around them included.
    pub buffers: Option<u64>,
}

impl Kernel {
    /// As of now.
    #[must_use]
    pub fn now() -> Self {
        let slab = fs::read_to_string("/proc/slabinfo").ok().map(|text| slab(&text));
        let buffers = fs::read_to_string("/proc/net/sockstat").ok().and_then(|text| buffers(&text));
        Self { slab, buffers }
    }

    /// How much more than `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        let growth = |now: Option<u64>, before: Option<u64>| Some(now?.saturating_sub(before?));
        Self { slab: growth(self.slab, before.slab), buffers: growth(self.buffers, before.buffers) }
    }
}

/// Active objects by their size.
fn slab(text: &str) -> u64 {
    let octets = |line: &str| {
        let mut words = line.split_whitespace();
        words.next().filter(|name| CACHES.contains(name))?;
        let active: u64 = words.next()?.parse().ok()?;
        let size: u64 = words.nth(1)?.parse().ok()?;
        Some(active * size)
    };
    text.lines().filter_map(octets).sum()
}

fn buffers(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("TCP:"))?;
    let mut words = line.split_whitespace().skip_while(|word| *word != "mem").skip(1);
    words.next()?.parse::<u64>().ok().map(|pages| pages * PAGE)
}

/// Octets that wait to be sent, or acknowledged, in the sockets of local port `port`.
///
/// # Errors
/// Where `/proc/net/tcp` does not tell.
pub fn send_queues(port: u16) -> anyhow::Result<u64> {
    let text = fs::read_to_string("/proc/net/tcp")?;
    let ours = format!(":{port:04X}");
    let queue = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        words.next().filter(|local| local.ends_with(&ours))?;
        let (sending, _) = words.nth(2)?.split_once(':')?;
        u64::from_str_radix(sending, 16).ok()
    };
    Ok(text.lines().filter_map(queue).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        let text = "# name <active_objs> <num_objs> <objsize>\nTCP 10 12 2048 15 : x\ndentry 9 9 192 1\nfilp 3 4 256 1\n";
        assert_eq!(slab(text), 10 * 2048 + 3 * 256);
        let text = "sockets: used 30\nTCP: inuse 4 orphan 0 tw 0 alloc 4 mem 388\n";
        assert_eq!(buffers(text), Some(388 * 4096));
    }

    #[test]
    fn a_limit_that_cannot_be_had_is_named() {
        let failed = allow_files(1 << 40).map_err(|error| error.to_string());
        let is_unlimited = getrlimit(Resource::Nofile).maximum.is_none();
        assert!(is_unlimited || failed.is_err_and(|words| words.contains("hard limit")));
    }
}
