//! The servers of this process and their addresses.

use rialto::Server;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// Where each server is, by its name.
#[derive(Default)]
pub(crate) struct Ports(BTreeMap<String, String>);

impl Ports {
    /// Runs a server for as long as the process lives.
    pub(crate) async fn add(&mut self, name: &str, server: Server) -> rialto::Result {
        let listen = server.bind("127.0.0.1:0").await?;
        self.name(name, listen.address().port());
        tokio::spawn(listen.run());
        Ok(())
    }

    /// Runs one that takes a number for its port and does not say when it is ready.
    pub(crate) async fn add_at<T: Send + 'static>(
        &mut self,
        name: &str,
        start: impl Fn(u16) -> JoinHandle<T>,
    ) -> rialto::Result {
        loop {
            let port = free_port()?;
            let task = start(port);
            // A task that has ended could not have the port: somebody was faster.
            while !task.is_finished() {
                if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
                    self.name(name, port);
                    return Ok(());
                }
                tokio::task::yield_now().await;
            }
        }
    }

    /// Says where one is that runs already.
    pub(crate) fn name(&mut self, name: &str, port: u16) {
        self.0.insert(name.to_owned(), format!("http://127.0.0.1:{port}"));
    }

    /// All of them.
    pub(crate) fn urls(self) -> BTreeMap<String, String> {
        self.0
    }
}

fn free_port() -> std::io::Result<u16> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Ok(TcpListener::bind(address)?.local_addr()?.port())
}
