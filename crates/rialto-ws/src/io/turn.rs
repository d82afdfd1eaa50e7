//! Turns: everything written while a task runs leaves together when it stops.
//!
//! A *turn* lasts from [`enter`] until its guard is dropped, on one thread.
//! What is sent on any connection meanwhile is queued (up to 64 KiB per connection),
//! and the end of the turn hands each queue to the kernel in one write.
//! [`serve`](crate::serve) and [`Turned`] make every poll of a handler a turn,
//! so ordinary code gets one system call per read without asking for it.

use super::writer::Shared;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

/// Marks a queue as waiting for the end of the turn of one thread.
pub(crate) type Token = u32;

static NEXT: AtomicU32 = AtomicU32::new(1);

thread_local! {
    /// Zero until the thread's first turn with something to send.
    static TOKEN: Cell<Token> = const { Cell::new(0) };
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static WAITING: RefCell<Vec<Arc<Shared>>> = const { RefCell::new(Vec::new()) };
}

/// A turn of this thread, ended by dropping it. Turns nest: the outermost counts.
#[derive(Debug)]
pub struct Turn(PhantomData<*const ()>);

/// Begins a turn.
///
/// Do not hold it across an `await`: it belongs to the thread (and is not `Send`).
#[must_use = "the turn ends when this is dropped"]
pub fn enter() -> Turn {
    DEPTH.set(DEPTH.get() + 1);
    Turn(PhantomData)
}

impl Drop for Turn {
    fn drop(&mut self) {
        let depth = DEPTH.get() - 1;
        DEPTH.set(depth);
        if depth == 0 {
            flush_waiting();
        }
    }
}

fn token() -> Token {
    match TOKEN.get() {
        0 => new_token(),
        token => token,
    }
}

#[cold]
fn new_token() -> Token {
    let token = NEXT.fetch_add(1, Ordering::Relaxed);
    TOKEN.set(token);
    token
}

fn flush_waiting() {
    let mut waiting = WAITING.take();
    if waiting.is_empty() {
        return;
    }
    let token = token();
    for shared in waiting.drain(..) {
        shared.end_turn(token);
    }
    // Keep the list's memory, unless a write above has started a new one.
    WAITING.with_borrow_mut(|list| {
        if list.is_empty() {
            *list = waiting;
        }
    });
}

/// If a turn is on, makes its end flush `shared` and returns the turn's mark.
///
/// `mark` is the mark that the queue carries already, so that it is listed once.
pub(crate) fn defer(shared: &Arc<Shared>, mark: Token) -> Option<Token> {
    if DEPTH.get() == 0 {
        return None;
    }
    let token = token();
    if mark != token {
        WAITING.with_borrow_mut(|list| list.push(Arc::clone(shared)));
    }
    Some(token)
}

/// A future whose every poll is a turn.
///
/// [`serve`](crate::serve) wraps handlers in it. Wrap the futures of tasks that you spawn yourself
/// to get the same merging of writes there.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Turned<F>(Pin<Box<F>>);

impl<F: Future> Turned<F> {
    /// Wraps a future.
    pub fn new(future: F) -> Self {
        Self(Box::pin(future))
    }
}

impl<F: Future> Future for Turned<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _turn = enter();
        self.0.as_mut().poll(cx)
    }
}
