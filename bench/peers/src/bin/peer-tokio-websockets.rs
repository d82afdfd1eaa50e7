//! tokio-websockets, default options but for the size of messages: large ones leave as one frame.

use bench_peers::{Arguments, Hub, serve, stream};
use tokio::net::TcpStream;
use tokio_websockets::{Config, Limits, Message, ServerBuilder};

fn main() {
    let arguments = Arguments::read();
    let hub = Hub::default();
    serve(arguments.port, move |stream| connection(stream, arguments, hub.clone()));
}

async fn connection(stream: TcpStream, arguments: Arguments, hub: Hub<Message>) {
    let builder = ServerBuilder::new()
        .config(Config::default().frame_size(usize::MAX))
        .limits(Limits::unlimited());
    let Ok((request, socket)) = builder.accept(stream).await else { return };
    let fanout = request.uri().path() == "/fanout";
    drop(request);
    let is_data = |message: &Message| message.is_text() || message.is_binary();
    stream::run(socket, fanout.then_some(hub), arguments, is_data).await;
}
