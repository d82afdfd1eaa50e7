//! `rialto serve --dir FOLDER`: a folder of pages, and Socket.IO that lets them talk.

use rialto::{Args, Event, Events, Server, Socket};
use std::path::PathBuf;

/// Serves the files of a folder; each event of a page goes to all pages of its namespace.
pub(crate) fn server(folder: PathBuf) -> Server {
    let events = Events::new().on_any(pass_on);
    Server::new(events.clone())
        .namespace_matching(|_| true, events)
        .route("/health", axum::routing::get(async || "ok"))
        .files(folder)
}

/// Sends an event to everyone, the sender included, and acknowledges it without a value.
async fn pass_on(socket: Socket, event: Event) -> rialto::Result {
    socket.io().emit(event.name(), event.args::<Args>()?).await?;
    event.ack(()).await
}
