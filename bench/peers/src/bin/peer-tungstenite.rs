//! tokio-tungstenite, default options.

use bench_peers::{Arguments, Hub, serve, stream};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

fn main() {
    let arguments = Arguments::read();
    let hub = Hub::default();
    serve(arguments.port, move |stream| connection(stream, arguments, hub.clone()));
}

async fn connection(stream: TcpStream, arguments: Arguments, hub: Hub<Message>) {
    let mut fanout = false;
    #[allow(clippy::result_large_err, clippy::unnecessary_wraps)] // the callback's type
    let path = |request: &Request, response: Response| {
        fanout = request.uri().path() == "/fanout";
        Ok(response)
    };
    let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, path).await else { return };
    let is_data = |message: &Message| message.is_text() || message.is_binary();
    stream::run(socket, fanout.then_some(hub), arguments, is_data).await;
}
