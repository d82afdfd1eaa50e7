//! The sending half: one queue per connection, written directly when the socket takes it.
//!
//! Invariant: while the queue is not empty, somebody will flush it:
//! the end of a turn (`mark`), or the drain task (`drain`), or the code that holds the lock.
//! Only the drain task ever waits for the socket, so wakers cannot displace each other.

mod fragments;
mod push;
mod slow;

pub(crate) use self::fragments::Fragment;
pub(crate) use self::push::Outgoing;
use self::slow::Rare;
use super::fleet::{Fleet, Settings};
use super::pulse::{Pulse, Signs};
use super::queue::Lease;
use super::stream::WriteHalf;
use super::turn::{self, Token};
use crate::budget::{Charge, SharedBudget};
use crate::error::Error;
use crate::options::Options;
use crate::proto::deflate::Compressor;
use crate::proto::{CloseFrame, MessageRef, OpCode, Role};
use parking_lot::{Mutex, MutexGuard};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use tokio::runtime::Handle;

/// A turn's bytes are flushed early from this size on.
const CORK_LIMIT: usize = 64 * 1024;

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
    /// Waits for the socket.
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

/// When what is queued leaves, outside a turn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leave {
    Now,
    /// With what follows it; at the latest when the runtime gets to the drain task.
    Later,
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

    /// Queues within the budget, or not at all.
    pub(crate) fn try_send(self: &Arc<Self>, out: &Outgoing<'_>) -> Result<(), Refused> {
        let mut writer = self.writer.lock();
        self.check_room(&mut writer)?;
        writer.push(out).map_err(|_| Refused::Closed)?;
        self.after_push(&mut writer);
        Ok(())
    }

    /// [`Shared::try_send`] of a message that may take of so many bytes beyond the budget.
    pub(crate) fn try_send_beyond(
        self: &Arc<Self>,
        message: MessageRef<'_>,
        reserve: usize,
    ) -> Result<(), Refused> {
        let mut writer = self.writer.lock();
        match self.check_room(&mut writer) {
            Ok(()) => {}
            Err(Refused::Full) if writer.jam().beyond < reserve => {
                writer.jam().beyond += message.as_bytes().len();
            }
            Err(refused) => return Err(refused),
        }
        writer.push(&Outgoing::Borrowed(message)).map_err(|_| Refused::Closed)?;
        self.after_push(&mut writer);
        Ok(())
    }

    /// Queues what is no frame; for the time before the first one.
    pub(crate) fn precede(self: &Arc<Self>, bytes: &[u8]) {
        let mut writer = self.writer.lock();
        if writer.state == State::Open {
            writer.queue.queue().push_raw(bytes);
            self.after_push(&mut writer);
        }
    }

    /// Whether a message may be queued now.
    fn check_room(self: &Arc<Self>, writer: &mut Writer) -> Result<(), Refused> {
        if writer.state == State::Open && self.has_room(writer) {
            return Ok(());
        }
        self.make_room(writer)
    }

    /// A message is taken while less than the budget waits, so the last one may exceed it: that
    /// keeps messages larger than the budget possible, and the answer the same for all sizes.
    fn has_room(&self, writer: &Writer) -> bool {
        let exhausted = || self.fleet.shared.as_ref().is_some_and(SharedBudget::is_exhausted);
        writer.queued() < self.budget() && !(writer.drain == Drain::Blocked && exhausted())
    }

    /// Counts what waits against the budget that is shared, while the socket takes too little.
    fn charge(&self, writer: &mut Writer) {
        let Some(shared) = &self.fleet.shared else { return };
        let bytes = writer.queued();
        writer.jam().charge.get_or_insert_with(|| shared.charge()).set(bytes);
    }

    #[cold]
    fn make_room(self: &Arc<Self>, writer: &mut Writer) -> Result<(), Refused> {
        if writer.state == State::Open {
            // What a turn has gathered may be all that is in the way.
            self.flush(writer);
        }
        if writer.state != State::Open {
            return Err(Refused::Closed);
        }
        if self.has_room(writer) { Ok(()) } else { Err(Refused::Full) }
    }

    /// Queues all of it side by side within the budget, or nothing.
    pub(crate) fn try_send_group<'a>(
        self: &Arc<Self>,
        group: impl Iterator<Item = Outgoing<'a>>,
    ) -> Result<(), Refused> {
        let mut writer = self.writer.lock();
        self.check_room(&mut writer)?;
        for out in group {
            writer.push(&out).map_err(|_| Refused::Closed)?;
        }
        self.after_push(&mut writer);
        Ok(())
    }

    /// True while the socket does not take what is queued.
    pub(crate) fn is_congested(&self) -> bool {
        self.writer.lock().drain == Drain::Blocked
    }

    /// Queues, or does what the policy for slow peers says: waits until the budget has room.
    pub(crate) fn poll_send(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        out: &Outgoing<'_>,
    ) -> Poll<Result<(), Error>> {
        self.poll_push(cx, out, Leave::Now)
    }

    /// [`Shared::poll_send`] without a system call for this message alone.
    pub(crate) fn poll_feed(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        out: &Outgoing<'_>,
    ) -> Poll<Result<(), Error>> {
        self.poll_push(cx, out, Leave::Later)
    }

    fn poll_push(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        out: &Outgoing<'_>,
        leave: Leave,
    ) -> Poll<Result<(), Error>> {
        let mut writer = self.writer.lock();
        if writer.rare.is_some()
            && let Some(outcome) = self.apply_policy(&mut writer)
        {
            return Poll::Ready(outcome);
        }
        std::task::ready!(self.poll_budget(&mut writer, cx))?;
        writer.push(out)?;
        self.after_push_with(&mut writer, leave);
        Poll::Ready(Ok(()))
    }

    /// Queues what [`Shared::poll_room`] has promised a place, whoever has come between.
    pub(crate) fn feed(self: &Arc<Self>, out: &Outgoing<'_>) -> Result<(), Error> {
        let mut writer = self.writer.lock();
        if writer.state != State::Open {
            return Err(Error::closed());
        }
        writer.push(out)?;
        self.after_push_with(&mut writer, Leave::Later);
        Ok(())
    }

    /// Ready when a message would be queued at once.
    pub(crate) fn poll_room(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_budget(&mut self.writer.lock(), cx)
    }

    fn poll_budget(
        self: &Arc<Self>,
        writer: &mut Writer,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        match self.check_room(writer) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(Refused::Closed) => Poll::Ready(Err(Error::closed())),
            Err(Refused::Full) => {
                writer.wait(cx);
                Poll::Pending
            }
        }
    }

    /// Ready when everything queued has been taken by the kernel.
    pub(crate) fn poll_flushed(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut writer = self.writer.lock();
        self.flush(&mut writer);
        if writer.failed {
            return Poll::Ready(Err(Error::closed()));
        }
        if writer.queued() == 0 && writer.is_flushed() {
            return Poll::Ready(Ok(()));
        }
        writer.wait(cx);
        Poll::Pending
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

    /// Flushes what a drain task was to flush, now that the reader has no more input.
    pub(crate) fn flush_corked(self: &Arc<Self>) {
        let mut writer = self.writer.lock();
        if writer.drain == Drain::Scheduled {
            self.flush(&mut writer);
        }
    }

    /// The end of a turn.
    pub(crate) fn end_turn(self: &Arc<Self>, token: Token) {
        let mut writer = self.writer.lock();
        if writer.mark == token {
            writer.mark = 0;
        }
        self.flush(&mut writer);
    }

    fn after_push(self: &Arc<Self>, writer: &mut Writer) {
        self.after_push_with(writer, Leave::Now);
    }

    /// Decides when what was just queued leaves.
    fn after_push_with(self: &Arc<Self>, writer: &mut Writer, leave: Leave) {
        if writer.drain == Drain::Blocked {
            return self.charge(writer);
        }
        if writer.queue.len() < CORK_LIMIT {
            if let Some(token) = turn::defer(self, writer.mark) {
                writer.mark = token;
                return;
            }
            if leave == Leave::Later || self.more.load(Ordering::Relaxed) {
                self.schedule_drain(writer);
                return;
            }
        }
        self.flush(writer);
    }

    /// Writes what the socket takes; the rest is left to the drain task.
    pub(super) fn flush(self: &Arc<Self>, writer: &mut Writer) {
        if writer.drain == Drain::Blocked || writer.state == State::Shut {
            return;
        }
        let before = writer.queue.len();
        match writer.queue.try_flush(&mut writer.io) {
            Ok(true) if !writer.unflushed() && (!writer.shutdown || writer.end_now()) => {}
            Ok(_) => self.schedule_drain(writer),
            Err(error) => {
                tracing::debug!(%error, "writing to the peer failed");
                writer.fail();
            }
        }
        // Only if it has changed anything: else two who wait, and flush for it, wake each other.
        if writer.jam.is_some()
            && writer.queue.len() < before
            && writer.queue.len() <= self.budget() / 2
        {
            writer.wake_waiters();
        }
    }

    fn schedule_drain(self: &Arc<Self>, writer: &mut Writer) {
        if writer.drain == Drain::Idle {
            writer.drain = Drain::Scheduled;
            self.runtime().spawn(DrainTask(Arc::clone(self)));
        }
    }

    fn poll_drain(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut writer = self.writer.lock();
        match writer.poll_drain(cx) {
            Poll::Pending => {
                writer.drain = Drain::Blocked;
                writer.jam().drain_waker = Some(cx.waker().clone());
                self.charge(&mut writer);
                if writer.queue.len() <= self.budget() / 2 {
                    writer.jam().beyond = 0;
                    writer.wake_waiters();
                }
                Poll::Pending
            }
            Poll::Ready(result) => {
                if let Err(error) = result {
                    tracing::debug!(%error, "writing to the peer failed");
                    writer.fail();
                }
                writer.drain = Drain::Idle;
                writer.wake_waiters();
                writer.jam = None;
                Poll::Ready(())
            }
        }
    }
}

