//! The sending half: one queue per connection, written directly when the socket takes it.
//!
//! Invariant: while the queue is not empty, somebody will flush it:
//! the end of a turn (`mark`), or the drain task (`drain`), or the code that holds the lock.
//! Only the drain task ever waits for the socket, so wakers cannot displace each other.

mod fragments;
mod leaving;
mod push;
mod sending;
mod slow;

pub(crate) use self::fragments::Fragment;
pub(crate) use self::push::Outgoing;
use self::slow::Rare;
use super::fleet::{Fleet, Settings};
use super::pulse::{Pulse, Signs};
use super::queue::Lease;
use super::stream::WriteHalf;
use super::turn::Token;
use crate::budget::Charge;
use crate::error::Error;
use crate::options::Options;
use crate::proto::deflate::Compressor;
use crate::proto::{CloseFrame, OpCode, Role};
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use tokio::runtime::Handle;

/// What both halves, the turn and the drain task share.
pub(crate) struct Shared {
    writer: Mutex<Writer>,
    /// The reader holds further input: what is sent now may wait for its answers.
    more: AtomicBool,
    /// `serve` decides by the handler's outcome how the connection closes.
    held: AtomicBool,
    signs: Signs,
    /// Bytes read from the stream. It stands here because here it takes no room.
    received: AtomicU64,
    /// Where the fleet keeps this connection.
    place: u32,
    fleet: Arc<Fleet>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Open,
    /// Our Close frame is queued; nothing may follow it.
    Closing,
    /// Nothing can be written any more.
    Shut,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Drain {
    Idle,
    /// Spawned, has not run yet: others may still flush.
    Scheduled,
    /// The socket took too little: the drain task waits for it, or is about to.
    Blocked,
}

pub(super) struct Writer {
    pub(super) io: WriteHalf,
    role: Role,
    queue: Lease,
    pub(super) state: State,
    pub(super) drain: Drain,
    /// End our direction of the stream once the queue is empty.
    shutdown: bool,
    /// Writing failed or was given up.
    failed: bool,
    mark: Token,
    pub(super) pulse: Pulse,
    compressor: Option<Box<Compressor>>,
    jam: Option<Box<Jam>>,
    /// What few connections need.
    rare: Option<Box<Rare>>,
}

/// What is kept only while the socket takes too little.
#[derive(Default)]
struct Jam {
    drain_waker: Option<Waker>,
    /// The newest pong that the kernel would not take (older ones are dropped, RFC 6455 §5.5.3).
    late_pong: Option<Vec<u8>>,
    waiters: Vec<Waker>,
    /// What waits here, of the budget that many connections share.
    charge: Option<Charge>,
    /// Bytes that were let in beyond the budget since the socket last took enough.
    beyond: usize,
}

/// Why something was not queued.
pub(crate) enum Refused {
    /// The connection is closed or closing.
    Closed,
    /// The byte budget is used up.
    Full,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Closed => Self::closed(),
            Refused::Full => Self::full(),
        }
    }
}

