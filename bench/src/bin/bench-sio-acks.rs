//! Acks against a Socket.IO server, plain, compressed or by TLS: what one costs the server.
//!
//! `bench-sio-acks URL PID [ROOT.pem]`: 50 clients with 8 acks each in flight for two seconds, on
//! one thread; `DEFLATE=1` offers permessage-deflate, `SIZE` is the payload's. PID is the server's,
//! whose processor time is read from `/proc`.

use rialto_ws::{Connect, Deflate, Options, WebSocket};
use std::fs;
use std::time::{Duration, Instant};

const CLIENTS: usize = 50;
const DEPTH: usize = 8;
const TIME: Duration = Duration::from_secs(2);

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let (Some(url), Some(pid)) = (args.next(), args.next()) else {
        return Err("bench-sio-acks URL PID [ROOT.pem]".into());
    };
    let connect = connect(&format!("{url}/socket.io/?EIO=4&transport=websocket"), args.next())?;
    let text = "x".repeat(number("SIZE").unwrap_or(64));
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(joined(&connect).await?);
    }
    let (before, begun) = (processor_time(&pid)?, Instant::now());
    let mut running = tokio::task::JoinSet::new();
    for client in clients {
        running.spawn(ask(client, text.clone(), begun + TIME));
    }
    let mut acks = 0;
    while let Some(ended) = running.join_next().await {
        acks += ended??;
    }
    let spent = processor_time(&pid)?.saturating_sub(before);
    let (rate, each) = (acks as f64 / begun.elapsed().as_secs_f64(), spent as f64 / acks as f64);
    println!("{rate:.0} acks/s, {:.2} µs of the server's processor each", each / 1000.0);
    Ok(())
}

fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

fn connect(url: &str, root: Option<String>) -> Result<Connect, Failure> {
    let options = match number("DEFLATE") {
        Some(1) => Options::default().deflate(Deflate::default()),
        _ => Options::default(),
    };
    let connect = Connect::new(url).options(options);
    #[cfg(feature = "tls")]
    if let Some(root) = root {
        let tls = rialto_ws::ClientTls::builder().root_pem(&fs::read(root)?).build()?;
        return Ok(connect.tls(tls));
    }
    drop(root);
    Ok(connect)
}

async fn joined(connect: &Connect) -> Result<WebSocket, rialto_ws::Error> {
    let mut socket = connect.clone().connect().await?;
    socket.recv().await?;
    socket.send("40").await?;
    socket.recv().await?;
    Ok(socket)
}

/// Keeps acks in flight until it is time.
async fn ask(mut socket: WebSocket, text: String, until: Instant) -> rialto_ws::Result<u64> {
    let mut id = 0_u64;
    let mut next = move || {
        id += 1;
        format!("42{id}[\"echo\",{{\"n\":{id},\"text\":\"{text}\"}}]")
    };
    for _ in 0..DEPTH {
        socket.feed(next()).await?;
    }
    socket.flush().await?;
    let mut acks = 0;
    while Instant::now() < until {
        match socket.recv().await? {
            Some(message) if message.to_string().starts_with("43") => acks += 1,
            Some(_) => continue,
            None => break,
        }
        socket.feed(next()).await?;
    }
    Ok(acks)
}

/// Of all threads of a process, in nanoseconds.
fn processor_time(pid: &str) -> Result<u64, Failure> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        sum += text.split(' ').next().ok_or("no time")?.parse::<u64>()?;
    }
    Ok(sum)
}
