//! fastwebsockets by hyper's upgrade, its only entry for servers; then the `TcpStream` is taken
//! back out of hyper, so that reads and writes are not dispatched dynamically.

use bench_peers::{Arguments, Hub, serve};
use bytes::Bytes;
use fastwebsockets::upgrade::{UpgradeFut, upgrade};
use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, Role, WebSocket, WebSocketError};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use tokio::net::TcpStream;

type Published = (OpCode, Bytes);

fn main() {
    let hub = Hub::default();
    serve(Arguments::read().port, move |stream| connection(stream, hub.clone()));
}

async fn connection(stream: TcpStream, hub: Hub<Published>) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        let hub = (request.uri().path() == "/fanout").then(|| hub.clone());
        let accepted = upgrade(&mut request);
        async move {
            let (response, socket) = accepted?;
            tokio::spawn(tokio::task::unconstrained(async move {
                let _ = run(socket, hub).await;
            }));
            Ok::<_, WebSocketError>(response)
        }
    });
    let stream = TokioIo::new(stream);
    let _ = http1::Builder::new().serve_connection(stream, service).with_upgrades().await;
}

async fn run(socket: UpgradeFut, hub: Option<Hub<Published>>) -> Result<(), WebSocketError> {
    let upgraded = socket.await?.into_inner().into_inner();
    let parts = upgraded.downcast::<TokioIo<TcpStream>>();
    let parts = parts.map_err(|_| WebSocketError::ConnectionClosed)?;
    let mut socket = WebSocket::after_handshake(parts.io.into_inner(), Role::Server);
    socket.set_auto_close(true);
    socket.set_auto_pong(true);
    match hub {
        Some(hub) => fanout(socket, hub).await,
        None => echo(FragmentCollector::new(socket)).await,
    }
}

async fn echo(mut socket: FragmentCollector<TcpStream>) -> Result<(), WebSocketError> {
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            _ => {}
        }
    }
}

async fn fanout(socket: WebSocket<TcpStream>, hub: Hub<Published>) -> Result<(), WebSocketError> {
    let (mut reader, mut writer) = socket.split(TcpStream::into_split);
    let mut queue = hub.join();
    tokio::spawn(async move {
        while let Some((opcode, bytes)) = queue.recv().await {
            let frame = Frame::new(true, opcode, None, Payload::Borrowed(&bytes));
            if writer.write_frame(frame).await.is_err() {
                return;
            }
        }
    });
    loop {
        let frame = reader.read_frame(&mut |_| async { Ok::<_, Infallible>(()) }).await?;
        if matches!(frame.opcode, OpCode::Text | OpCode::Binary) {
            hub.publish(&(frame.opcode, Bytes::copy_from_slice(&frame.payload)));
        }
    }
}
