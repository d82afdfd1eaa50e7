//! Namespaces.

use super::core::Core;
use super::handler::Handler;
use super::io::Io;
use super::returning::Returning;
use super::servers::{self, ServerListener};
use crate::adapter::{Adapter, Answer, Host, Recovery, RoomChange, ServerEvent};
use crate::encoded::{Encoded, Flags};
use crate::error::{Error, Result};
use crate::handshake::Params;
use crate::options::Options;
use crate::warnings::Warnings;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A namespace.
pub(crate) struct Namespace {
    name: Arc<str>,
    handler: Arc<dyn Handler>,
    adapter: Arc<dyn Adapter>,
    core: Weak<Core>,
    next_ack: AtomicU64,
    /// Events that did not decode.
    undecoded: AtomicU64,
    /// Of listeners that failed; of events that did not decode, or had to wait.
    failures: Warnings,
    misfits: Warnings,
    /// What was read from its name, if it is dynamic.
    params: Option<Params>,
    watched: AtomicBool,
    rooms: RwLock<Vec<Arc<RoomListener>>>,
    servers: RwLock<HashMap<Box<str>, Vec<Arc<ServerListener>>>>,
    returning: Option<Box<Returning>>,
    /// Its number among those that nobody is in: see [`Kept`](super::kept::Kept).
    number: AtomicU64,
}

pub(super) type RoomListener = dyn Fn(&RoomChange) + Send + Sync;

impl Namespace {
    pub(super) fn new(
        name: Arc<str>,
        handler: Arc<dyn Handler>,
        adapter: Arc<dyn Adapter>,
        core: Weak<Core>,
    ) -> Self {
        Self {
            name,
            handler,
            adapter,
            core,
            next_ack: AtomicU64::new(0),
            undecoded: AtomicU64::new(0),
            failures: Warnings::default(),
            misfits: Warnings::default(),
            params: None,
            watched: AtomicBool::new(false),
            rooms: RwLock::default(),
            servers: RwLock::default(),
            returning: None,
            number: AtomicU64::new(0),
        }
    }

    /// Switches connection state recovery on, if the options say so and the adapter can.
    pub(super) fn returning_by(mut self, options: &Options) -> Self {
        self.returning = Returning::new(options).map(Box::new);
        if self.returning.is_some() && self.adapter.recovery().is_none() {
            tracing::warn!(namespace = %self.name, "its adapter recovers no connection states");
            self.returning = None;
        }
        self
    }

    pub(super) fn returning(&self) -> Option<&Returning> {
        self.returning.as_deref()
    }

    /// The adapter's part in connection state recovery, if it is on.
    pub(super) fn recovery(&self) -> Option<&dyn Recovery> {
        self.returning.as_ref().and_then(|_| self.adapter.recovery())
    }

    /// Numbers it among those that nobody is in, 0 for none; gives back its earlier number.
    pub(super) fn number(&self, number: u64) -> u64 {
        self.number.swap(number, Ordering::Relaxed)
    }

    /// Marks a namespace that was made because its name fits a pattern.
    pub(super) fn dynamic(self, params: Params) -> Self {
        Self { params: Some(params), ..self }
    }

    pub(super) fn params(&self) -> Option<&Params> {
        self.params.as_ref()
    }

    /// Shares it, and lets its adapter know whom it serves.
    pub(super) fn begin(self) -> Arc<Self> {
        let namespace = Arc::new(self);
        let host: Weak<Self> = Arc::downgrade(&namespace);
        namespace.adapter.open(host);
        namespace
    }

    pub(super) fn core(&self) -> Option<Arc<Core>> {
        self.core.upgrade()
    }

    pub(super) fn add_room_listener(&self, listener: Arc<RoomListener>) {
        self.rooms.write().push(listener);
        self.watched.store(true, Ordering::Release);
    }

    pub(super) fn add_server_listener(&self, name: &str, listener: Arc<ServerListener>) {
        self.servers.write().entry(name.into()).or_default().push(listener);
    }

    pub(super) fn undecoded(&self) -> u64 {
        self.undecoded.load(Ordering::Relaxed)
    }

    pub(super) fn is_dynamic(&self) -> bool {
        self.params.is_some()
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn handler(&self) -> &Arc<dyn Handler> {
        &self.handler
    }

    pub(super) fn adapter(&self) -> &dyn Adapter {
        self.adapter.as_ref()
    }

    pub(super) fn count_undecoded(&self) {
        self.undecoded.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether this failure of a listener is to be a warning. Peers can send as many events as they
    /// like that do not decode, so those do not count with the program's own errors.
    pub(super) fn warns_of(&self, error: &Error) -> bool {
        if error.is_decode() { self.misfits.due() } else { self.failures.due() }
    }

    /// Whether it is to be said that handlers are suspended and events wait, which peers can bring
    /// about as well.
    pub(super) fn warns_of_waiting(&self) -> bool {
        self.misfits.due()
    }

    /// A packet for many, written by the server's parser.
    ///
    /// # Errors
    /// If the parser does not take it.
    pub(super) fn encoded(&self, text: &str, bytes: &[Bytes], flags: Flags) -> Result<Encoded> {
        let core = self.core.upgrade();
        let parser = core.as_ref().and_then(|core| core.options.parser.as_ref());
        Encoded::new(parser, text, bytes, flags)
    }

    /// How long a broadcast waits for acks unless told otherwise.
    pub(super) fn ack_timeout(&self) -> Duration {
        match self.core.upgrade() {
            Some(core) => core.options.ack_timeout,
            None => Duration::ZERO,
        }
    }

    /// A socket leaves.
    pub(super) fn leave(self: &Arc<Self>, id: &str) {
        self.adapter.remove(id);
        if let Some(core) = self.core.upgrade() {
            core.tidy(self);
        }
    }
}

impl Host for Namespace {
    fn namespace(&self) -> &str {
        &self.name
    }

    fn watches_rooms(&self) -> bool {
        self.watched.load(Ordering::Acquire)
    }

    fn room_changed(&self, change: &RoomChange) {
        let listeners = self.rooms.read().clone();
        listeners.iter().for_each(|listener| listener(change));
    }

    fn server_event(&self, event: ServerEvent) -> BoxFuture<'static, Option<Answer>> {
        let name = servers::name(&event);
        let listeners = name.and_then(|name| self.servers.read().get(&*name).cloned());
        let io = self.core.upgrade().and_then(|core| core.existing(&self.name)).map(Io::new);
        Box::pin(async move { servers::handle(&io?, &listeners?, &event).await })
    }

    fn next_ack(&self) -> u64 {
        self.next_ack.fetch_add(1, Ordering::Relaxed)
    }

    fn packet(&self, text: &str, attachments: &[Bytes], volatile: bool) -> Result<Encoded> {
        self.encoded(text, attachments, Flags { volatile, ..Flags::default() })
    }
}
