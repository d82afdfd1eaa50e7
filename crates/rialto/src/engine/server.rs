//! The engine: the table of sessions, and where requests enter.

use super::addresses::{Counted, Place};
use super::admission::{crowded, deny, foreign_origin, refuse};
use super::cors::{Admitted, Asker, add_cors, preflight};
use super::driver::{Client, Driver};
use super::hooks;
use super::host::Host;
use super::id::{self, Id};
use super::jsonp;
use super::layers::{Layers, Stack};
use super::polling;
use super::reply::{Began, Refusal, Reply, ended, ended_upgrade, failed};
use super::revision3::Payload;
use super::session::Session;
use super::upgrade;
use crate::compression;
use crate::ends::{self, RequestEnd};
use crate::handshake::Handshake;
use crate::net::Secured;
use crate::options::{ConnectionError, Options};
use crate::panics::{caught, caught_in};
use axum::body::Body;
use http::{Method, Request, header};
use parking_lot::Mutex;
use rialto_protocol::CloseReason;
use rialto_protocol::engine::{self, HandshakeError, Open, Query, Transport, Version};
use rialto_ws::{MessageRef, WebSocket};
use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

/// What is served above Engine.IO.
pub(crate) trait App: Send + Sync + 'static {
    /// A session has opened.
    fn open(&self, session: Arc<Session>, handshake: Handshake) -> Box<dyn Client>;
}

/// What is known of a session before it begins.
pub(super) struct Opening {
    id: Id,
    version: Version,
    /// It cannot receive binary.
    base64: bool,
    /// Among the sessions of its address, where these are counted.
    place: Option<Place>,
}

impl Opening {
    fn of(query: &Query<'_>, id: Id, place: Option<Place>) -> Self {
        // What comes by JSONP is text.
        Self { id, version: query.version, base64: query.base64 || query.jsonp.is_some(), place }
    }
}

/// An Engine.IO server for one path.
pub(crate) struct Engine {
    host: Arc<Host>,
    times: Arc<engine::Config>,
    app: Box<dyn App>,
    /// What stands before it, if anything.
    stack: Option<Stack>,
    sessions: Mutex<HashSet<ById>>,
}

