//! The broadcast of libraries that have none: a queue per subscriber, as their users write it.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Every subscriber's queue; messages are cheap clones.
pub struct Hub<M>(Arc<Mutex<Vec<UnboundedSender<M>>>>);

impl<M> Clone for Hub<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> Default for Hub<M> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<M: Clone> Hub<M> {
    /// A new subscriber's queue.
    pub fn join(&self) -> UnboundedReceiver<M> {
        let (sender, receiver) = unbounded_channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        receiver
    }

    /// Puts a message into every queue and forgets the subscribers that are gone.
    pub fn publish(&self, message: &M) {
        let mut members = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        members.retain(|member| member.send(message.clone()).is_ok());
    }
}
