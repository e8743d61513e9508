//! A venue with its server: recovered or begun, listening, ended gracefully.
//!
//! Invariant: nobody is let in before the log is read, the opening logged and every session's frames rebuilt. At a
//! graceful end everything that was submitted is applied, logged and sent before anybody is sent away.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use engine::Command;
use mio::Poll;

use crate::clock::Clock;
use crate::deleveraging::worker::Standing;
use crate::door::{Door, DoorConfig, Projection, RING_BYTES};
use crate::idle::Idle;
use crate::log::Durability;
use crate::process::{Config, Process, StartError};
use crate::progress::{Conclusion, Failure, Progress};
use crate::recovery::{Recovery, recover};
use crate::server::{Control, Listener, Server, ServerStats};
use crate::wire::types;

/// How a venue is served.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServeConfig {
    /// Where it listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Limits of the door.
    pub door: DoorConfig,
    /// Octets of recent frames kept per session.
    pub ring_bytes: usize,
}

impl ServeConfig {
    /// The usual way to serve at `listen`.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self { listen, door: DoorConfig::default(), ring_bytes: RING_BYTES }
    }
}

/// Why a venue is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The address is not to be had.
    #[error("cannot listen on {address}: {error}; choose another address, or port 0 for any free one")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The system has no file descriptor left.
    #[error("cannot poll sockets: {0}; raise the limit on open files (ulimit -n) and start again")]
    Poll(io::Error),
    /// The system has no random numbers.
    #[error("no random numbers to challenge clients with: {0}")]
    Random(getrandom::Error),
}

/// A venue that is served.
#[derive(Debug)]
pub struct Served {
    process: Process,
    control: Arc<Control>,
    address: SocketAddr,
    recovery: Recovery,
}

/// Recovers the venue in `config.directory`, or begins one with the commands of `opening`, and serves it.
///
/// # Errors
/// [`ServeError`].
pub fn start<C: Clock>(
    config: &Config,
    serve: &ServeConfig,
    opening: &[Command],
    mut clock: C,
) -> Result<Served, ServeError> {
    let mut projection = Projection::new(serve.ring_bytes);
    let (recovered, recovery) =
        recover(config, &mut clock, opening, &mut |outcome| projection.apply(outcome))?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(ServeError::Random)?;
    let durability = match config.log.durability {
        Durability::None => types::Durability::None,
        Durability::Local => types::Durability::Local,
    };
    let door = Door::new(serve.door.clone(), projection, recovery.log_id, durability, seed);

    let listen = |error| ServeError::Listen { address: serve.listen, error };
    let mut listener = Listener::bind(serve.listen).map_err(listen)?;
    let address = listener.address().map_err(listen)?;
    let poll = Poll::new().map_err(ServeError::Poll)?;
    listener.register(poll.registry()).map_err(ServeError::Poll)?;
    let idle = Idle::over_sockets(config.layout.patience(), &poll).map_err(ServeError::Poll)?;
    let control = Arc::new(Control::new(idle.waker()));
    let ours = Arc::clone(&control);
    let process = Process::launch_with(recovered, clock, config.layout, idle, move |client| {
        Box::new(Server::new(poll, listener, door, client, ours))
    });
    let process = process.map_err(StartError::Thread)?;
    Ok(Served { process, control, address, recovery })
}

impl Served {
    /// Where it listens, the port filled in.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the start found in the log.
    #[must_use]
    pub const fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// What is worth telling a person about how the threads run, if anything.
    #[must_use]
    pub fn notice(&self) -> Option<&str> {
        self.process.notice()
    }

    /// What the server counts and has to say.
    #[must_use]
    pub const fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// What was counted, as of a moment ago.
    #[must_use]
    pub fn stats(&self) -> ServerStats {
        self.control.stats()
    }

    /// What can be seen of the deleveraging worker, if there is one.
    #[must_use]
    pub fn deleveraging(&self) -> Option<&Arc<Standing>> {
        self.process.deleveraging()
    }

    /// How far the venue is.
    #[must_use]
    pub fn progress(&self) -> &Arc<Progress> {
        self.process.progress()
    }

    /// Ends gracefully: nobody is let in or read any more; what was submitted is applied, logged and sent; everybody is
    /// told; the log is closed.
    ///
    /// # Errors
    /// [`Failure`], where the venue stopped by itself.
    pub fn stop(self) -> Result<Conclusion, Failure> {
        self.control.request_stop();
        self.process.join()
    }

    /// Waits for the end, after a stop was requested or by a failure.
    ///
    /// # Errors
    /// [`Failure`], where the venue stopped by itself.
    pub fn join(self) -> Result<Conclusion, Failure> {
        self.process.join()
    }
}
