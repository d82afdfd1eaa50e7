//! The contract's settings as Rialto's options.

use crate::args::{Args, Parser};
use rialto::{ConnectionStateRecovery, Cors, Handshake, Options, ws};
use std::time::Duration;

/// Clients have this long to take the news that the server stops; twice this is within 3 s.
const DRAIN: Duration = Duration::from_secs(1);

/// What all programs take from the command line.
pub(crate) fn timing(args: &Args) -> Options {
    Options::default()
        .ping_interval(args.ping_interval())
        .ping_timeout(args.ping_timeout())
        .connect_timeout(args.connect_timeout())
        .upgrade_timeout(args.upgrade_timeout)
        .max_payload(args.max_payload())
        .drain_timeout(DRAIN)
        .allow_eio3(args.eio3())
        .allow_jsonp(args.eio3())
}

/// The options of the contract.
pub(crate) fn options(args: &Args) -> Options {
    let mut options = timing(args).cookie(args.cookie()).allow_request(admit);
    if args.deflate() {
        options = options.per_message_deflate(ws::Deflate::default());
    }
    if args.parser == Parser::Msgpack {
        options = options.parser(rialto::parser::Msgpack);
    }
    if let Some(time) = args.recovery() {
        let recovery = ConnectionStateRecovery::default().max_disconnection_duration(time);
        options = options.connection_state_recovery(recovery.skip_middlewares(true));
    }
    match args.cors() {
        Some(origin) => options.cors(Cors::new([origin]).credentials(true)),
        None => options,
    }
}

/// The admission hook: `deny=1` is turned away before there is a session.
fn admit(handshake: &Handshake) -> Result<(), &'static str> {
    match handshake.query("deny").as_deref() {
        Some("1") => Err("denied by app"),
        _ => Ok(()),
    }
}

/// The options of the raw WebSocket endpoint.
pub(crate) fn websocket(args: &Args) -> ws::Options {
    let mut options =
        ws::Options::default().max_message(args.ws_max_payload).protocols(["chat.v2", "chat.v1"]);
    if args.deflate() {
        options = options.deflate(ws::Deflate::default().threshold(0));
    }
    match args.cors() {
        Some(origin) => options.origins([origin]),
        None => options,
    }
}
