//! yawc by hyper's upgrade, UTF-8 checked, otherwise default options.

use bench_peers::{Arguments, Hub, serve, stream};
use futures_util::StreamExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use tokio::net::TcpStream;
use yawc::{CompressionLevel, Frame, OpCode, Options, UpgradeFut, WebSocket, WebSocketError};

fn main() {
    let arguments = Arguments::read();
    let hub = Hub::default();
    serve(arguments.port, move |stream| connection(stream, arguments, hub.clone()));
}

async fn connection(stream: TcpStream, arguments: Arguments, hub: Hub<Frame>) {
    let upgrade = service_fn(move |mut request: Request<Incoming>| {
        let hub = (request.uri().path() == "/fanout").then(|| hub.clone());
        let accepted = WebSocket::upgrade_with_options(&mut request, options(arguments));
        async move {
            let (response, socket): (Response<_>, _) = accepted?;
            tokio::spawn(tokio::task::unconstrained(run(socket, arguments, hub)));
            Ok::<_, WebSocketError>(response)
        }
    });
    let stream = TokioIo::new(stream);
    let _ = http1::Builder::new().serve_connection(stream, upgrade).with_upgrades().await;
}

fn options(arguments: Arguments) -> Options {
    let options = Options::default().with_utf8().with_limits(64 << 20, 128 << 20);
    match arguments.deflate {
        true => options.with_compression_level(CompressionLevel::default()),
        false => options.without_compression(),
    }
}

async fn run(socket: UpgradeFut, arguments: Arguments, hub: Option<Hub<Frame>>) {
    let Ok(socket) = socket.await else { return };
    let socket = socket.map(Ok::<Frame, Infallible>);
    let is_data = |frame: &Frame| matches!(frame.opcode(), OpCode::Text | OpCode::Binary);
    stream::run(socket, hub, arguments, is_data).await;
}
