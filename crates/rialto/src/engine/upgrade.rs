//! WebSockets of the engine: direct ones, and probes of polling sessions.

use super::admission::refuse;
use super::reply::{Reply, refused_upgrade};
use super::server::Engine;
use super::session::Session;
use crate::handshake::Handshake;
use crate::net::Conn;
use crate::options::Options;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use rialto_protocol::engine::{Packet, Probe, Transport};
use rialto_ws::proto::handshake::server::{self, Refusal, Terms};
use rialto_ws::{Limits, Message, Origins, Role, WebSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// How long the HTTP server may take to hand over the connection behind its 101.
const HAND_OVER: Duration = Duration::from_secs(10);

/// True if the request asks for a WebSocket.
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.get_all(header::UPGRADE).iter().any(|value| {
        let mut tokens = value.as_bytes().split(|&byte| byte == b',');
        tokens.any(|token| token.trim_ascii().eq_ignore_ascii_case(b"websocket"))
    })
}

/// Opens a session on a WebSocket.
pub(super) fn open(engine: &Arc<Engine>, request: Request<Body>, handshake: Handshake) -> Reply {
    let engine = Arc::clone(engine);
    let options = socket_options(engine.options());
    accept(request, &Origins::Any, options, move |socket| {
        engine.start(Transport::WebSocket, Some(socket), handshake);
    })
}

/// Tries a WebSocket for a session that lives on polling.
pub(super) fn probe(engine: &Arc<Engine>, session: Arc<Session>, request: Request<Body>) -> Reply {
    let started = session.update(|inner| inner.machine.probe_started(Instant::now()));
    if let Err(refusal) = started {
        tracing::debug!(?refusal, "upgrade refused");
        return refuse(true, refusal.handshake_error(), None);
    }
    let options = socket_options(engine.options());
    let guard = ProbeGuard(Some(session));
    accept(request, &Origins::Any, options, move |socket| {
        tokio::spawn(run_probe(guard, socket));
    })
}

/// Ends the probe on the session's side, unless it has become an upgrade.
struct ProbeGuard(Option<Arc<Session>>);

impl Drop for ProbeGuard {
    fn drop(&mut self) {
        if let Some(session) = self.0.take() {
            session.update(|inner| {
                inner.machine.probe_lost();
                inner.probe = None;
            });
        }
    }
}

async fn run_probe(mut guard: ProbeGuard, mut socket: WebSocket) {
    let Some(session) = guard.0.clone() else { return };
    session.update(|inner| {
        if inner.machine.is_probing() {
            inner.probe = Some(socket.sender());
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
                return session.update(|inner| session.move_to(inner, socket));
            }
            Some(Probe::Ended) | None => {
                return socket.sender().close(1002, "this is not an upgrade");
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
            inner.probe = None;
        }
        Some(step)
    })
}

/// How the engine's WebSockets are set up.
fn socket_options(options: &Options) -> rialto_ws::Options {
    let socket = rialto_ws::Options::default()
        .limits(Limits::default().max_message(options.max_payload))
        .send_budget(options.send_budget);
    match options.per_message_deflate {
        Some(settings) => socket.deflate(settings),
        None => socket,
    }
}

/// Answers the handshake of a WebSocket and hands the connection to `then`.
pub(crate) fn accept(
    mut request: Request<Body>,
    origins: &Origins,
    options: rialto_ws::Options,
    then: impl FnOnce(WebSocket) + Send + 'static,
) -> Reply {
    let checked = server::check(
        request.method(),
        request.version(),
        request.headers(),
        &Terms { origins, ..options.terms() },
    );
    let accept = match checked {
        Ok(accept) => accept,
        Err(refusal) => return refused_handshake(&refusal),
    };
    let on_upgrade = hyper::upgrade::on(&mut request);
    let (parts, _) = request.into_parts();
    let opening = rialto_ws::Request::from_parts(&parts);
    let (protocol, deflate) = (accept.protocol.clone(), accept.deflate.clone());
    tokio::spawn(async move {
        let Some(upgraded) = take_over(on_upgrade).await else { return };
        then(take_stream(upgraded, opening, protocol, &options).with_deflate(deflate));
    });
    switching(&accept)
}

async fn take_over(on_upgrade: OnUpgrade) -> Option<Upgraded> {
    match tokio::time::timeout(HAND_OVER, on_upgrade).await {
        Ok(Ok(upgraded)) => Some(upgraded),
        Ok(Err(error)) => {
            tracing::debug!(%error, "the connection was lost during its upgrade");
            None
        }
        Err(_) => None,
    }
}

/// Takes the stream back as what it is, so that nothing stands between it and the WebSocket.
pub(crate) fn take_stream(
    upgraded: Upgraded,
    request: rialto_ws::Request,
    protocol: Option<String>,
    options: &rialto_ws::Options,
) -> WebSocket {
    let open = |input: Bytes| (input.to_vec(), request.clone());
    let socket = match upgraded.downcast::<TokioIo<Conn>>() {
        Ok(parts) => {
            let (input, request) = open(parts.read_buf);
            let stream = parts.io.into_inner().into_tcp();
            WebSocket::from_upgraded(stream, Role::Server, input, request, options)
        }
        Err(upgraded) => match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => {
                let (input, request) = open(parts.read_buf);
                let stream = parts.io.into_inner();
                WebSocket::from_upgraded(stream, Role::Server, input, request, options)
            }
            Err(upgraded) => {
                let (input, request) = open(Bytes::new());
                let stream = TokioIo::new(upgraded);
                WebSocket::from_upgraded(stream, Role::Server, input, request, options)
            }
        },
    };
    socket.with_protocol(protocol)
}

fn switching(accept: &server::Accept) -> Reply {
    let mut reply = Response::new(Body::empty());
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = reply.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(value) = HeaderValue::from_str(&accept.key) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, value);
    }
    let protocol = accept.protocol.as_deref().and_then(|name| HeaderValue::from_str(name).ok());
    if let Some(value) = protocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, value);
    }
    let deflate = accept.deflate.as_ref().map(|agreed| agreed.to_header());
    if let Some(value) = deflate.and_then(|value| HeaderValue::try_from(value).ok()) {
        headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, value);
    }
    reply
}

/// A handshake that breaks RFC 6455 is answered as `rialto-ws` answers it.
fn refused_handshake(refusal: &Refusal) -> Reply {
    let mut reply = refused_upgrade(refusal.status, refusal.reason);
    if refusal.status == StatusCode::UPGRADE_REQUIRED {
        let headers = reply.headers_mut();
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    }
    reply
}
