//! What few connections need, out of the way of those that rest.

use super::event::Event;
use super::events::Events;
use super::namespace::Namespace;
use std::collections::VecDeque;
use std::sync::Arc;

/// Namespaces that a client is not in: those that it is about to join, has left, was refused.
#[derive(Default)]
pub(super) struct Outside(Option<Box<State>>);

#[derive(Default)]
struct State {
    /// Namespaces whose login is under way.
    joining: Vec<Arc<Namespace>>,
    /// Namespaces that this side has ended: packets that were on their way are ignored.
    left: Vec<Box<str>>,
    refused: u32,
}

impl Outside {
    /// How many logins are under way.
    pub(super) fn joining(&self) -> usize {
        self.0.as_ref().map_or(0, |state| state.joining.len())
    }

    pub(super) fn is_joining(&self, name: &str) -> bool {
        self.0.as_ref().is_some_and(|state| state.joining.iter().any(|it| it.name() == name))
    }

    /// A login begins.
    pub(super) fn begin(&mut self, namespace: Arc<Namespace>) {
        self.0.get_or_insert_default().joining.push(namespace);
    }

    /// A login has ended.
    pub(super) fn end(&mut self, namespace: &Arc<Namespace>) {
        self.change(|state| state.joining.retain(|joining| !Arc::ptr_eq(joining, namespace)));
    }

    /// All logins end.
    pub(super) fn end_all(&mut self) -> Vec<Arc<Namespace>> {
        self.0.as_mut().map(|state| std::mem::take(&mut state.joining)).unwrap_or_default()
    }

    pub(super) fn has_left(&self, name: &str) -> bool {
        self.0.as_ref().is_some_and(|state| state.left.iter().any(|left| **left == *name))
    }

    /// This side has ended it; `most` such names are kept.
    pub(super) fn leave(&mut self, name: &str, most: usize) {
        let left = &mut self.0.get_or_insert_default().left;
        if left.len() < most {
            left.push(name.into());
        }
    }

    /// The client asks to be let in again.
    pub(super) fn ask(&mut self, name: &str) {
        self.change(|state| state.left.retain(|left| **left != *name));
    }

    /// How many namespaces have been refused, with one more.
    pub(super) fn refuse(&mut self) -> u32 {
        let refused = &mut self.0.get_or_insert_default().refused;
        *refused += 1;
        *refused
    }

    fn change(&mut self, change: impl FnOnce(&mut State)) {
        let Some(state) = &mut self.0 else { return };
        change(state);
        if state.joining.is_empty() && state.left.is_empty() && state.refused == 0 {
            self.0 = None;
        }
    }
}

/// Events that wait until a suspended handler is done.
#[derive(Default)]
pub(super) struct Parked(Option<Box<Waiting>>);

#[derive(Default)]
struct Waiting {
    events: VecDeque<Held>,
    bytes: usize,
}

/// An event and the table whose listeners it is for, which outlives its socket.
pub(super) struct Held {
    pub(super) event: Event,
    pub(super) table: Arc<Events>,
}

impl Parked {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Bytes that it takes to keep those that wait.
    pub(super) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |waiting| waiting.bytes)
    }

    pub(super) fn push(&mut self, event: Event, table: Arc<Events>) {
        let waiting = self.0.get_or_insert_default();
        waiting.bytes += event.weight();
        waiting.events.push_back(Held { event, table });
    }

    pub(super) fn front(&self) -> Option<&Held> {
        self.0.as_ref()?.events.front()
    }

    pub(super) fn pop(&mut self) -> Option<Held> {
        self.take(0)
    }

    /// Takes the oldest of which this is true.
    pub(super) fn take_first(&mut self, which: impl Fn(&Held) -> bool) -> Option<Held> {
        let at = self.0.as_ref()?.events.iter().position(which)?;
        self.take(at)
    }

    fn take(&mut self, at: usize) -> Option<Held> {
        let waiting = self.0.as_mut()?;
        let held = waiting.events.remove(at);
        waiting.bytes -= held.as_ref().map_or(0, |held| held.event.weight());
        if waiting.events.is_empty() {
            self.0 = None;
        }
        held
    }
}