impl Shared {
    pub(crate) fn new(io: WriteHalf, role: Role, options: &Options) -> Arc<Self> {
        let writer = Writer {
            io,
            role,
            queue: Lease::default(),
            state: State::Open,
            drain: Drain::Idle,
            shutdown: false,
            failed: false,
            mark: 0,
            pulse: Pulse::default(),
            compressor: None,
            jam: None,
            rare: Rare::of(&options.slow_peer),
        };
        let fleet = Fleet::of(Settings::new(options), options.shared_budget.as_ref());
        Arc::new_cyclic(|this| Self {
            writer: Mutex::new(writer),
            more: AtomicBool::new(false),
            held: AtomicBool::new(false),
            signs: Signs::default(),
            received: AtomicU64::new(0),
            place: fleet.join(this.clone()),
            fleet,
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock()
    }

    /// Compresses from now on.
    pub(crate) fn set_compressor(&self, compressor: Compressor) {
        self.writer.lock().compressor = Some(Box::new(compressor));
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.fleet.runtime
    }

    pub(super) fn fleet(&self) -> &Arc<Fleet> {
        &self.fleet
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.fleet.settings
    }

    pub(crate) fn signs(&self) -> &Signs {
        &self.signs
    }

    /// Takes note of bytes that the reader, and nobody else, has read.
    pub(crate) fn hear(&self, bytes: usize) {
        self.received.store(self.received() + bytes as u64, Ordering::Relaxed);
        self.signs.hear();
    }

    /// Bytes read from the stream, what came with the handshake not counted.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    fn budget(&self) -> usize {
        self.fleet.settings.send_budget
    }

    /// Tells senders whether the reader holds further input.
    pub(crate) fn set_more(&self, more: bool) {
        self.more.store(more, Ordering::Relaxed);
    }

    /// Leaves the Close frame to somebody who knows how the handler ended.
    pub(crate) fn hold_close(&self, held: bool) {
        self.held.store(held, Ordering::Relaxed);
    }

    pub(crate) fn is_close_held(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }

    /// Bytes that wait to be taken by the kernel.
    pub(crate) fn buffered(&self) -> usize {
        self.writer.lock().queued()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.writer.lock().state == State::Open
    }

    /// True if writing has failed or was given up: the peer will not hear of anything any more.
    pub(crate) fn is_failed(&self) -> bool {
        self.writer.lock().failed
    }

    /// True while the socket does not take what is queued.
    pub(crate) fn is_congested(&self) -> bool {
        self.writer.lock().drain == Drain::Blocked
    }

    /// Ready when our direction of the stream has ended, in order or not.
    pub(crate) fn poll_shut(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut writer = self.writer.lock();
        if writer.state == State::Shut {
            return Poll::Ready(());
        }
        writer.wait(cx);
        Poll::Pending
    }

    /// Answers a ping; bounded whatever the peer does (see `late_pong`).
    pub(crate) fn pong(self: &Arc<Self>, payload: &[u8]) {
        let mut writer = self.writer.lock();
        if writer.state != State::Open {
            return;
        }
        if writer.drain == Drain::Blocked {
            writer.jam().late_pong = Some(payload.to_vec());
        } else if writer.push_control(OpCode::Pong, payload).is_ok() {
            self.after_push(&mut writer);
        }
    }

    /// Queues a Close frame, the last thing to be sent. False if one was queued before.
    ///
    /// `end` ends our direction of the stream behind it.
    pub(crate) fn close(self: &Arc<Self>, frame: &CloseFrame, end: bool) -> bool {
        self.close_locked(&mut self.writer.lock(), frame, end)
    }

    pub(super) fn close_locked(
        self: &Arc<Self>,
        writer: &mut Writer,
        frame: &CloseFrame,
        end: bool,
    ) -> bool {
        let first = writer.state == State::Open;
        if first {
            writer.drop_held_back();
            let mut payload = Vec::new();
            frame.write(&mut payload);
            if writer.push_control(OpCode::Close, &payload).is_err() {
                writer.fail();
                return false;
            }
            writer.state = State::Closing;
            writer.wake_waiters();
        }
        if end && writer.state != State::Shut {
            writer.shutdown = true;
        }
        self.flush(writer);
        first
    }

    /// Gives up what waits and ends the stream at once.
    pub(crate) fn abort(&self) {
        self.writer.lock().fail();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.fleet.leave(self.place);
    }
}

impl Writer {
    fn jam(&mut self) -> &mut Jam {
        self.jam.get_or_insert_default()
    }

    fn wait(&mut self, cx: &Context<'_>) {
        let waiters = &mut self.jam().waiters;
        if !waiters.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiters.push(cx.waker().clone());
        }
    }

    fn wake_waiters(&mut self) {
        let Some(jam) = &mut self.jam else { return };
        for waker in jam.waiters.drain(..) {
            waker.wake();
        }
    }

    pub(super) fn fail(&mut self) {
        self.state = State::Shut;
        self.failed = true;
        std::mem::replace(&mut self.io, WriteHalf::Gone).cut();
        self.queue.clear();
        self.drop_held_back();
        self.wake_waiters();
        // The drain task has nothing to wait for any more.
        if let Some(waker) = self.jam.take().and_then(|jam| jam.drain_waker) {
            waker.wake();
        }
    }
}
