//! Long-polling: a GET that waits for packets, a POST for each batch.

use super::reply::{Reply, ended, plain, refused};
use super::revision3::Payload;
use super::session::{Inner, Session};
use crate::compression::{self, AsItIs};
use crate::ends::{self, End};
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use rialto_protocol::CloseReason;
use rialto_protocol::engine::revision3::PayloadDecoder as PayloadDecoder3;
use rialto_protocol::engine::{
    self, HandshakeError, Packet, PayloadDecoder, Received, Refusal, State, Version, Violation,
    jsonp,
};
use rialto_ws::{Message, Text};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// How much of a refused body is read, and for how long.
const DISCARD_BYTES: usize = 16 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(2);

/// A payload as the answer to a GET.
pub(super) fn payload(body: Payload, jsonp: Option<&str>) -> Reply {
    let body = match jsonp {
        Some(index) => body.into_script(index),
        None => body,
    };
    let mut reply = plain(StatusCode::OK, body.content_type, body.bytes);
    if !body.compress {
        reply.extensions_mut().insert(AsItIs);
    }
    if jsonp.is_some() {
        let nosniff = HeaderValue::from_static("nosniff");
        reply.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    }
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// Answers a GET when there is something to send.
pub(super) async fn poll(session: &Arc<Session>, jsonp: Option<&str>) -> Reply {
    let started =
        session.update(|inner| admitted(inner, |machine| machine.poll_started(Instant::now())));
    let kind = match started {
        Ok(kind) => kind,
        Err(refusal) => return turned_down(refusal),
    };
    let guard = PollGuard::new(Arc::clone(session));
    let body = poll_fn(|cx| poll_body(session, kind, cx)).await;
    guard.answered();
    let takes_time = body.bytes.len() > compression::BLOCKING;
    let mut reply = payload(body, jsonp);
    if takes_time {
        reply.extensions_mut().insert(Fetched(Arc::clone(session)));
    }
    reply
}

/// Whose packets a long answer holds, which may be compressed before it leaves: an extension.
#[derive(Clone)]
pub(super) struct Fetched(Arc<Session>);

/// Watches over the packets of a long answer until they leave, if it is one.
pub(super) fn guard(reply: &mut Reply) -> Option<PollGuard> {
    reply.extensions_mut().remove().map(|Fetched(session)| PollGuard::new(session))
}

/// The body of the answer, once there is something to say; it ends the poll.
///
/// The close packet comes alone: stock clients deal with it before the messages beside it.
fn poll_body(session: &Session, kind: engine::Poll, cx: &mut Context<'_>) -> Poll<Payload> {
    let version = session.version();
    let control = |packet| Payload::control(version, packet);
    session.update(|inner| {
        let limit = session.options().max_payload;
        let released = inner.machine.must_release_poll() || kind != engine::Poll::Hold;
        let (body, last) = match inner.machine.state() {
            // The client has said goodbye itself and expects no more than the end of its poll.
            State::Closed(CloseReason::TransportClose) => (control("6"), true),
            State::Closed(_) => (control("1"), true),
            _ if inner.has_waiting() => {
                (inner.take_payload(version, session.base64(), limit), false)
            }
            State::Closing(_) => (control("1"), true),
            State::Open if released => (control("6"), false),
            State::Open => {
                inner.register_poll(cx);
                return Poll::Pending;
            }
        };
        match last {
            true => inner.machine.poll_ended(),
            false => inner.machine.poll_answered(),
        }
        Poll::Ready(body)
    })
}

/// Tells the session if the client broke off its poll.
pub(super) struct PollGuard(Option<Arc<Session>>);

impl PollGuard {
    fn new(session: Arc<Session>) -> Self {
        Self(Some(session))
    }

    /// The poll has its answer.
    pub(super) fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for PollGuard {
    fn drop(&mut self) {
        if let Some(session) = &self.0 {
            session.update(|inner| {
                inner.machine.poll_lost();
                inner.explain(ends::POLL_LOST);
            });
        }
    }
}

/// Takes the packets of a POST.
pub(super) async fn post(
    session: &Arc<Session>,
    request: Request<Body>,
    peer: Option<SocketAddr>,
    jsonp: bool,
) -> Reply {
    let started =
        session.update(|inner| admitted(inner, |machine| machine.post_started(Instant::now())));
    if let Err(refusal) = started {
        return turned_down(refusal);
    }
    let mut guard = PostGuard { session, received: false };
    let binary = is_binary(&request);
    let body = match read_body(session, request, peer).await {
        Ok(body) => body,
        Err(reply) => {
            // Whoever sent too much is told so, and decides; the reference does the same.
            guard.received = reply.status() == StatusCode::PAYLOAD_TOO_LARGE;
            return reply;
        }
    };
    let form = match (jsonp, binary) {
        (true, _) => Form::Jsonp,
        (_, true) => Form::Binary,
        _ => Form::Text,
    };
    let taken = match receive(session, body, form) {
        Ok(taken) => taken,
        Err(violation) => {
            guard.received = true;
            return refused(HandshakeError::BadRequest, Some(violation.as_str()));
        }
    };
    // One batch may wait beside the one that is being handled: the answer to this POST is what
    // lets the client send the next. One that it breaks off ends the session, or those who break
    // off each would pile up batches here.
    match taken {
        Some(true) => {}
        Some(false) => poll_fn(|cx| session.poll_taken(cx)).await,
        None => {
            // The client has moved to its WebSocket meanwhile.
            guard.received = true;
            return turned_down(Refusal::WrongTransport);
        }
    }
    guard.received = true;
    plain(StatusCode::OK, "text/html", "ok")
}

/// What a POST's body is.
#[derive(Clone, Copy)]
enum Form {
    Text,
    /// Of revision 3 alone.
    Binary,
    /// A form with the text in one of its fields.
    Jsonp,
}

fn is_binary(request: &Request<Body>) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|value| value.as_bytes().starts_with(b"application/octet-stream"))
}

