//! What a connection costs while it rests: `cargo run --release -p rialto-ws --example idle`.
//!
//! Opens connections (10 000, or as many as the first argument says) from a second process and
//! prints how much this process, the server, has grown for each of them: after they were opened,
//! and after each has echoed 16 KiB. The word `deflate` as second argument compresses.
//! Both processes need a descriptor for each connection (`ulimit -n`). It reads `/proc`, so it
//! runs on Linux. What the kernel itself holds for a socket is not counted.
#![allow(clippy::print_stdout, reason = "a program that prints")]

use rialto_ws::{Connect, Deflate, Options, WebSocket};
use std::error::Error;
use std::io::{BufRead, Write};
use std::process::{Child, Command, Stdio};

type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

const ECHO: usize = 16 << 10;
/// Opened before the first measurement, so that what happens once is not counted.
const WARM: usize = 100;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let mut words = std::env::args().skip(1);
    let first = words.next();
    if first.as_deref() == Some("client") {
        let url = words.next().ok_or("the client needs a URL")?;
        let count = words.next().ok_or("the client needs a count")?.parse()?;
        return client(&url, count, options(words.next().as_deref())).await;
    }
    let count = first.map_or(Ok(10_000), |count| count.parse())?;
    let mode = words.next().unwrap_or_default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    tokio::spawn(rialto_ws::serve_on(listener, options(Some(&mode)), echo));
    let report = tokio::task::spawn_blocking(move || measure(&url, count, &mode));
    report.await?
}

fn options(mode: Option<&str>) -> Options {
    match mode {
        Some("deflate") => Options::default().deflate(Deflate::default()),
        _ => Options::default(),
    }
}

async fn echo(mut socket: WebSocket) -> rialto_ws::Result<()> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

/// Drives the client's process and measures this one.
fn measure(url: &str, count: usize, mode: &str) -> Result {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["client", url, &count.to_string(), mode])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let outcome = steps(&mut child, count);
    // Closing its input ends it as well.
    child.kill().ok();
    child.wait()?;
    outcome
}

fn steps(child: &mut Child, count: usize) -> Result {
    let mut orders = child.stdin.take().ok_or("the child has no input")?;
    let answers = child.stdout.take().ok_or("the child has no output")?;
    let mut answers = std::io::BufReader::new(answers).lines();
    let mut step = || -> Result<u64> {
        answers.next().ok_or("the client has ended; is `ulimit -n` large enough?")??;
        // Let the server come to rest before its memory is read.
        std::thread::sleep(std::time::Duration::from_millis(500));
        let grown = resident()?;
        orders.write_all(b"go on\n")?;
        Ok(grown)
    };
    let start = step()?;
    for what in ["open", "after an echo of 16 KiB"] {
        let grown = step()?.saturating_sub(start);
        println!("{:5} bytes per connection, {what}", grown / count as u64);
    }
    Ok(())
}

/// Bytes of memory that this process has in use.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("no VmRSS")?;
    Ok(kilobytes.trim().parse::<u64>()? * 1024)
}

async fn client(url: &str, count: usize, options: Options) -> Result {
    let connect = || Connect::new(url).options(options.clone()).connect();
    let mut sockets = Vec::new();
    for _ in 0..WARM {
        let mut socket = connect().await?;
        exchange(&mut socket).await?;
        sockets.push(socket);
    }
    wait()?;
    for _ in 0..count {
        sockets.push(connect().await?);
    }
    wait()?;
    for socket in &mut sockets {
        exchange(socket).await?;
    }
    wait()
}

async fn exchange(socket: &mut WebSocket) -> Result {
    socket.send(vec![7; ECHO]).await?;
    let back = socket.recv().await?.ok_or("closed")?;
    if back.len() == ECHO { Ok(()) } else { Err("another message came back".into()) }
}

/// Tells the other process that a step is done and waits for its order.
fn wait() -> Result {
    println!("done");
    std::io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}
