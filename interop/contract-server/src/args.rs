//! The command line.

use clap::ValueEnum;
use std::path::PathBuf;
use std::time::Duration;

/// The origin that CORS lets in unless told otherwise.
const CORS: &str = "http://good.test";

/// The server that interoperability tests are pointed at.
#[derive(Debug, clap::Parser)]
pub(crate) struct Args {
    /// Which program is served.
    #[arg(long, value_enum, default_value = "contract")]
    pub(crate) app: App,
    /// Port on 127.0.0.1; 0 lets the system choose.
    #[arg(long)]
    port: Option<u16>,
    /// Time between pings, in ms.
    #[arg(long, value_name = "MS")]
    ping_interval: Option<u64>,
    /// Time in which a ping must be answered, in ms.
    #[arg(long, value_name = "MS")]
    ping_timeout: Option<u64>,
    /// Bytes in a message or POST body.
    #[arg(long, value_name = "BYTES")]
    max_payload: Option<usize>,
    /// Time in which a client must join a namespace, in ms.
    #[arg(long, value_name = "MS")]
    connect_timeout: Option<u64>,
    /// Time in which an upgrade must be complete, in ms.
    #[arg(long, value_name = "MS", default_value = "10000", value_parser = ms)]
    pub(crate) upgrade_timeout: Duration,
    /// Clients of Socket.IO 1 and 2.
    #[arg(long, value_enum, default_value = "on")]
    eio3: Switch,
    /// Time for connection state recovery in ms, or `off`.
    #[arg(long, value_name = "MS|off", default_value = "3000", value_parser = unless_off)]
    recovery: Setting,
    /// The origin that CORS lets in, or `off`.
    #[arg(long, value_name = "ORIGIN|off", default_value = CORS, value_parser = unless_off)]
    cors: Setting,
    /// permessage-deflate.
    #[arg(long, value_enum, default_value = "on")]
    deflate: Switch,
    /// The cookie with the session's id.
    #[arg(long, value_enum, default_value = "on")]
    cookie: Switch,
    /// Speak TLS and HTTP/2, with `server.pem` and `server-key.pem` of this folder. Not of the
    /// contract, which is plain HTTP/1.1.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) tls: Option<PathBuf>,
    /// How packets are written.
    #[arg(long, value_enum, default_value = "json")]
    pub(crate) parser: Parser,
    /// Threads with a runtime each, 0 for one per core. Not of the contract, which says nothing of
    /// threads; `CONTRACT_WORKERS` lets the same tests run against them.
    #[arg(long, value_name = "N", env = "CONTRACT_WORKERS")]
    pub(crate) workers: Option<usize>,
    /// Bytes in a message of the raw WebSocket endpoint.
    #[arg(long, value_name = "BYTES", default_value_t = 20_000_000)]
    pub(crate) ws_max_payload: usize,
}

/// The four programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum App {
    /// The contract.
    Contract,
    /// What the protocol suites ask.
    Protocol,
    /// What the tests of `socket.io-client` ask.
    Client,
    /// What the tests of `engine.io-client` ask.
    EngineClient,
}

/// The parsers of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Parser {
    /// JSON with attachments.
    Json,
    /// MessagePack.
    Msgpack,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// A value, or `off`.
#[derive(Clone, Debug)]
struct Setting(Option<String>);

/// What each program sets where no flag is given.
struct Defaults {
    port: u16,
    ping_interval: u64,
    ping_timeout: u64,
    max_payload: usize,
    connect_timeout: u64,
}

impl App {
    fn defaults(self) -> Defaults {
        let contract = Defaults {
            port: 3000,
            ping_interval: 1000,
            ping_timeout: 1000,
            max_payload: 100_000,
            connect_timeout: 1500,
        };
        let socket_io = Defaults { max_payload: 1_000_000, connect_timeout: 45_000, ..contract };
        match self {
            Self::Contract => contract,
            Self::Protocol => Defaults {
                ping_interval: 300,
                ping_timeout: 200,
                connect_timeout: 1000,
                ..socket_io
            },
            Self::Client => {
                Defaults { port: 3210, ping_interval: 2000, ping_timeout: 20_000, ..socket_io }
            }
            Self::EngineClient => {
                Defaults { ping_interval: 500, ping_timeout: 20_000, max_payload: 100, ..socket_io }
            }
        }
    }
}

impl Args {
    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(self.app.defaults().port)
    }

    pub(crate) fn ping_interval(&self) -> Duration {
        Duration::from_millis(self.ping_interval.unwrap_or(self.app.defaults().ping_interval))
    }

    pub(crate) fn ping_timeout(&self) -> Duration {
        Duration::from_millis(self.ping_timeout.unwrap_or(self.app.defaults().ping_timeout))
    }

    pub(crate) fn max_payload(&self) -> usize {
        self.max_payload.unwrap_or(self.app.defaults().max_payload)
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout.unwrap_or(self.app.defaults().connect_timeout))
    }

    /// The origin that CORS lets in.
    pub(crate) fn cors(&self) -> Option<&str> {
        self.cors.0.as_deref()
    }

    pub(crate) fn cookie(&self) -> bool {
        self.cookie == Switch::On
    }

    pub(crate) fn eio3(&self) -> bool {
        self.eio3 == Switch::On
    }

    /// How long a client may come back; `None` for never.
    pub(crate) fn recovery(&self) -> Option<Duration> {
        self.recovery.0.as_deref().and_then(|time| ms(time).ok())
    }

    pub(crate) fn deflate(&self) -> bool {
        self.deflate == Switch::On
    }
}

fn ms(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_millis)
}

/// Never fails: `off` is no value, anything else is one.
#[allow(clippy::unnecessary_wraps, reason = "clap asks for a Result")]
fn unless_off(text: &str) -> Result<Setting, std::convert::Infallible> {
    Ok(Setting((text != "off").then(|| text.to_owned())))
}
