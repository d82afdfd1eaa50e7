//! The server's own listener: accepts, and stops.

use super::connection::{Guest, Welcome};
use super::front::Front;
use crate::error::Result;
use crate::socketio::Io;
use rialto_ws::Workers;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A server that is bound to its address.
///
/// ```no_run
/// # async fn example() -> rialto::Result {
/// let listen = rialto::Server::new(rialto::Events::new()).bind("127.0.0.1:0").await?;
/// println!("listening on http://{}", listen.address());
/// listen.run_until(async { drop(tokio::signal::ctrl_c().await) }).await
/// # }
/// ```
pub struct Listen {
    /// One, or as many as there are workers.
    listeners: Vec<TcpListener>,
    workers: Option<Workers>,
    address: SocketAddr,
    front: Front,
    welcome: Arc<dyn Welcome>,
}

impl Listen {
    pub(super) fn new(
        listeners: Vec<TcpListener>,
        workers: Option<Workers>,
        front: Front,
        welcome: Arc<dyn Welcome>,
    ) -> Result<Self> {
        let unbound = || io::Error::from(io::ErrorKind::AddrNotAvailable);
        let address = listeners.first().ok_or_else(unbound)?.local_addr()?;
        if let Some(workers) = &workers {
            front.core().host.set_workers(workers.runtimes().cloned().collect());
        }
        Ok(Self { listeners, workers, address, front, welcome })
    }

    /// The address, with the port that the system chose if it was asked for port 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Emits to everyone from anywhere.
    #[must_use]
    pub fn io(&self) -> Io {
        self.front.core().main()
    }

    /// Serves until the future is dropped.
    ///
    /// # Errors
    /// None at present: what goes wrong with a connection ends that connection.
    pub async fn run(self) -> Result<()> {
        self.run_until(std::future::pending()).await
    }

    /// Serves until `stop` is ready; then accepts no more, closes every client
    /// ([`Io::close`]), and lets answers under way finish within
    /// [`Options::drain_timeout`](crate::Options).
    ///
    /// # Errors
    /// None at present.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<()> {
        let (stopping, stopped) = watch::channel(false);
        let io = self.io();
        let drain = self.front.core().options.drain_timeout;
        let Self { listeners, workers, front, welcome, .. } = self;
        let door = Door { front, welcome, stopped };
        match &workers {
            Some(workers) => {
                let accept = |listener| door.clone().accept_from(listener);
                workers.attend(listeners, stop, accept).await;
            }
            None => tokio::select! {
                () = accept_here(door.clone(), listeners) => {}
                () = stop => {}
            },
        }
        drop(door);
        io.close().await;
        stopping.send_replace(true);
        // Every connection holds a receiver until it has ended.
        let _ = tokio::time::timeout(drain, stopping.closed()).await;
        Ok(())
    }
}

/// Accepts in the caller's own task; without workers there is one listener.
async fn accept_here(door: Door, listeners: Vec<TcpListener>) {
    for listener in listeners {
        door.clone().accept_from(Arc::new(listener)).await;
    }
}

/// What is done with those who come.
#[derive(Clone)]
struct Door {
    front: Front,
    welcome: Arc<dyn Welcome>,
    stopped: watch::Receiver<bool>,
}

impl Door {
    async fn accept_from(self, listener: Arc<TcpListener>) {
        let mut pause = Duration::ZERO;
        // Whether connections inherit `TCP_NODELAY` here, the first of them tells.
        let mut prompt = None;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    pause = Duration::ZERO;
                    let prompt = *prompt.get_or_insert_with(|| stream.nodelay().unwrap_or(false));
                    let (front, stopped) = (self.front.clone(), self.stopped.clone());
                    self.welcome.spawn(stream, Guest { peer, front, stopped, prompt });
                }
                Err(error) => pause = rialto_ws::accept_pause(&error, pause).await,
            }
        }
    }
}

impl fmt::Debug for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listen").field("address", &self.address).finish_non_exhaustive()
    }
}
