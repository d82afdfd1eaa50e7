//! Names of events that people who come from Node register and no client sends.

use rialto_protocol::socketio::is_reserved;

/// Says in the log that this listener will not hear what it is meant for.
pub(super) fn warn(name: &str) {
    let instead = match name {
        "connect" => "register `on_connect` for clients that join",
        "connection" => {
            tracing::warn!(
                "`connection` is an event that a client would have to send; register `on_connect` \
                 for clients that join"
            );
            return;
        }
        "disconnect" | "disconnecting" => "register `on_disconnect` for clients that leave",
        "connect_error" => "a login that refuses by `guard` knows it first",
        _ => "choose another",
    };
    if is_reserved(name) {
        tracing::warn!(name, "this event name is reserved, no client can send it: {instead}");
    }
}
