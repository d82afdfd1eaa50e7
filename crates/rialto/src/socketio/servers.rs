//! Events between the servers of a cluster.

use super::acks::decode;
use super::io::Io;
use crate::adapter::{Answer, ServerAnswers, ServerEvent};
use crate::error::Result;
use futures_util::future::BoxFuture;
use rialto_protocol::socketio::{self, encode_payload, event_name, is_reserved};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::sync::Arc;

/// What the other servers answered to [`Io::server_side_emit_with_ack`].
#[derive(Debug)]
#[non_exhaustive]
pub struct ServerAcks<T> {
    /// The answers, in the order of their arrival. One that does not fit the type is an error of
    /// its own.
    pub answers: Vec<Result<T>>,
    /// How many servers did not answer in time.
    pub missing: usize,
}

impl<T: DeserializeOwned> ServerAcks<T> {
    pub(super) fn new(answers: ServerAnswers) -> Self {
        let missing = answers.missing;
        Self { answers: answers.answers.iter().map(decode).collect(), missing }
    }
}

impl<T> ServerAcks<T> {
    /// True if every server has answered.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing == 0
    }
}

pub(super) type ServerListener =
    dyn Fn(&Io, &ServerEvent) -> Result<BoxFuture<'static, Result<Answer>>> + Send + Sync;

pub(super) fn listener<T, A, H, F>(handler: H) -> Arc<ServerListener>
where
    T: DeserializeOwned,
    A: Serialize + Send,
    H: Fn(Io, T) -> F + Send + Sync + 'static,
    F: Future<Output = Result<A>> + Send + 'static,
{
    Arc::new(move |io, event| {
        let args = socketio::decode(&event.data, true, &event.attachments)?;
        let running = handler(io.clone(), args);
        Ok(Box::pin(async move {
            let (data, attachments) = encode_payload(&running.await?)?;
            Ok(Answer { data, attachments })
        }))
    })
}

/// Names that no server sends to another: in Node they are the server's own.
fn is_kept_back(name: &str) -> bool {
    is_reserved(name) || matches!(name, "connection" | "new_namespace")
}

/// Says in the log that a listener of this name will hear nothing.
pub(super) fn warn(name: &str) {
    if is_kept_back(name) {
        tracing::warn!(name, "no server sends an event of this name to another: choose another");
    }
}

/// An event for the other servers.
pub(super) fn event(name: &str, args: &impl Serialize) -> Result<ServerEvent> {
    if is_kept_back(name) {
        return Err(format!("the event name {name:?} is reserved").into());
    }
    let (data, attachments) = encode_payload(args)?;
    let name = serde_json::to_string(name)?;
    // The array begins with the name.
    let rest = data.get(1..).unwrap_or("]");
    let comma = if rest == "]" { "" } else { "," };
    Ok(ServerEvent { data: format!("[{name}{comma}{rest}"), attachments })
}

pub(super) fn name(event: &ServerEvent) -> Option<String> {
    event_name(&event.data).map(|(name, _)| name.into_owned())
}

/// Runs the listeners one after the other; the first answer counts.
pub(super) async fn handle(
    io: &Io,
    listeners: &[Arc<ServerListener>],
    event: &ServerEvent,
) -> Option<Answer> {
    let mut first = None;
    for listener in listeners {
        let result = match listener(io, event) {
            Ok(running) => running.await,
            Err(error) => Err(error),
        };
        match result {
            Ok(answer) => drop(first.get_or_insert(answer)),
            Err(error) => tracing::warn!(%error, "a listener to another server failed"),
        }
    }
    first
}
