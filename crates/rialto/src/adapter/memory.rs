//! The adapter of a single machine.

use super::history::{History, Keep};
use super::index::{Index, Seat};
use super::ledger::Ledger;
use super::log::Log;
use super::recovery::{Marks, Recovery, SavedSession};
use super::rooms::tell;
use super::{AckRequest, Adapter, Host, Member, Operation, Room, SocketDetails, Target};
use crate::encoded::Encoded;
use crate::options::Options;
use data_encoding::BASE64URL_NOPAD;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

/// Rooms in memory, for one machine. The default.
#[derive(Default)]
pub struct Memory {
    index: Mutex<Index>,
    host: OnceLock<Weak<dyn Host>>,
    log: Option<Arc<Log>>,
}

impl Memory {
    /// An adapter without sockets.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An adapter that keeps packets and sessions as
    /// [`Options::connection_state_recovery`](crate::Options) says; nothing where that is off. Its
    /// `max_sessions` counts what this adapter keeps; those that a server makes by itself count
    /// together.
    #[must_use]
    pub fn with_recovery(options: &Options) -> Self {
        Self::sharing(options, &Arc::default())
    }

    /// The same for one of several namespaces, whose sessions are counted together.
    pub(crate) fn sharing(options: &Options, ledger: &Arc<Ledger>) -> Self {
        let Some(recovery) = &options.connection_state_recovery else { return Self::new() };
        let sessions = recovery.max_disconnection_duration;
        // A packet is older than that before a lost connection is noticed: by a ping and the time
        // in which the one before it was to be answered. Whatever is older has been received.
        let unnoticed = options.ping_interval.saturating_add(options.ping_timeout * 2);
        let keep = Keep {
            sessions,
            packets: sessions.saturating_add(unnoticed),
            max_bytes: recovery.max_bytes,
            max_sessions: recovery.max_sessions,
        };
        let mut epoch = [0; 6];
        if let Err(error) = getrandom::fill(&mut epoch) {
            tracing::error!(%error, "no randomness: clients that come back are not recovered");
            return Self::new();
        }
        let history = History::new(keep, &BASE64URL_NOPAD.encode(&epoch));
        Self { log: Some(Log::new(history, Arc::clone(ledger))), ..Self::default() }
    }

    fn head(&self) -> Option<u64> {
        self.log.as_ref().map(|log| log.head())
    }

    /// Changes rooms, and tells the namespace afterwards.
    fn change<R>(&self, work: impl FnOnce(&mut Index) -> R) -> R {
        let watcher = self.watcher();
        let result = self.change_for(watcher, work);
        self.tell(watcher);
        result
    }

    /// The namespace, if it wants to be told of changes.
    fn watcher(&self) -> Option<&Weak<dyn Host>> {
        self.host.get().filter(|host| host.upgrade().is_some_and(|host| host.watches_rooms()))
    }

    /// Changes rooms, and notes what [`Memory::tell`] is to tell.
    fn change_for<R>(
        &self,
        watcher: Option<&Weak<dyn Host>>,
        work: impl FnOnce(&mut Index) -> R,
    ) -> R {
        let mut index = self.index.lock();
        index.watched = watcher.is_some();
        work(&mut index)
    }

    /// Tells what was noted. Listeners may do as they like: nothing is locked.
    fn tell(&self, watcher: Option<&Weak<dyn Host>>) {
        if let Some(host) = watcher {
            tell(host, |with| with(&mut self.index.lock().changes));
        }
    }

    fn for_each(&self, target: &Target, mut work: impl FnMut(&Arc<dyn Member>)) {
        let found = self.index.lock().find(target);
        found.for_each(&mut work);
    }
}

impl Adapter for Memory {
    fn open(&self, host: Weak<dyn Host>) {
        let _first = self.host.set(host);
    }

    fn add(&self, member: Arc<dyn Member>) {
        let id = Arc::clone(member.id());
        let mut index = self.index.lock();
        if let Some(since) = self.head() {
            index.marks.insert(Arc::clone(&id), Marks { since, ..Marks::default() });
        }
        drop(id);
        let earlier = Arc::make_mut(&mut index.all).replace(Seat(member));
        drop(index);
        // It may be the last to hold that socket, and with it data of the program.
        drop(earlier);
    }

