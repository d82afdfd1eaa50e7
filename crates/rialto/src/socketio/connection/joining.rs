//! Joining namespaces: the login, the socket that comes of it, the refusal.

use super::{Connection, Joined, parse_error};
use crate::adapter::{Room, SavedSession};
use crate::ends;
use crate::engine::{Fault, random_id};
use crate::handshake::Handshake;
use crate::socketio::handler::{Admission, Refused, StartKind};
use crate::socketio::namespace::Namespace;
use crate::socketio::returning::{self, Arrival};
use crate::socketio::revision4;
use crate::socketio::running::Running;
use crate::socketio::socket::Socket;
use futures_util::future::BoxFuture;
use rialto_protocol::CloseReason;
use rialto_protocol::socketio::{self, Connected};
use serde_json::value::RawValue;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Refused CONNECT packets after which a connection is closed.
const MAX_REFUSED: u32 = 100;

type Login = BoxFuture<'static, Result<Arrival, Refused>>;

impl Connection {
    /// The client asks to join a namespace.
    pub(super) fn connect(
        &mut self,
        name: &str,
        auth: &str,
        cx: &mut Context<'_>,
    ) -> Result<(), Fault> {
        if self.outside.is_joining(name) || self.find(name).is_some() {
            return Err(parse_error(ends::JOINED_ALREADY.text));
        }
        let full = self.joined.len() + self.outside.joining() >= self.core.options.max_namespaces;
        let namespace = if full { None } else { self.core.namespace(name) };
        let Some(namespace) = namespace else {
            if full {
                return self.refuse(name, &Refused::by(ends::TOO_MANY));
            }
            let refused = Refused::new(ends::NO_NAMESPACE);
            return match revision4::is_spoken(&self.session) {
                // As the reference: an object here, a string where a middleware refuses.
                true => {
                    let data = serde_json::json!({ "message": ends::NO_NAMESPACE });
                    self.refuse(name, &refused.data(&data))
                }
                false => self.refuse(name, &refused),
            };
        };
        self.outside.ask(name);
        let handshake = self.handshake.joining(auth, namespace.params());
        // Clients of revision 4 have no secret to come back by.
        let claim = match namespace.returning() {
            Some(_) if !revision4::is_spoken(&self.session) => returning::claim(&handshake),
            _ => None,
        };
        let future = match claim {
            Some(claim) => returning::admit(Arc::clone(&namespace), handshake, claim),
            None => match Arc::clone(namespace.handler()).admit(&handshake) {
                Admission::Now(start) => {
                    self.join(namespace, handshake, Arrival::new(start), cx);
                    return Ok(());
                }
                Admission::Later(future) => {
                    Box::pin(async move { Ok(Arrival::new(future.await?)) })
                }
            },
        };
        self.outside.begin(Arc::clone(&namespace));
        let future = in_time(self.core.options.connect_timeout, future);
        self.running.push(Running::Login { namespace, auth: auth.into(), future });
        Ok(())
    }

    /// Joins the main namespace, once, for a client that expects it.
    pub(super) fn join_main(&mut self, cx: &mut Context<'_>) {
        if self.joins_main
            && std::mem::take(&mut self.joins_main)
            && self.session.is_open()
            && let Err(fault) = self.connect("/", "", cx)
        {
            self.session.close_with(fault.reason, ends::REFUSED);
        }
    }

    /// [`Connection::refuse`], where nobody above takes the fault.
    pub(super) fn turn_away(&mut self, namespace: &str, refused: &Refused) {
        if let Err(fault) = self.refuse(namespace, refused) {
            self.session.close_with(fault.reason, ends::REFUSED);
        }
    }

