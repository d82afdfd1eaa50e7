//! Clients that come back: who they were, and how the old connection makes room for the new one.

use super::handler::{Admission, Handler, Refused, Start};
use super::namespace::Namespace;
use super::socket::Socket;
use crate::adapter::{Room, SavedSession, Target};
use crate::encoded::Encoded;
use crate::engine::{SendError, Session, random_id};
use crate::handshake::Handshake;
use crate::options::Options;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use rialto_protocol::CloseReason;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::Notify;

/// How long a client that comes back waits for the end of its old connection.
const DISPLACEMENT: Duration = Duration::from_secs(5);

/// A namespace's part in connection state recovery, if it is on.
pub(super) struct Returning {
    skip_middlewares: bool,
    /// Bytes that a client may have missed.
    limit: usize,
    /// The sockets that are connected, by the secret of each.
    live: Mutex<HashMap<Box<str>, Socket>>,
    departed: Notify,
}

/// What a client says who it was.
#[derive(Deserialize)]
pub(super) struct Claim {
    pid: Box<str>,
    offset: Option<String>,
}

/// What a socket is known by when it comes back.
pub(super) struct Identity {
    pub(super) pid: Box<str>,
    pub(super) recovered: bool,
    /// It is not to come back: see [`Io::forget`](super::io::Io::forget).
    pub(super) barred: AtomicBool,
}

/// A client that may join, as somebody new or as who it was.
pub(super) struct Arrival {
    pub(super) start: Start,
    pub(super) session: Option<Box<SavedSession>>,
}

impl Arrival {
    pub(super) fn new(start: Start) -> Self {
        Self { start, session: None }
    }
}

/// True if a connection that ended so may be continued by another.
pub(super) fn is_recoverable(reason: CloseReason) -> bool {
    matches!(
        reason,
        CloseReason::TransportError
            | CloseReason::TransportClose
            | CloseReason::ForcedClose
            | CloseReason::PingTimeout
            | CloseReason::ServerShuttingDown
            | CloseReason::ForcedServerClose
    )
}

impl Returning {
    pub(super) fn new(options: &Options) -> Option<Self> {
        let recovery = options.connection_state_recovery.as_ref()?;
        Some(Self {
            skip_middlewares: recovery.skip_middlewares,
            limit: options.budget(),
            live: Mutex::default(),
            departed: Notify::new(),
        })
    }

    /// A socket has joined, new or recovered.
    pub(super) fn identify(&self, session: Option<&SavedSession>) -> Option<Box<Identity>> {
        let (pid, recovered) = match session {
            Some(session) => (session.pid.clone(), true),
            None => (random_id().ok()?, false),
        };
        Some(Box::new(Identity { pid, recovered, barred: AtomicBool::new(false) }))
    }

    pub(super) fn arrive(&self, pid: &str, socket: &Socket) {
        let earlier = self.live.lock().insert(pid.into(), socket.clone());
        // It may be the last to hold that socket, and with it data of the program.
        drop(earlier);
    }

    pub(super) fn depart(&self, pid: &str) {
        let left = self.live.lock().remove(pid);
        drop(left);
        self.departed.notify_waiters();
    }

    /// Ends the connection of that socket, if the server has not noticed its loss yet.
    async fn displace(&self, pid: &str) {
        loop {
            let departed = self.departed.notified();
            tokio::pin!(departed);
            departed.as_mut().enable();
            let live = self.live.lock().get(pid).cloned();
            let Some(socket) = live else { return };
            socket.displace();
            departed.await;
        }
    }
}

/// What the client claims to be, if it claims anything.
pub(super) fn claim(handshake: &Handshake) -> Option<Claim> {
    handshake.auth_json().filter(|auth| auth.contains("\"pid\""))?;
    handshake.auth().ok()
}

/// Decides on a client that claims to be somebody: the login first, unless it is to be skipped.
pub(super) fn admit(
    namespace: Arc<Namespace>,
    handshake: Handshake,
    claim: Claim,
) -> BoxFuture<'static, Result<Arrival, Refused>> {
    Box::pin(async move {
        let handler = Arc::clone(namespace.handler());
        let skip = namespace.returning().is_some_and(|returning| returning.skip_middlewares);
        if skip && let Some(start) = Arc::clone(&handler).readmit() {
            let session = restore(&namespace, &claim).await;
            if session.is_some() {
                return Ok(Arrival { start, session });
            }
        }
        let start = login(handler, &handshake).await?;
        Ok(Arrival { start, session: restore(&namespace, &claim).await })
    })
}

async fn login(handler: Arc<dyn Handler>, handshake: &Handshake) -> Result<Start, Refused> {
    match handler.admit(handshake) {
        Admission::Now(start) => Ok(start),
        Admission::Later(future) => future.await,
    }
}

async fn restore(namespace: &Namespace, claim: &Claim) -> Option<Box<SavedSession>> {
    let (returning, recovery) = (namespace.returning()?, namespace.recovery()?);
    let displaced = tokio::time::timeout(DISPLACEMENT, returning.displace(&claim.pid)).await;
    displaced.ok()?;
    let restoring = recovery.restore_session(&claim.pid, claim.offset.as_deref(), returning.limit);
    restoring.await.map(Box::new)
}

/// Where the events of one socket are recorded.
pub(super) struct Track {
    namespace: Arc<Namespace>,
    target: Target,
}

impl Track {
    /// For one socket, if its namespace records.
    pub(super) fn of(namespace: &Arc<Namespace>, socket: &Room) -> Option<Self> {
        namespace.recovery()?;
        let target = Target { rooms: vec![Arc::clone(socket)], ..Target::default() };
        Some(Self { namespace: Arc::clone(namespace), target })
    }

    /// Sends an event, and records it if it was taken.
    pub(super) fn send(&self, session: &Session, packet: &Encoded) -> Result<(), SendError> {
        let Some(recovery) = self.namespace.recovery() else { return Err(SendError::Closed) };
        let mut sent = Err(SendError::Closed);
        // What was queued for the connection must not leave while everybody else waits.
        let _turn = rialto_ws::turn::enter();
        recovery.record(packet, &self.target, &mut |packet| {
            sent = session.send_encoded(packet);
            sent.is_ok()
        });
        sent
    }
}