    fn remove(&self, id: &str) {
        let left = self.change(|index| {
            for room in index.joined.remove(id).unwrap_or_default() {
                index.leave(id, &room);
            }
            index.marks.remove(id);
            Arc::make_mut(&mut index.all).swap_take(id)
        });
        drop(left);
    }

    fn join(&self, id: &str, rooms: &[Room]) -> bool {
        // Read before the rooms have a new member: what is sent meanwhile counts as missed.
        self.change(|index| !index.is_beyond(id, rooms) && index.join(id, rooms, || self.head()))
    }

    fn leave(&self, id: &str, room: &str) {
        self.change(|index| {
            index.leave(id, room);
            if let Some(marks) = index.marks.get_mut(id) {
                marks.rooms.retain(|(name, _)| **name != *room);
            }
            if let Some(joined) = index.joined.get_mut(id) {
                joined.retain(|name| **name != *room);
                if joined.is_empty() {
                    index.joined.remove(id);
                }
            }
        });
    }

    fn rooms(&self, id: &str) -> Vec<Room> {
        let mut rooms = self.index.lock().joined.get(id).cloned().unwrap_or_default();
        rooms.sort_unstable();
        rooms
    }

    fn sizes(&self) -> BTreeMap<Room, usize> {
        let index = self.index.lock();
        index.rooms.iter().map(|(room, members)| (Arc::clone(room), members.len())).collect()
    }

    fn count(&self) -> usize {
        self.index.lock().all.len()
    }

    fn broadcast(&self, packet: &Encoded, target: &Target, ack: Option<&AckRequest>) {
        // Everything that one connection receives in this turn leaves in one write.
        let _turn = rialto_ws::turn::enter();
        if self.log.is_none() || ack.is_some() {
            return self.for_each(target, |member| member.deliver(packet, ack));
        }
        self.record(packet, target, &mut |packet| {
            self.for_each(target, |member| member.deliver(packet, None));
            true
        });
    }

    fn recovery(&self) -> Option<&dyn Recovery> {
        self.log.is_some().then_some(self)
    }

    fn apply(&self, target: &Target, operation: &Operation) {
        let members = self.members(target);
        let _turn = rialto_ws::turn::enter();
        for member in members {
            match operation {
                Operation::Join(rooms) => {
                    if !self.join(member.id(), rooms) {
                        member.refused_rooms();
                    }
                }
                Operation::Leave(rooms) => {
                    rooms.iter().for_each(|room| self.leave(member.id(), room));
                }
                Operation::Disconnect { close } => member.disconnect(*close),
            }
        }
    }

    fn fetch<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, crate::Result<Vec<SocketDetails>>> {
        let describe = |member: Arc<dyn Member>| {
            let rooms = self.rooms(member.id());
            SocketDetails::local(member, rooms)
        };
        let sockets = self.members(target).into_iter().map(describe).collect();
        Box::pin(std::future::ready(Ok(sockets)))
    }

    fn members(&self, target: &Target) -> Vec<Arc<dyn Member>> {
        let mut members = Vec::new();
        self.for_each(target, |member| members.push(Arc::clone(member)));
        members
    }
}

impl Recovery for Memory {
    fn record(&self, packet: &Encoded, target: &Target, send: &mut dyn FnMut(&Encoded) -> bool) {
        let Some(log) = &self.log else {
            send(packet);
            return;
        };
        log.with(|history| {
            if packet.is_volatile() {
                if packet.ends_with_string() {
                    send(&packet.with_argument(&history.offset(history.head())));
                } else {
                    send(packet);
                }
                return;
            }
            let packet = packet.with_argument(&history.offset(history.head() + 1));
            if send(&packet) {
                history.push(packet, target.clone(), Instant::now());
            }
        });
    }

