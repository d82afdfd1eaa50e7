//! Whiteboard: several people draw, and latecomers see the picture.
//!
//! Run `cargo run -p rialto-examples --example whiteboard`, open <http://127.0.0.1:3000> in two
//! windows.
//!
//! In Node: `socket.on("line", (...line) => socket.broadcast.emit("line", ...line))`

use parking_lot::Mutex;
use rialto::{Events, Server};
use std::collections::VecDeque;

/// From x, y to x, y, as parts of the board's width and height: four arguments of an event.
type Line = [f32; 4];
type Board = Mutex<VecDeque<Line>>;

const LINES_MAX: usize = 20_000;

#[tokio::main]
async fn main() -> rialto::Result {
    let events = Events::new()
        .on_connect(async |socket| {
            let picture = socket.state::<Board>().lock().clone();
            socket.emit("picture", picture).await
        })
        .on("line", async |socket, line: Line| {
            remember(&socket.state::<Board>(), line);
            socket.broadcast().emit("line", line).await
        });
    Server::new(events)
        .state(Board::default())
        .files("examples/public/whiteboard")
        .listen(rialto_examples::address())
        .await
}

fn remember(board: &Board, line: Line) {
    let mut lines = board.lock();
    lines.push_back(line);
    if lines.len() > LINES_MAX {
        lines.pop_front();
    }
}