impl Engine {
    pub(crate) fn new(host: Arc<Host>, app: Box<dyn App>, layers: &Layers) -> Arc<Self> {
        let options = &host.options;
        let times = engine::Config {
            ping_interval: options.ping_interval,
            ping_timeout: options.ping_timeout,
            upgrade_timeout: options.upgrade_timeout,
            allow_upgrades: options.allow_upgrades,
            ..engine::Config::default()
        };
        Arc::new(Self {
            times: Arc::new(times),
            host,
            app,
            stack: layers.stack(),
            sessions: Mutex::default(),
        })
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn options(&self) -> &Arc<Options> {
        &self.host.options
    }

    /// Sessions that are open, those included that are just closing.
    pub(crate) fn sessions(&self) -> usize {
        self.sessions.lock().len()
    }

    /// Closes every session.
    pub(crate) fn close_all(&self, reason: CloseReason) {
        let sessions: Vec<_> =
            self.sessions.lock().iter().map(|ById(session)| Arc::clone(session)).collect();
        let _turn = rialto_ws::turn::enter();
        for session in sessions {
            session.close_with(reason, ends::STOPPED);
        }
    }

    /// Answers a request on the engine's path, whatever panics on the way.
    pub(crate) async fn handle(
        self: &Arc<Self>,
        request: Request<Body>,
        peer: Option<SocketAddr>,
    ) -> Reply {
        let upgrade = upgrade::is_upgrade(&request);
        let reply = caught_in("a function that answers requests", self.respond(request, peer));
        reply.await.unwrap_or_else(|_| failed(upgrade))
    }

    async fn respond(
        self: &Arc<Self>,
        mut request: Request<Body>,
        peer: Option<SocketAddr>,
    ) -> Reply {
        let asker = Asker::of(self.options(), &request, peer).await;
        asker.mark(&mut request);
        let answered = preflight(self.options(), &asker, request.method(), request.headers());
        let mut reply = match (answered, &self.stack) {
            (Some(reply), _) => reply,
            (None, Some(stack)) => Box::pin(stack.call(self, request, peer)).await,
            (None, None) => self.serve(request, peer).await,
        };
        add_cors(self.options(), &asker, &mut reply);
        reply
    }

    /// Answers a request that has passed the layers.
    pub(super) async fn serve(
        self: &Arc<Self>,
        request: Request<Body>,
        peer: Option<SocketAddr>,
    ) -> Reply {
        let settings = self.options().http_compression.as_ref();
        let accepted = settings.and_then(|some| compression::choose(some, request.headers()));
        let hooked = hooks::note(self.options(), &request);
        let mut reply = self.answer_and_tell(request, peer).await;
        if let Some(hooked) = hooked {
            reply = hooked.add(self, reply);
        }
        match settings.zip(accepted) {
            Some((settings, encoding)) => {
                let guard = polling::guard(&mut reply);
                let reply = Box::pin(compression::compress_reply(settings, encoding, reply)).await;
                if let Some(guard) = guard {
                    guard.answered();
                }
                reply
            }
            None => reply,
        }
    }

    /// Answers a request; a refusal is told to whoever wants to know.
    async fn answer_and_tell(
        self: &Arc<Self>,
        request: Request<Body>,
        peer: Option<SocketAddr>,
    ) -> Reply {
        if self.options().on_connection_error.is_none() {
            return self.answer(request, peer).await;
        }
        let (parts, body) = request.into_parts();
        let handshake = Handshake::new(rialto_ws::Request::from_parts(&parts), peer);
        let reply = self.answer(Request::from_parts(parts, body), peer).await;
        self.tell_of(&reply, &handshake);
        reply
    }

    /// Tells whoever wants to know that a request was refused before it came here.
    pub(crate) fn tell(&self, refusal: &Reply, request: Request<Body>, peer: Option<SocketAddr>) {
        if self.options().on_connection_error.is_some() {
            let (parts, _) = request.into_parts();
            let request = rialto_ws::Request::from_parts(&parts);
            self.tell_of(refusal, &Handshake::new(request, peer));
        }
    }

    fn tell_of(&self, reply: &Reply, handshake: &Handshake) {
        let listener = self.options().on_connection_error.as_ref();
        let Some((listener, refusal)) = listener.zip(reply.extensions().get::<Refusal>()) else {
            return;
        };
        let Refusal { code, message, context } = refusal;
        let error = ConnectionError { code: *code, message, context, handshake };
        // The refusal stands, whatever becomes of this.
        let _told = caught("on_connection_error", || listener.tell(&error));
    }

    async fn answer(self: &Arc<Self>, request: Request<Body>, peer: Option<SocketAddr>) -> Reply {
        let upgrade = upgrade::is_upgrade(&request);
        let raw = request.uri().query().unwrap_or_default().to_owned();
        let query = match Query::parse(&raw) {
            Ok(query) => query,
            Err(error) => return refuse(upgrade, error, None),
        };
        if !self.options().transports.contains(&query.transport) {
            return refuse(upgrade, HandshakeError::TransportUnknown, None);
        }
        if request.extensions().get::<Admitted>().is_none()
            && let Some(reply) = foreign_origin(self.options(), request.headers())
        {
            return reply;
        }
        if query.jsonp.is_some()
            && !upgrade
            && let Some((error, reason)) = jsonp::refusal(self.options(), request.headers())
        {
            return refuse(upgrade, error, Some(reason));
        }
        // A WebSocket has to come as an upgrade, and an upgrade has to be a WebSocket.
        let fits = upgrade == (query.transport == Transport::WebSocket);
        match &query.sid {
            Some(sid) => {
                let Some(session) = self.find(sid) else {
                    id::explain(sid);
                    return refuse(upgrade, HandshakeError::SessionUnknown, None);
                };
                if !fits || query.version != session.version() {
                    return refuse(upgrade, HandshakeError::BadRequest, None);
                }
                self.answer_session(session, request, peer, upgrade, &query).await
            }
            None if !upgrade && request.method() != Method::GET => {
                refuse(upgrade, HandshakeError::BadMethod, None)
            }
            None if !fits => refuse(upgrade, HandshakeError::BadRequest, None),
            None if query.version == Version::V3 && !self.options().allow_eio3 => {
                refuse(upgrade, HandshakeError::UnsupportedVersion, None)
            }
            None => self.open(request, upgrade, peer, &query).await,
        }
    }

    async fn answer_session(
        self: &Arc<Self>,
        session: Arc<Session>,
        request: Request<Body>,
        peer: Option<SocketAddr>,
        upgrade: bool,
        query: &Query<'_>,
    ) -> Reply {
        let jsonp = query.jsonp.as_deref();
        match *request.method() {
            // What is no proper handshake, a POST for instance, is refused as one.
            _ if upgrade => upgrade::probe(self, session, request, query),
            Method::GET => {
                // A poll waits for long: the head that asked for it does not.
                drop(request);
                polling::poll(&session, jsonp).await
            }
            Method::POST => polling::post(&session, request, peer, jsonp.is_some()).await,
            _ => refuse(upgrade, HandshakeError::BadMethod, None),
        }
    }

    pub(super) fn find(&self, sid: &str) -> Option<Arc<Session>> {
        self.sessions.lock().get(sid.as_bytes()).map(|ById(session)| Arc::clone(session))
    }

    /// Opens a session.
    async fn open(
        self: &Arc<Self>,
        request: Request<Body>,
        upgrade: bool,
        peer: Option<SocketAddr>,
        query: &Query<'_>,
    ) -> Reply {
        let (parts, body) = request.into_parts();
        let mut handshake = Handshake::of(&parts, upgrade, peer);
        if parts.extensions.get::<Secured>().is_some() {
            handshake = handshake.secured();
        }
        let Ok(place) = self.host.enter(peer) else { return crowded(&self.host, upgrade, peer) };
        if let Some(refusal) = deny(self.options(), &handshake, upgrade).await {
            return refusal;
        }
        let opening = match self.new_id(&handshake).await {
            Ok(id) => Opening::of(query, id, place),
            Err(end) if upgrade => return ended_upgrade(end),
            Err(end) => return ended(end),
        };
        if upgrade {
            return upgrade::open(self, Request::from_parts(parts, body), handshake, opening);
        }
        let Some(session) = self.start(Transport::Polling, None, handshake, opening) else {
            return ended(ends::NOT_AN_ID);
        };
        let body = self.open_packet(session.id(), Transport::Polling);
        let body = Payload::control(query.version, &body);
        let mut reply = polling::payload(body, query.jsonp.as_deref());
        reply.extensions_mut().insert(Began(session.id().into()));
        let cookie = self.options().cookie.as_ref().map(|cookie| cookie.header(session.id()));
        if let Some(Ok(cookie)) = cookie {
            reply.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        reply
    }

    /// An id for a session that begins.
    async fn new_id(&self, handshake: &Handshake) -> Result<Id, RequestEnd> {
        let Some(generate) = &self.options().generate_id else {
            return Id::random().map_err(|error| {
                tracing::error!(%error, "no randomness for a session id");
                ends::NO_RANDOMNESS
            });
        };
        let id = Id::made(generate, handshake, self.options().connect_timeout).await?;
        if self.find(id.as_str()).is_some() {
            tracing::error!("`generate_id` has made the id of a session that is open");
            return Err(ends::NOT_AN_ID);
        }
        Ok(id)
    }

    /// Makes a session and its task; on a WebSocket, the open packet is its first message.
    pub(super) fn start(
        self: &Arc<Self>,
        transport: Transport,
        socket: Option<WebSocket>,
        handshake: Handshake,
        opening: Opening,
    ) -> Option<Arc<Session>> {
        let Opening { id, version, base64, place } = opening;
        let times = Arc::clone(&self.times);
        let machine = engine::Session::with_version(times, version, transport, Instant::now());
        let engine = Arc::clone(self);
        let session = Session::new(id, engine, machine, socket.as_ref(), base64);
        let session = Arc::new(session);
        if !self.sessions.lock().insert(ById(Arc::clone(&session))) {
            tracing::error!("`generate_id` has made an id twice");
            if let Some(socket) = socket {
                socket.sender().close(ends::ID_TAKEN.code, ends::ID_TAKEN.text);
            }
            return None;
        }
        self.host.counters.opened();
        let listed = Listed(Arc::clone(&session));
        if let Some(socket) = &socket {
            let open = self.open_packet(session.id(), transport);
            socket.sender().try_send_ref(MessageRef::Text(&open)).ok()?;
        }
        let mut client = self.app.open(Arc::clone(&session), handshake);
        if let Some(place) = place {
            client = Box::new(Counted { client, _place: place });
        }
        tokio::spawn(Driver::new(listed, socket, client));
        Some(session)
    }

    fn open_packet(&self, sid: &str, transport: Transport) -> String {
        let may_upgrade = transport == Transport::Polling
            && self.options().allow_upgrades
            && self.options().transports.contains(&Transport::WebSocket);
        let open = Open {
            sid: sid.into(),
            upgrades: if may_upgrade { vec![Transport::WebSocket] } else { Vec::new() },
            ping_interval: self.options().ping_interval,
            ping_timeout: self.options().ping_timeout,
            max_payload: self.options().max_payload,
        };
        let mut packet = String::with_capacity(160);
        packet.push('0');
        // A string takes whatever is written into it.
        let _ = open.write_json(&mut packet);
        packet
    }
}

/// A session as the table finds it: its id lies nowhere else.
struct ById(Arc<Session>);

impl Borrow<[u8]> for ById {
    fn borrow(&self) -> &[u8] {
        self.0.id_bytes()
    }
}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id_bytes().hash(state);
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id_bytes() == other.0.id_bytes()
    }
}

impl Eq for ById {}

/// A session in the table: out of it when its task ends, however it ends.
pub(super) struct Listed(Arc<Session>);

impl Deref for Listed {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.0.engine().sessions.lock().remove(self.0.id_bytes());
        self.0.counters().left();
        // After a panic above the session is still open: nobody would answer its peer.
        self.0.fail(CloseReason::ForcedClose, ends::SERVER_FAILED);
    }
}