    fn persist_session(&self, mut session: SavedSession) {
        let Some(log) = &self.log else { return };
        let pid = session.pid.clone();
        let (persisted, most) = log.with(|history| {
            if let Some(marks) = self.index.lock().marks.get(&session.id) {
                session.marks = marks.clone();
            }
            (history.persist(session, Instant::now()), history.most_sessions())
        });
        if let Some(persisted) = persisted {
            log.ledger().enter(log, pid, persisted, most);
        }
    }

    fn restore_session<'a>(
        &'a self,
        pid: &'a str,
        offset: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Option<SavedSession>> {
        let restore = |history: &mut History| history.restore(pid, offset, limit, Instant::now());
        let session = self.log.as_ref().and_then(|log| log.with(restore));
        Box::pin(std::future::ready(session))
    }

    fn forget_session(&self, id: &str) -> bool {
        self.log.as_ref().is_some_and(|log| log.with(|history| history.forget_socket(id)))
    }

    fn rejoin(
        &self,
        session: &SavedSession,
        member: Arc<dyn Member>,
        hand: &mut dyn FnMut(&Encoded),
    ) {
        let watcher = self.watcher();
        let join = || {
            let id = Arc::clone(member.id());
            self.add(member);
            self.change_for(watcher, |index| {
                index.join(&id, &session.rooms, || self.head());
                index.marks.insert(id, session.marks.clone());
            });
        };
        match &self.log {
            Some(log) => log.with(|history| {
                history.missed(session).for_each(hand);
                join();
            }),
            None => join(),
        }
        self.tell(watcher);
    }

    fn keeps_sessions(&self) -> bool {
        self.log.as_ref().is_some_and(|log| {
            log.with(|history| {
                history.purge(Instant::now());
                history.sessions() > 0
            })
        })
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let index = self.index.lock();
        f.debug_struct("Memory")
            .field("sockets", &index.all.len())
            .field("rooms", &index.rooms.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::encoded::Flags;
    use crate::options::ConnectionStateRecovery;
    use std::time::Duration;

    struct Peer(Room, Mutex<u32>, Handshake);
    use crate::handshake::Handshake;

    impl Member for Peer {
        fn id(&self) -> &Room {
            &self.0
        }
        fn deliver(&self, _: &Encoded, _: Option<&AckRequest>) {
            *self.1.lock() += 1;
        }
        fn disconnect(&self, _: bool) {}
        fn handshake(&self) -> &Handshake {
            &self.2
        }
        fn shared_data(&self) -> Option<Arc<str>> {
            None
        }
    }

    /// Sockets a, b, c; a and b in `x`, b and c in `y`.
    fn three() -> (Memory, Vec<Arc<Peer>>) {
        let memory = Memory::new();
        let peers: Vec<_> = ["a", "b", "c"]
            .iter()
            .map(|id| {
                let handshake = Handshake::new(rialto_ws::Request::default(), None);
                Arc::new(Peer(Room::from(*id), Mutex::new(0), handshake))
            })
            .collect();
        for peer in &peers {
            memory.add(peer.clone());
        }
        for (id, room) in [("a", "x"), ("b", "x"), ("b", "y"), ("c", "y")] {
            assert!(memory.join(id, &[Room::from(room)]));
        }
        (memory, peers)
    }

    fn reached(rooms: &[&str], except: &[&str]) -> String {
        let (memory, peers) = three();
        let names = |list: &[&str]| list.iter().map(|name| Room::from(*name)).collect();
        let target = Target { rooms: names(rooms), except: names(except), local: false };
        let packet = Encoded::new(None, "2[\"x\"]", &[], Flags::default()).unwrap();
        memory.broadcast(&packet, &target, None);
        let mut out = String::new();
        for peer in peers {
            assert!(*peer.1.lock() <= 1, "{} was reached twice", peer.0);
            if *peer.1.lock() == 1 {
                out.push_str(&peer.0);
            }
        }
        out
    }

    #[test]
    fn targets_are_unions_without_unions_and_each_member_counts_once() {
        assert_eq!(reached(&[], &[]), "abc");
        assert_eq!(reached(&["x"], &[]), "ab");
        assert_eq!(reached(&["x", "y"], &[]), "abc");
        assert_eq!(reached(&["x", "y"], &["x"]), "c");
        assert_eq!(reached(&[], &["b"]), "ac");
        assert_eq!(reached(&["a"], &[]), "a");
        assert_eq!(reached(&["a", "x"], &["b"]), "a");
        assert_eq!(reached(&["nobody"], &[]), "");
        assert_eq!(reached(&["x", "x", "y"], &["c"]), "ab");
        let many = ["0", "1", "2", "3", "4", "5", "6", "x", "y", "a"];
        assert_eq!(reached(&many, &[]), "abc");
        assert_eq!(reached(&many, &["a", "y"]), "");
        assert_eq!(reached(&many, &["y"]), "a");
    }

    /// The adapters of others have what the trait does by itself.
    struct Plain(Memory);

    impl Adapter for Plain {
        fn add(&self, member: Arc<dyn Member>) {
            self.0.add(member);
        }
        fn remove(&self, id: &str) {
            self.0.remove(id);
        }
        fn join(&self, id: &str, rooms: &[Room]) -> bool {
            self.0.join(id, rooms)
        }
        fn leave(&self, id: &str, room: &str) {
            self.0.leave(id, room);
        }
        fn rooms(&self, id: &str) -> Vec<Room> {
            self.0.rooms(id)
        }
        fn count(&self) -> usize {
            self.0.count()
        }
        fn broadcast(&self, packet: &Encoded, target: &Target, ack: Option<&AckRequest>) {
            self.0.broadcast(packet, target, ack);
        }
        fn apply(&self, target: &Target, operation: &Operation) {
            self.0.apply(target, operation);
        }
        fn fetch<'a>(
            &'a self,
            target: &'a Target,
        ) -> BoxFuture<'a, crate::Result<Vec<SocketDetails>>> {
            self.0.fetch(target)
        }
        fn members(&self, target: &Target) -> Vec<Arc<dyn Member>> {
            self.0.members(target)
        }
    }

