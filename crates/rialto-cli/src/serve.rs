//! `rialto serve`: the gallery, or a folder, until a signal comes.

use crate::signals::Signals;
use crate::terminal::say;
use crate::{folder, gallery};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use rialto::{Cors, Listen, ServeClient, Server};
use std::io::{self, ErrorKind, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::sync::oneshot;

/// The longest time between two pings, and for their answer: a day, in milliseconds.
const LONGEST: u64 = 24 * 60 * 60 * 1000;

/// Exit code after a second signal, as of a program that SIGINT ended.
const INTERRUPTED: u8 = 130;

/// What `rialto serve` may be told.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Port to listen on; 0 lets the system choose a free one
    #[arg(long, env = "PORT", default_value_t = 3000)]
    port: u16,
    /// Address or name to listen on; 0.0.0.0 or :: is every interface
    #[arg(long, env = "HOST", default_value = "127.0.0.1")]
    host: String,
    /// Serves this folder instead of the gallery
    ///
    /// Socket.IO stands beside it: each event of a page goes to everyone in its namespace, the
    /// sender included.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Origins whose pages may connect, as https://app.example, or * for all
    ///
    /// Without it: pages of this server, and from loopback to loopback.
    #[arg(long, value_name = "ORIGIN", num_args = 1.., value_delimiter = ',',
        value_parser = origin)]
    cors: Vec<String>,
    /// Milliseconds between two pings of a Socket.IO connection
    #[arg(long, value_name = "MS", default_value_t = 25_000,
        value_parser = milliseconds)]
    ping_interval: u64,
    /// Milliseconds after a ping until a silent client counts as gone
    #[arg(long, value_name = "MS", default_value_t = 20_000,
        value_parser = milliseconds)]
    ping_timeout: u64,
    /// Serves the browser client from this folder, as node_modules/socket.io-client/dist
    #[arg(long, value_name = "FOLDER")]
    client_dir: Option<PathBuf>,
    /// Threads that serve, each its own share of the clients; 0 is one for each core
    ///
    /// Without it, all cores serve all clients.
    #[arg(long, value_name = "N")]
    workers: Option<u16>,
}

/// Serves until a signal comes; a second one ends it at once.
///
/// # Errors
/// If a folder is not there or the address cannot be listened on.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let server = server(&options)?.options(options.server_options()?);
    let server = match options.workers {
        Some(workers) => server.workers(workers.into()),
        None => server,
    };
    let mut signals = Signals::new().context("signals cannot be received")?;
    let listen = options.bind(server).await?;
    greet(&options, listen.address());

    let (stop, stopped) = oneshot::channel::<()>();
    let serving = listen.run_until(async { drop(stopped.await) });
    let twice = async {
        signals.next().await;
        say("stopping; once more stops at once");
        let _ = stop.send(());
        signals.next().await;
    };
    tokio::select! {
        served = serving => served.map(|()| ExitCode::SUCCESS).map_err(Into::into),
        () = twice => Ok(ExitCode::from(INTERRUPTED)),
    }
}

fn server(options: &Options) -> Result<Server> {
    let Some(dir) = &options.dir else { return Ok(gallery::server(&options.cors)) };
    require_folder("--dir", dir)?;
    Ok(folder::server(dir.clone()))
}

impl Options {
    fn server_options(&self) -> Result<rialto::Options> {
        let mut options = rialto::Options::default()
            .ping_interval(Duration::from_millis(self.ping_interval))
            .ping_timeout(Duration::from_millis(self.ping_timeout));
        if !self.cors.is_empty() {
            options = options.cors(Cors::new(self.cors.clone()));
        }
        if let Some(folder) = &self.client_dir {
            require_folder("--client-dir", folder)?;
            options = options.serve_client(ServeClient::Folder(folder.clone()));
        }
        Ok(options)
    }

    async fn bind(&self, server: Server) -> Result<Listen> {
        let Self { host, port, .. } = self;
        let address = match host.parse::<IpAddr>() {
            Ok(ip) => SocketAddr::new(ip, *port).to_string(),
            Err(_) => format!("{host}:{port}"),
        };
        let error = match server.bind(address.as_str()).await {
            Ok(listen) => return Ok(listen),
            Err(error) => error,
        };
        match error.io_kind() {
            Some(ErrorKind::AddrInUse) => bail!(
                "port {port} of {host} is in use: name another with --port or PORT (0 is any free)"
            ),
            Some(ErrorKind::PermissionDenied) => {
                bail!("port {port} of {host} may not be used by you: ports from 1024 on are free")
            }
            // It names the address itself.
            _ => Err(error.into()),
        }
    }
}

/// The line that programs wait for on standard output, and a hint for people.
fn greet(options: &Options, address: SocketAddr) {
    let mut out = io::stdout().lock();
    // Whoever closed our output still wants the server.
    drop(writeln!(out, "listening on http://{address}").and_then(|()| out.flush()));
    match &options.dir {
        None => say("the gallery is there for your browser; Ctrl-C stops it"),
        Some(dir) => say(&format!(
            "files of {}; Socket.IO at /socket.io/ passes events on; Ctrl-C stops it",
            dir.display()
        )),
    }
}

fn require_folder(option: &str, folder: &Path) -> Result<()> {
    ensure!(folder.is_dir(), "{option}: there is no folder {}", folder.display());
    Ok(())
}

/// An origin as browsers send it: no path, no slash at the end.
fn origin(text: &str) -> Result<String, String> {
    let authority = text.split_once("://").map_or("", |(_, authority)| authority);
    let whole = !authority.is_empty() && !authority.contains('/');
    if whole || matches!(text, "*" | "null") {
        Ok(text.to_owned())
    } else {
        Err("an origin is scheme://host or scheme://host:port, without a path".to_owned())
    }
}

fn milliseconds(text: &str) -> Result<u64, String> {
    let time = text.parse().ok().filter(|time| (1..=LONGEST).contains(time));
    time.ok_or_else(|| format!("milliseconds are a whole number from 1 to {LONGEST} (one day)"))
}

#[cfg(test)]
mod tests {
    use super::{milliseconds, origin};

    #[test]
    fn times_are_between_a_millisecond_and_a_day() {
        assert_eq!(milliseconds("1"), Ok(1));
        assert_eq!(milliseconds("86400000"), Ok(86_400_000));
        for bad in ["", "0", "-1", "1.5", "1s", "86400001", "99999999999999999999999"] {
            assert!(milliseconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn origins_that_no_browser_sends_are_refused() {
        for good in ["*", "null", "https://app.example", "http://localhost:8080"] {
            assert_eq!(origin(good).as_deref(), Ok(good));
        }
        for bad in ["", "app.example", "https://", "https://app.example/", "https://a.example/b"] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }
}
