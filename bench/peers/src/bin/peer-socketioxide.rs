//! socketioxide on axum: `peer-socketioxide PORT [tls CHAIN KEY]`. Default options but for the
//! payload that clients may send, which is socket.io's.

use axum::Router;
use axum::serve::{Listener, ListenerExt, serve};
use bench_peers as _;
use bytes::Bytes;
use serde_json::Value;
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let port: u16 = words.first().ok_or("a port is needed")?.parse()?;
    let (layer, io) = SocketIo::builder().max_payload(1_000_000).build_layer();
    io.ns("/", connected);
    let app = Router::new().layer(layer);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    match words.get(1..) {
        Some([tls, chain, key]) if tls == "tls" => {
            serve(Secure { listener, tls: acceptor(chain, key)? }, app).await?;
        }
        _ => {
            let no_delay = |stream: &mut TcpStream| drop(stream.set_nodelay(true));
            serve(listener.tap_io(no_delay), app).await?;
        }
    }
    Ok(())
}

async fn connected(socket: SocketRef) {
    socket.on("echo", async |Data::<Value>(x), ack: AckSender| {
        ack.send(&x).ok();
    });
    socket.on("echo-event", async |socket: SocketRef, Data::<Value>(x)| {
        socket.emit("echo-event", &x).ok();
    });
    socket.on("join", async |socket: SocketRef, Data::<String>(room), ack: AckSender| {
        socket.join(room);
        ack.send("ok").ok();
    });
    socket.on("say", async |io: SocketIo, Data::<Value>(x)| {
        io.to("room").emit("say", &x).await.ok();
    });
    socket.on("bin", async |Data::<Bytes>(bytes), ack: AckSender| {
        ack.send(&bytes).ok();
    });
}

fn acceptor(chain: &str, key: &str) -> Result<TlsAcceptor, Box<dyn Error>> {
    let chain = CertificateDer::pem_file_iter(chain)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// One handshake at a time: it is not what is measured.
struct Secure {
    listener: TcpListener,
    tls: TlsAcceptor,
}

impl Listener for Secure {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            if let Ok(stream) = self.tls.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