/// Writes what the socket would not take at once, then ends.
struct DrainTask(Arc<Shared>);

impl Future for DrainTask {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_drain(cx)
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

    /// True if the stream keeps no bytes of its own. Where the drain task waits for it, it does.
    fn is_flushed(&mut self) -> bool {
        match self.drain {
            Drain::Idle => true,
            Drain::Scheduled => !self.shutdown && !self.unflushed(),
            Drain::Blocked => false,
        }
    }

    /// True if the stream keeps bytes of its own that have to be flushed by polling.
    fn unflushed(&mut self) -> bool {
        let cx = &mut Context::from_waker(Waker::noop());
        self.io.poll_flush(cx).is_pending()
    }

    /// Ends our direction of the stream if that takes no time; what fails is left to the drain
    /// task.
    fn end_now(&mut self) -> bool {
        let ended = self.io.try_shutdown();
        if ended {
            self.state = State::Shut;
            self.io = WriteHalf::Gone;
            self.wake_waiters();
        }
        ended
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.state == State::Shut {
            return Poll::Ready(Ok(()));
        }
        loop {
            let before = self.queue.len();
            let flushed = self.queue.poll_flush(&mut self.io, cx);
            self.pulse.taken |= self.queue.len() < before;
            std::task::ready!(flushed)?;
            match self.jam.as_mut().and_then(|jam| jam.late_pong.take()) {
                Some(payload) if self.state == State::Open => {
                    self.push_control(OpCode::Pong, &payload)?;
                }
                _ => break,
            }
        }
        std::task::ready!(self.io.poll_flush(cx))?;
        if self.shutdown {
            std::task::ready!(self.io.poll_shutdown(cx))?;
            self.state = State::Shut;
            self.io = WriteHalf::Gone;
        }
        Poll::Ready(Ok(()))
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