async fn read_body(
    session: &Session,
    request: Request<Body>,
    peer: Option<SocketAddr>,
) -> Result<Bytes, Reply> {
    let limit = session.options().max_payload;
    let headers = request.headers();
    if is_binary(&request) && session.version() == Version::V4 {
        let reason = "protocol 4 has no binary payloads";
        return Err(refused(HandshakeError::BadRequest, Some(reason)));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let length = length.and_then(|text| text.parse::<u64>().ok());
    let too_large = || {
        session.warn_of_large(length, peer);
        ended(ends::TOO_LARGE)
    };
    let mut body = request.into_body();
    if length.is_some_and(|length| length > limit as u64) {
        discard(body);
        return Err(too_large());
    }
    let reading = Limited::new(&mut body, limit).collect();
    match tokio::time::timeout(session.options().body_timeout, reading).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            discard(body);
            Err(too_large())
        }
        Ok(Err(_)) => Err(refused(HandshakeError::BadRequest, Some("the body ended early"))),
        Err(_) => Err(ended(ends::TOO_SLOW)),
    }
}

/// Reads and drops the rest of a refused body, a bounded while: a connection that ends with bytes
/// unread is reset, and then its client may never see the answer.
fn discard(body: Body) {
    let mut rest = Limited::new(body, DISCARD_BYTES);
    tokio::spawn(tokio::time::timeout(DISCARD_TIME, async move {
        while let Some(Ok(_)) = rest.frame().await {}
    }));
}

/// Judges the packets of a body and hands its messages on, before anybody hears of a CLOSE behind
/// them: see [`Inner::deliver`] for what it returns.
fn receive(session: &Session, body: Bytes, form: Form) -> Result<Option<bool>, Violation> {
    session.update(|inner| {
        let received = payload_messages(inner, session.version(), body, form);
        inner.explain(match &received {
            Ok(_) => ends::LEFT,
            Err(violation) => End::broken(violation.as_str()),
        });
        let messages = received?;
        Ok(if messages.is_empty() { Some(true) } else { inner.deliver(messages) })
    })
}

fn payload_messages(
    inner: &mut Inner,
    version: Version,
    body: Bytes,
    form: Form,
) -> Result<Vec<Message>, Violation> {
    let taken = match form {
        Form::Jsonp => jsonp::payload(&body).map(|text| Bytes::from(text.into_owned())),
        Form::Text | Form::Binary => Ok(body),
    };
    let body = taken.map_err(|violation| inner.machine.fail(violation))?;
    if let (Version::V3, Form::Binary) = (version, form) {
        return messages(inner, PayloadDecoder3::binary(&body), &body);
    }
    let text = std::str::from_utf8(&body);
    let text = text.map_err(|_| inner.machine.fail(Violation::InvalidUtf8))?;
    match version {
        Version::V3 => messages(inner, PayloadDecoder3::text(text), &body),
        Version::V4 => messages(inner, PayloadDecoder::new(text), &body),
    }
}

/// Lets a request of the session in; says why, if that is the session's end.
fn admitted<T>(
    inner: &mut Inner,
    start: impl FnOnce(&mut engine::Session) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    start(&mut inner.machine).inspect_err(|refusal| {
        if let Refusal::Overlap(violation) = refusal {
            inner.explain(End::broken(violation.as_str()));
        }
    })
}

fn messages<'a>(
    inner: &mut Inner,
    packets: impl Iterator<Item = Result<Packet<'a>, Violation>>,
    body: &Bytes,
) -> Result<Vec<Message>, Violation> {
    let now = Instant::now();
    let mut messages = Vec::new();
    for packet in packets {
        let packet = packet.map_err(|violation| inner.machine.fail(violation))?;
        match inner.machine.receive(&packet, now)? {
            Received::Message => messages.push(message(&packet, body)),
            Received::Ping => inner.answer_ping(),
            Received::Nothing | Received::Closed(_) => {}
        }
    }
    Ok(messages)
}

/// The packet's message as a slice of the body.
fn message(packet: &Packet<'_>, body: &Bytes) -> Message {
    match packet {
        Packet::Text(text) => {
            let slice = body.slice_ref(text.as_bytes());
            Message::Text(Text::from_bytes(slice).unwrap_or_default())
        }
        Packet::Binary(data) => Message::Binary(Bytes::copy_from_slice(data)),
        _ => Message::Binary(Bytes::new()),
    }
}

/// Tells the session how its POST ended, also if the client broke it off.
struct PostGuard<'a> {
    session: &'a Session,
    received: bool,
}

impl Drop for PostGuard<'_> {
    fn drop(&mut self) {
        self.session.update(|inner| match self.received {
            true => inner.machine.post_ended(),
            false => {
                inner.machine.post_lost();
                inner.explain(ends::POST_LOST);
            }
        });
    }
}

fn turned_down(refusal: Refusal) -> Reply {
    let reason = match refusal {
        Refusal::Overlap(violation) => Some(violation.as_str()),
        _ => None,
    };
    refused(refusal.handshake_error(), reason)
}
