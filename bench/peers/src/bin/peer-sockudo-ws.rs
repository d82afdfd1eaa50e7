//! sockudo-ws, default options.

use bench_peers::{Arguments, Hub, serve, stream};
use sockudo_ws::deflate::DeflateConfig;
use sockudo_ws::handshake::{build_response, generate_accept_key, parse_request};
use sockudo_ws::{CompressedWebSocketStream, Config, Message, WebSocketStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn main() {
    let arguments = Arguments::read();
    let hub = Hub::default();
    sockudo_ws::init_clock();
    serve(arguments.port, move |stream| connection(stream, arguments, hub.clone()));
}

async fn connection(mut stream: TcpStream, arguments: Arguments, hub: Hub<Message>) {
    let deflate = arguments.deflate.then(DeflateConfig::default);
    let extension = deflate.as_ref().map(DeflateConfig::to_response_header);
    let Some(fanout) = handshake(&mut stream, extension.as_deref()).await else { return };
    let is_data = |message: &Message| matches!(message, Message::Text(_) | Message::Binary(_));
    let hub = fanout.then_some(hub);
    if let Some(deflate) = deflate {
        let socket = CompressedWebSocketStream::server(stream, Config::default(), deflate);
        stream::run(socket, hub, arguments, is_data).await;
    } else {
        let socket = WebSocketStream::server(stream, Config::default());
        stream::run(socket, hub, arguments, is_data).await;
    }
}

/// The opening handshake by the library's parts; says whether the path is the fan-out's.
async fn handshake(stream: &mut TcpStream, extension: Option<&str>) -> Option<bool> {
    let mut head = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
        let Some((request, _)) = parse_request(&head).ok()? else { continue };
        let answer = build_response(&generate_accept_key(request.key), None, extension);
        stream.write_all(&answer).await.ok()?;
        return Some(request.path == "/fanout");
    }
}
