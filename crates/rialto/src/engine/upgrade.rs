//! WebSockets of the engine: direct ones, and probes of polling sessions.

use super::admission::refuse;
use super::host::Host;
use super::reply::Reply;
use super::server::{Engine, Opening};
use super::session::Session;
use crate::ends;
use crate::handshake::Handshake;
use crate::net::{Conn, Held};
use axum::body::Body;
use http::{HeaderMap, HeaderValue, Method, Request, Version, header};
use hyper_util::rt::TokioIo;
use rialto_protocol::engine::{Packet, Probe, Query, Transport};
use rialto_ws::{Limits, Message, Origins, Place, Refusal, Upgrade, WebSocket, turn};
use std::future::{Future, ready};
use std::io;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// True if the request asks for a WebSocket, or for another protocol by RFC 8441.
pub(super) fn is_upgrade(request: &Request<Body>) -> bool {
    if request.version() >= Version::HTTP_2 {
        // What is not a WebSocket, `rialto-ws` refuses in the words of its RFC.
        return request.method() == Method::CONNECT;
    }
    request.method() == Method::GET && has_upgrade(request.headers())
}

fn has_upgrade(headers: &HeaderMap) -> bool {
    headers.get_all(header::UPGRADE).iter().any(|value| {
        let mut tokens = value.as_bytes().split(|&byte| byte == b',');
        tokens.any(|token| token.trim_ascii().eq_ignore_ascii_case(b"websocket"))
    })
}

/// Opens a session on a WebSocket.
pub(super) fn open(
    engine: &Arc<Engine>,
    request: Request<Body>,
    handshake: Handshake,
    opening: Opening,
) -> Reply {
    let engine = Arc::clone(engine);
    let options = socket_options(engine.host());
    let upgrade = Upgrade::new(request).options(options).forget_request();
    accept(upgrade, move |socket, _| {
        engine.start(Transport::WebSocket, Some(socket), handshake, opening);
        ready(())
    })
}

/// Tries a WebSocket for a session that lives on polling.
pub(super) fn probe(
    engine: &Arc<Engine>,
    session: Arc<Session>,
    request: Request<Body>,
    query: &Query<'_>,
) -> Reply {
    let base64 = query.base64;
    let started = session.update(|inner| inner.machine.probe_started(Instant::now()));
    if let Err(refusal) = started {
        return refuse(true, refusal.handshake_error(), None);
    }
    let options = socket_options(engine.host());
    let home = session.elsewhere().cloned();
    let guard = ProbeGuard(Some(session));
    let upgrade = Upgrade::new(request).options(options).forget_request();
    accept_at(home, upgrade, move |socket, _| run_probe(guard, socket, base64))
}

/// Ends the probe on the session's side, unless it has become an upgrade.
struct ProbeGuard(Option<Arc<Session>>);

impl Drop for ProbeGuard {
    fn drop(&mut self) {
        if let Some(session) = self.0.take() {
            session.update(|inner| {
                inner.machine.probe_lost();
                inner.set_probe(None);
            });
        }
    }
}

async fn run_probe(mut guard: ProbeGuard, mut socket: WebSocket, base64: bool) {
    let Some(session) = guard.0.clone() else { return };
    session.update(|inner| {
        if inner.machine.is_probing() {
            inner.set_probe(Some(socket.sender()));
        }
    });
    while let Ok(Some(message)) = socket.recv().await {
        let step = match &message {
            Message::Text(text) => step(&session, text),
            Message::Binary(_) => None,
        };
        match step {
            Some(Probe::Answer) => {
                if socket.try_send("3probe").is_err() {
                    return;
                }
                // Only now may the poll be released: the client upgrades when it has returned.
                session.update(|_| ());
            }
            Some(Probe::Upgraded) => {
                guard.0 = None;
                return session.update(|inner| session.move_to(inner, socket, base64));
            }
            Some(Probe::Ended) | None => {
                return socket.sender().close(ends::NO_UPGRADE.code, ends::NO_UPGRADE.text);
            }
        }
    }
}

fn step(session: &Session, text: &str) -> Option<Probe> {
    let packet = Packet::decode(text).ok()?;
    session.update(|inner| {
        let step = inner.machine.probe_received(&packet, Instant::now()).ok()?;
        if step == Probe::Upgraded {
            // From here on it is the session's own, which ends with what waits to be sent.
            inner.set_probe(None);
        }
        Some(step)
    })
}

/// How the engine's WebSockets are set up; origins have been looked at before.
fn socket_options(host: &Host) -> rialto_ws::Options {
    let options = &host.options;
    let mut socket = rialto_ws::Options::default()
        .limits(Limits::default().max_message(options.max_payload))
        .send_budget(options.budget())
        .shared_budget(host.buffered.clone())
        .stall_timeout(options.stall_timeout)
        // The session pings by its own rules.
        .heartbeat(None);
    socket.origins = Origins::Any;
    match options.per_message_deflate {
        Some(settings) => socket.deflate(settings),
        None => socket,
    }
}

/// Answers the handshake of a WebSocket and hands the connection to `then`, with its place if
/// the connection is counted; what that returns is run in the same task.
///
/// On our own listener the answer leaves together with what `then` sends.
pub(crate) fn accept<F: Future<Output = ()> + Send>(
    upgrade: Upgrade,
    then: impl FnOnce(WebSocket, Option<Place>) -> F + Send + 'static,
) -> Reply {
    accept_at(None, upgrade, then)
}

/// [`accept`] that hands the connection over on another runtime, if one is named.
fn accept_at<F: Future<Output = ()> + Send>(
    home: Option<Handle>,
    upgrade: Upgrade,
    then: impl FnOnce(WebSocket, Option<Place>) -> F + Send + 'static,
) -> Reply {
    let (mut reply, mut upgrading): (Reply, _) = match upgrade.answer() {
        Ok(answered) => answered,
        Err(refusal) => return refused_handshake(&refusal),
    };
    reply.extensions_mut().insert(Held);
    let moves = home.is_some();
    let home = home.unwrap_or_else(Handle::current);
    home.spawn(async move {
        let place = upgrading.take_place();
        let mut held = Vec::new();
        let take = |io: TokioIo<Conn<TcpStream>>| {
            let (stream, written) = io.into_inner().into_parts();
            held = written;
            if moves { move_here(stream) } else { Ok(stream) }
        };
        match upgrading.open_as(take).await {
            Ok(socket) => begin(socket, &held, |socket| then(socket, place)).await,
            Err(error) => tracing::debug!(%error, "the connection was lost during its upgrade"),
        }
    });
    reply
}

/// Begins with a connection whose answer was held back, in one turn.
fn begin<F>(socket: WebSocket, held: &[u8], then: impl FnOnce(WebSocket) -> F) -> F {
    let _turn = turn::enter();
    socket.precede(held);
    then(socket)
}

/// Has the present runtime wait for the stream, instead of the one that accepted it: else every
/// message would wake two threads.
fn move_here(stream: TcpStream) -> io::Result<TcpStream> {
    TcpStream::from_std(stream.into_std()?)
}

/// A handshake that breaks RFC 6455 is answered as `rialto-ws` answers it.
fn refused_handshake(refusal: &Refusal) -> Reply {
    tracing::debug!(%refusal, "upgrade refused");
    let mut reply = refusal.to_response();
    reply.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    reply
}