    fn refuse(&mut self, namespace: &str, refused: &Refused) -> Result<(), Fault> {
        tracing::debug!(?namespace, "a client may not join: {}", refused.message());
        if revision4::is_spoken(&self.session) {
            self.send(|out| revision4::encode_refusal(out, namespace, refused));
        } else {
            let data = refused.data_json();
            let data = data.and_then(|json| RawValue::from_string(json.to_owned()).ok());
            self.send(|out| {
                socketio::encode_connect_error(out, namespace, refused.message(), data.as_deref())
            });
        }
        let by =
            self.core.options.refused_timeout.and_then(|time| Instant::now().checked_add(time));
        self.connect_by = self.connect_by.into_iter().chain(by).min();
        if self.outside.refuse() > MAX_REFUSED {
            return Err(Fault { reason: CloseReason::ForcedClose, text: ends::REFUSED.text });
        }
        Ok(())
    }

    /// The public id of a socket: its former one, if it comes back.
    fn socket_id(
        &self,
        namespace: &Namespace,
        saved: Option<&SavedSession>,
    ) -> std::io::Result<Room> {
        if let Some(saved) = saved {
            return Ok(Arc::clone(&saved.id));
        }
        let id = match revision4::is_spoken(&self.session) {
            true => revision4::socket_id(&self.session, namespace.name()),
            false => random_id()?,
        };
        Ok(id.into())
    }

    /// The client joins the namespace.
    pub(super) fn join(
        &mut self,
        namespace: Arc<Namespace>,
        handshake: Handshake,
        arrival: Arrival,
        cx: &mut Context<'_>,
    ) {
        let Arrival { start, session: saved } = arrival;
        let Ok(id) = self.socket_id(&namespace, saved.as_deref()) else {
            self.turn_away(namespace.name(), &Refused::by(ends::NO_ID));
            return self.core.tidy(&namespace);
        };
        self.connect_by = None;
        let session = Arc::clone(&self.session);
        let old = revision4::is_spoken(&self.session);
        let returning = namespace.returning().filter(|_| !old);
        let identity = returning.and_then(|it| it.identify(saved.as_deref()));
        let socket = Socket::new(id, session, Arc::clone(&namespace), handshake, identity);
        let connected = (!old).then(|| Connected { sid: socket.id(), pid: socket.pid() });
        let greet = |connection: &Self| {
            connection
                .send(|out| socketio::encode_connect(out, namespace.name(), connected.as_ref()));
        };
        let start = match saved {
            Some(saved) => {
                // Clients keep what comes before the answer to their CONNECT until it is there.
                socket.rejoin(&saved);
                greet(self);
                start.prepare(&socket)
            }
            None => {
                greet(self);
                let start = start.prepare(&socket);
                // Only now may broadcasts reach it: the client knows that it has joined.
                namespace.adapter().add(socket.member());
                start
            }
        };
        socket.arrive();
        self.begin(socket, start, cx);
    }

    /// Starts what serves a socket that has joined.
    fn begin(&mut self, socket: Socket, start: StartKind, cx: &mut Context<'_>) {
        // Most clients join one namespace: room for four would rest with each of them.
        self.joined.reserve_exact(1);
        match start {
            StartKind::Run(run) => {
                self.joined.push(Joined { socket: socket.clone(), table: None });
                self.running.push(Running::Handler { future: run(socket.clone()), socket });
            }
            StartKind::Table(table) => {
                let connected = table.connected(&socket);
                self.joined.push(Joined { socket: socket.clone(), table: Some(table) });
                for mut future in connected {
                    match future.as_mut().poll(cx) {
                        Poll::Ready(result) => self.connected(&socket, result),
                        Poll::Pending => {
                            let closed = socket.wait_closed();
                            self.running.push(Running::Connect { closed, future });
                        }
                    }
                }
            }
        }
    }

    /// `on_connect` has ended.
    pub(super) fn connected(&self, socket: &Socket, result: crate::Result<()>) {
        if let Err(error) = result {
            self.report(socket, "connect", &error);
        }
    }
}

/// A login that may not last for ever, whether or not its client is still there.
fn in_time(limit: Duration, login: Login) -> Login {
    Box::pin(async move {
        let late = |_| Err(Refused::by(ends::LOGIN_LATE));
        tokio::time::timeout(limit, login).await.unwrap_or_else(late)
    })
}
