//! What every Rust peer shares: command line, allocator, runtime, listener, hub.

mod hub;
pub mod stream;

pub use hub::Hub;

use std::future::Future;
use tokio::net::{TcpListener, TcpStream};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The command line of a peer: `PORT [by-hand] [deflate]`.
#[derive(Clone, Copy, Debug)]
pub struct Arguments {
    /// The port on 127.0.0.1.
    pub port: u16,
    /// Feed all messages that are ready and flush once, instead of sending each.
    pub by_hand: bool,
    /// Accept permessage-deflate and compress every reply.
    pub deflate: bool,
}

impl Arguments {
    /// Reads the command line.
    ///
    /// # Panics
    /// Without a port.
    #[must_use]
    pub fn read() -> Self {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let has = |word: &str| words.iter().any(|it| it == word);
        Self {
            port: words.first().and_then(|port| port.parse().ok()).expect("a port"),
            by_hand: has("by-hand"),
            deflate: has("deflate"),
        }
    }
}

/// Accepts on one thread and runs `connection` in a task of its own for each.
///
/// The tasks are not made to yield by tokio's budget: one pass less through the scheduler, in
/// favour of the peers.
///
/// # Panics
/// When the port cannot be listened on.
pub fn serve<F, R>(port: u16, connection: F)
where
    F: Fn(TcpStream) -> R,
    R: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async move {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("a free port");
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            tokio::spawn(tokio::task::unconstrained(connection(stream)));
        }
    });
}
