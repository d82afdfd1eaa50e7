//! The gallery: pages that show each part of Rialto at work. One module serves one page.
//!
//! What pages and server tell each other is written in `web/gallery/EVENTS.md`.

mod chat;
mod clock;
mod echo;
mod events;
mod files;
mod index;
mod rules;
mod transports;
mod welcome;
mod whiteboard;

use rialto::{Server, ws};

/// Bytes in one message of the raw WebSocket pages; a longer one is answered with close code 1009.
const MAX_MESSAGE: usize = 65_536;

/// The gallery's server; `origins` are foreign pages that may open raw WebSockets.
pub(crate) fn server(origins: &[String]) -> Server {
    let raw = ws::Options::default().max_message(MAX_MESSAGE).origins(origins);
    Server::new(index::events())
        .state(index::Started::now())
        .namespace("/clock", clock::events())
        .namespace("/welcome", welcome::serve)
        .state(welcome::Visits::default())
        .namespace("/chat", chat::serve)
        .state(chat::Chat::default())
        .namespace("/whiteboard", whiteboard::serve)
        .state(whiteboard::Board::default())
        .namespace("/transports", transports::serve)
        .websocket_with("/ws/echo", raw.clone(), echo::serve)
        .websocket_with("/ws/events", raw, events::serve)
        .router(files::router())
}
