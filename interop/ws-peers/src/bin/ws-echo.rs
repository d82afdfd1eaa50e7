//! A WebSocket server that returns every message as it came.
//!
//! `ws-echo --port 0` prints `listening on ws://127.0.0.1:PORT` and runs until it is killed.

#![allow(clippy::print_stdout, reason = "a program speaks to its user")]

use clap::Parser;
use rialto_ws::{Options, Result, WebSocket, serve_on};
use std::net::Ipv4Addr;
use std::pin::Pin;
use tokio::net::TcpListener;
use ws_peers::{Compression, echo_in_pieces};

/// A WebSocket server that returns every message as it came.
#[derive(Debug, Parser)]
struct Args {
    /// The port on 127.0.0.1; 0 for a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// A subprotocol that it speaks, best first; may be repeated.
    #[arg(long, value_name = "NAME")]
    protocol: Vec<String>,
    /// Bytes in a message that is received.
    #[arg(long, value_name = "BYTES")]
    max_message: Option<usize>,
    /// Send messages back in fragments, while they arrive.
    #[arg(long)]
    pieces: bool,
    #[command(flatten)]
    compression: Compression,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let handler = match args.pieces {
        true => |socket| Box::pin(in_pieces(socket)) as Ending,
        false => |socket| Box::pin(echo(socket)) as Ending,
    };
    Ok(serve_on(listener, options(args), handler).await?)
}

/// How a connection ends.
type Ending = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

fn options(args: Args) -> Options {
    let options = args.compression.apply(Options::default().protocols(args.protocol));
    match args.max_message {
        Some(bytes) => options.max_message(bytes),
        None => options,
    }
}

async fn echo(mut socket: WebSocket) -> Result<()> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

async fn in_pieces(mut socket: WebSocket) -> Result<()> {
    echo_in_pieces(&mut socket).await
}
