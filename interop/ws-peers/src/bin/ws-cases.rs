//! The client that Autobahn's fuzzing server expects: it asks for the number of cases, lets each
//! of them happen on a connection that returns every message, and has the reports written.
//!
//! How a case ends is the server's to judge, so failures of a connection are no failures here;
//! that the suite cannot be reached is.

use anyhow::{Context, Result};
use clap::Parser;
use rialto_ws::{WebSocket, connect};
use std::time::Duration;
use tokio::time::timeout;

/// More than the suite waits for itself in any case.
const LIMIT: Duration = Duration::from_secs(1100);

/// A client that walks through the cases of Autobahn's fuzzing server.
#[derive(Debug, Parser)]
struct Args {
    /// Where the fuzzing server listens, `ws://127.0.0.1:PORT`.
    url: String,
    /// The name under which it reports.
    #[arg(long, default_value = "rialto-ws")]
    agent: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Args { url, agent } = Args::parse();
    for case in 1..=count(&url).await? {
        let address = format!("{url}/runCase?case={case}&agent={agent}");
        let socket = connect(&address).await.with_context(|| format!("case number {case}"))?;
        // An error is the case's own outcome, and the fuzzing server saw it too.
        let ended = timeout(LIMIT, echo(socket)).await;
        ended.with_context(|| format!("case number {case} does not end"))?.ok();
    }
    let mut done = connect(format!("{url}/updateReports?agent={agent}")).await?;
    while done.recv().await?.is_some() {}
    Ok(())
}

async fn count(url: &str) -> Result<usize> {
    let mut socket = connect(format!("{url}/getCaseCount")).await?;
    let answer = socket.recv().await?.context("the fuzzing server names no number of cases")?;
    let count = answer.as_text().and_then(|text| text.parse().ok());
    while socket.recv().await?.is_some() {}
    count.with_context(|| format!("not a number of cases: {answer}"))
}

async fn echo(mut socket: WebSocket) -> rialto_ws::Result<()> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}
