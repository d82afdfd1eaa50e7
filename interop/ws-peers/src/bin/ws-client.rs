//! A WebSocket client that servers of other projects can be tried with.
//!
//! `ws-client URL [--protocol NAME].. [--header NAME:VALUE].. [--max-message BYTES] [--pieces]
//! [--redirects COUNT] [--proxy URL] [--ca FILE] [--cert FILE --key FILE]` sends each
//! message back to the server, but obeys `close:CODE:REASON` and `ping:PAYLOAD`. What it sees of
//! the connection goes to stdout, one line of JSON each: `{"open":{"protocol":..}}`, then
//! `{"close":{"code":..,"reason":..}}` for the server's Close frame, or
//! `{"failed":{"code":..,"status":..,"error":..}}`.

#![allow(clippy::print_stdout, reason = "a program speaks to its user")]

use clap::Parser;
use rialto_ws::{ClientTls, CloseCode, Connect, Error, Message, Options, Result, WebSocket};
use serde_json::json;
use std::path::PathBuf;
use ws_peers::{Compression, echo_in_pieces};

/// A WebSocket client that servers of other projects can be tried with.
#[derive(Debug, Parser)]
struct Args {
    /// A URL of any kind that the client knows.
    url: String,
    /// A subprotocol to offer; may be repeated.
    #[arg(long, value_name = "NAME")]
    protocol: Vec<String>,
    /// A header field of the handshake; may be repeated.
    #[arg(long, value_name = "NAME:VALUE")]
    header: Vec<String>,
    /// Bytes in a message that is received.
    #[arg(long, value_name = "BYTES")]
    max_message: Option<usize>,
    /// Send messages back in fragments, while they arrive, and obey none.
    #[arg(long)]
    pieces: bool,
    /// Redirects that are followed.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    redirects: usize,
    /// A proxy, instead of what the environment names.
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// Roots to trust instead of the platform's, in PEM.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// A client certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Its key, in PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    #[command(flatten)]
    compression: Compression,
}

impl Args {
    fn tls(&self) -> Result<ClientTls> {
        let mut tls = ClientTls::builder();
        if let Some(file) = &self.ca {
            tls = tls.platform_roots(false).root_pem(&std::fs::read(file)?);
        }
        if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
            tls = tls.client_certificate_pem(&std::fs::read(cert)?, &std::fs::read(key)?);
        }
        tls.build()
    }

    fn connect(&self) -> Result<Connect> {
        let fields = self.header.iter();
        let mut connect = fields.fold(Connect::new(&self.url), |connect, field| {
            let (name, value) = field.split_once(':').unwrap_or((field, ""));
            connect.header(name, value.trim())
        });
        if let Some(proxy) = &self.proxy {
            connect = connect.proxy(proxy);
        }
        if self.ca.is_some() || self.cert.is_some() {
            connect = connect.tls(self.tls()?);
        }
        Ok(connect.redirects(self.redirects))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Err(error) = run(Args::parse()).await {
        println!("{}", failure(&error));
    }
}

async fn run(args: Args) -> Result {
    let connect = args.connect()?;
    let mut options = args.compression.apply(Options::default().protocols(args.protocol));
    if let Some(bytes) = args.max_message {
        options = options.max_message(bytes);
    }
    let mut socket = connect.options(options).connect().await?;
    println!("{}", json!({ "open": { "protocol": socket.protocol() } }));
    if args.pieces {
        echo_in_pieces(&mut socket).await?;
    } else {
        serve(&mut socket).await?;
    }
    let (code, reason) = match socket.close_frame() {
        Some(frame) => (frame.code, frame.reason.as_str()),
        None => (CloseCode::ABNORMAL, ""),
    };
    println!("{}", json!({ "close": { "code": code.get(), "reason": reason } }));
    Ok(())
}

/// Answers until one side closes the connection.
async fn serve(socket: &mut WebSocket) -> Result {
    while let Some(message) = socket.recv().await? {
        match command(&message) {
            Some(("ping", payload)) => socket.ping(payload.as_bytes())?,
            Some(("close", rest)) => {
                let (code, reason) = rest.split_once(':').unwrap_or((rest, ""));
                return socket.close(code.parse::<u16>().unwrap_or(1000), reason).await;
            }
            _ => socket.send(message).await?,
        }
    }
    Ok(())
}

fn command(message: &Message) -> Option<(&str, &str)> {
    message.as_text()?.split_once(':')
}

fn failure(error: &Error) -> serde_json::Value {
    json!({
        "failed": {
            "code": error.close_code().get(),
            "status": error.status().map(|status| status.as_u16()),
            // With its cause.
            "error": format!("{error:?}"),
        },
    })
}
