//! The server's own listener: accepts, and stops.

use super::connection::{Guest, Welcome};
use super::front::Front;
use crate::error::Result;
use crate::socketio::Io;
use std::fmt;
use std::future::Future;
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
    listener: TcpListener,
    address: SocketAddr,
    front: Front,
    welcome: Arc<dyn Welcome>,
}

impl Listen {
    pub(super) fn new(
        listener: TcpListener,
        front: Front,
        welcome: Arc<dyn Welcome>,
    ) -> Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { listener, address, front, welcome })
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
        let mut stop = std::pin::pin!(stop);
        let mut pause = Duration::ZERO;
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    pause = Duration::ZERO;
                    let (front, stopped) = (self.front.clone(), stopped.clone());
                    self.welcome.spawn(stream, Guest { peer, front, stopped });
                }
                Err(error) => pause = rialto_ws::accept_pause(&error, pause).await,
            }
        }
        drop(self.listener);
        drop(stopped);
        io.close().await;
        stopping.send_replace(true);
        // Every connection holds a receiver until it has ended.
        let _ = tokio::time::timeout(drain, stopping.closed()).await;
        Ok(())
    }
}

impl fmt::Debug for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listen").field("address", &self.address).finish_non_exhaustive()
    }
}