    #[test]
    fn rooms_have_sizes_whoever_counts() {
        let (memory, _) = three();
        assert!(memory.join("c", &["z".into(), "c".into()]));
        let expected = [("x".into(), 2), ("y".into(), 2), ("z".into(), 1)];
        assert_eq!(memory.sizes(), BTreeMap::from(expected.clone()));
        let plain = Plain(memory);
        assert_eq!(plain.sizes(), BTreeMap::from(expected));
        plain.remove("c");
        assert_eq!(plain.sizes(), BTreeMap::from([("x".into(), 2), ("y".into(), 1)]));
        assert_eq!(plain.sizes(), plain.0.sizes());
    }

    #[test]
    fn empty_rooms_and_absent_sockets_leave_nothing_behind() {
        let (memory, _) = three();
        assert_eq!(memory.rooms("b"), ["x".into(), "y".into()]);
        memory.leave("b", "x");
        memory.remove("a");
        assert!(!memory.index.lock().rooms.contains_key("x"));
        memory.remove("b");
        memory.remove("c");
        let index = memory.index.lock();
        assert!(index.rooms.is_empty() && index.joined.is_empty() && index.all.is_empty());
        drop(index);
        assert!(!memory.join("a", &[Room::from("x")]));
    }

    #[tokio::test]
    async fn packets_are_forgotten_though_nothing_happens_any_more() {
        let moment = Duration::from_millis(1);
        let recovery = ConnectionStateRecovery::default().max_disconnection_duration(moment);
        let options = Options::default().ping_interval(moment).ping_timeout(moment);
        let memory = Memory::with_recovery(&options.connection_state_recovery(recovery));
        let log = memory.log.clone().unwrap();
        let packet = Encoded::new(None, "2[\"x\"]", &[], Flags::default()).unwrap();
        // Twice: the task that has done its work is followed by another.
        for head in 1..=2 {
            memory.broadcast(&packet, &Target::default(), None);
            assert!(log.with(|history| history.next_purge().is_some()));
            let forgotten = async {
                while log.with(|history| history.next_purge().is_some()) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), forgotten).await.unwrap();
            assert_eq!(memory.head(), Some(head));
        }
    }
}
