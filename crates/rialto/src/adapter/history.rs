//! Packets and sessions kept for clients that come back. Time is an argument.

use super::recovery::SavedSession;
use super::{Room, Target};
use crate::encoded::Encoded;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Bytes that an entry costs beside its payload, roughly.
const OVERHEAD: usize = 200;
/// Characters of an epoch.
const EPOCH: usize = 8;

/// How much is kept for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    /// A session after its connection was lost.
    pub(super) sessions: Duration,
    /// A packet: longer, since the loss of a connection is noticed late.
    pub(super) packets: Duration,
    pub(super) max_bytes: usize,
    pub(super) max_sessions: usize,
}

/// What one namespace keeps.
pub(super) struct History {
    keep: Keep,
    /// Tells offsets of this history from those of an earlier process.
    epoch: Box<str>,
    /// The number of the newest packet.
    head: u64,
    entries: VecDeque<Entry>,
    bytes: usize,
    /// The newest packet that was dropped before its time, for want of room.
    gap: Option<(u64, Instant)>,
    sessions: HashMap<Box<str>, (u64, SavedSession)>,
    /// The sessions in the order of their ends; some may have been taken meanwhile.
    ends: VecDeque<End>,
    /// Sessions kept so far, which is the number of the newest.
    persisted: u64,
    /// Sessions that nobody can claim any more, to be dropped when nothing is locked.
    forgotten: Vec<SavedSession>,
}

/// A session that is kept now.
pub(super) struct Persisted {
    pub(super) session: u64,
    pub(super) end: Instant,
}

/// When a session is to be forgotten.
struct End {
    at: Instant,
    session: u64,
    pid: Box<str>,
}

struct Entry {
    number: u64,
    at: Instant,
    bytes: usize,
    packet: Encoded,
    target: Target,
}

impl History {
    /// A history with a random epoch.
    pub(super) fn new(keep: Keep, epoch: &str) -> Self {
        Self {
            keep,
            epoch: epoch.chars().take(EPOCH).collect(),
            head: 0,
            entries: VecDeque::new(),
            bytes: 0,
            gap: None,
            sessions: HashMap::new(),
            ends: VecDeque::new(),
            persisted: 0,
            forgotten: Vec::new(),
        }
    }

    pub(super) fn head(&self) -> u64 {
        self.head
    }

    /// The offset that says: this packet and all before it.
    pub(super) fn offset(&self, number: u64) -> String {
        format!("{}.{number}", self.epoch)
    }

    /// Keeps the next packet.
    pub(super) fn push(&mut self, packet: Encoded, target: Target, now: Instant) {
        self.head += 1;
        let names = target.rooms.iter().chain(&target.except).map(|name| name.len() + 16);
        let bytes = packet.len() + names.sum::<usize>() + OVERHEAD;
        self.bytes += bytes;
        self.entries.push_back(Entry { number: self.head, at: now, bytes, packet, target });
        self.purge(now);
    }

    /// Drops what is too old, then what is too much.
    pub(super) fn purge(&mut self, now: Instant) {
        while let Some(entry) = self.entries.front() {
            let old = now.saturating_duration_since(entry.at) > self.keep.packets;
            if !old && self.bytes <= self.keep.max_bytes {
                break;
            }
            if !old {
                self.gap = Some((entry.number, entry.at));
            }
            self.bytes -= entry.bytes;
            self.entries.pop_front();
        }
        while let Some(end) = self.ends.front() {
            let full = self.sessions.len() > self.keep.max_sessions
                || self.ends.len() > self.keep.max_sessions.saturating_mul(2);
            if end.at > now && !full {
                break;
            }
            let Some(end) = self.ends.pop_front() else { break };
            self.forget(&end.pid, end.session);
        }
    }

    /// When the oldest of what is kept will be too old; `None` if nothing is kept.
    pub(super) fn next_purge(&self) -> Option<Instant> {
        let packet = self.entries.front();
        let packet = packet.and_then(|entry| entry.at.checked_add(self.keep.packets));
        let session = self.ends.front().map(|end| end.at);
        packet.into_iter().chain(session).min()
    }

    /// What was forgotten since the last call.
    pub(super) fn take_forgotten(&mut self) -> Vec<SavedSession> {
        std::mem::take(&mut self.forgotten)
    }

    /// Keeps a session.
    pub(super) fn persist(&mut self, session: SavedSession, now: Instant) -> Option<Persisted> {
        let at = now.checked_add(self.keep.sessions)?;
        self.persisted += 1;
        let pid = session.pid.clone();
        self.ends.push_back(End { at, session: self.persisted, pid: pid.clone() });
        let earlier = self.sessions.insert(pid, (self.persisted, session));
        self.forgotten.extend(earlier.map(|(_, session)| session));
        self.purge(now);
        Some(Persisted { session: self.persisted, end: at })
    }

    /// Forgets a session, if it is still that one.
    pub(super) fn forget(&mut self, pid: &str, number: u64) {
        // It may have been taken and kept again since.
        if self.sessions.get(pid).is_some_and(|(kept, _)| *kept == number) {
            let session = self.sessions.remove(pid);
            self.forgotten.extend(session.map(|(_, session)| session));
        }
    }

    /// Forgets the session of the socket of this id; false if there is none.
    pub(super) fn forget_socket(&mut self, id: &str) -> bool {
        let mut sessions = self.sessions.iter();
        let kept = sessions.find(|(_, (_, session))| *session.id == *id);
        let Some((pid, number)) = kept.map(|(pid, (number, _))| (pid.clone(), *number)) else {
            return false;
        };
        self.forget(&pid, number);
        true
    }

    /// How many may be kept.
    pub(super) fn most_sessions(&self) -> usize {
        self.keep.max_sessions
    }

    pub(super) fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Takes a session for a client that has received what `offset` says.
    pub(super) fn restore(
        &mut self,
        pid: &str,
        offset: Option<&str>,
        limit: usize,
        now: Instant,
    ) -> Option<SavedSession> {
        self.purge(now);
        let (_, mut session) = self.sessions.remove(pid)?;
        if self.catch_up(&mut session, offset, limit, now).is_some() {
            return Some(session);
        }
        self.forgotten.push(session);
        None
    }

    /// Notes what the session has received; `None` if it cannot be told what it has missed.
    fn catch_up(
        &self,
        session: &mut SavedSession,
        offset: Option<&str>,
        limit: usize,
        now: Instant,
    ) -> Option<()> {
        let received = offset.map_or(Some(0), |offset| self.number(offset))?;
        // An offset from before the session is one that the client had from an earlier one.
        session.marks.received = received.max(session.marks.since);
        if let Some((number, at)) = self.gap
            && session.marks.received < number
            && now.saturating_duration_since(at) <= self.keep.packets
        {
            return None;
        }
        let missed: usize = self.missed(session).map(Encoded::len).sum();
        (missed <= limit).then_some(())
    }

    /// The number in an offset: 0 for one of an earlier process, `None` for what is no offset.
    fn number(&self, offset: &str) -> Option<u64> {
        let (epoch, number) = offset.split_once('.')?;
        let number: u64 = number.parse().ok()?;
        match epoch == &*self.epoch {
            true => (number <= self.head).then_some(number),
            false => (epoch.len() == EPOCH).then_some(0),
        }
    }

    /// What the session has missed, in order.
    pub(super) fn missed<'a>(
        &'a self,
        session: &'a SavedSession,
    ) -> impl Iterator<Item = &'a Encoded> {
        let behind = |entry: &&Entry| entry.number > session.marks.received;
        let entries = self.entries.iter().filter(behind);
        entries.filter(|entry| entry.concerns(session)).map(|entry| &entry.packet)
    }
}

impl Entry {
    /// Whether the packet was for this socket when it was sent.
    fn concerns(&self, session: &SavedSession) -> bool {
        let is_in = |room: &Room| {
            let mut rooms = session.marks.rooms.iter();
            *room == session.id || rooms.any(|(name, at)| name == room && *at < self.number)
        };
        let reached = self.target.rooms.is_empty() || self.target.rooms.iter().any(is_in);
        reached && !self.target.except.iter().any(is_in)
    }
}

#[cfg(test)]
mod tests {
    use super::super::recovery::SessionData;
    use super::*;
    use crate::encoded::Flags;

    const SECOND: Duration = Duration::from_secs(1);

    fn history() -> (History, Instant) {
        let keep = Keep {
            sessions: SECOND * 10,
            packets: SECOND * 30,
            max_bytes: 10_000,
            max_sessions: 2,
        };
        (History::new(keep, "abcdefghij"), Instant::now())
    }

    fn session(pid: &str, since: u64, rooms: &[(&str, u64)]) -> SavedSession {
        let data = SessionData::default();
        let mut session = SavedSession::new("me".into(), pid.into(), Vec::new(), data);
        session.marks.since = since;
        session.marks.rooms = rooms.iter().map(|(name, at)| (Room::from(*name), *at)).collect();
        session
    }

    fn event(name: &str) -> Encoded {
        Encoded::new(None, &format!("2[\"{name}\"]"), &[], Flags::default()).unwrap()
    }

    fn push(history: &mut History, name: &str, rooms: &[&str], except: &[&str], now: Instant) {
        let names = |list: &[&str]| list.iter().map(|name| Room::from(*name)).collect();
        let target = Target { rooms: names(rooms), except: names(except), local: false };
        history.push(event(name), target, now);
    }

    fn missed(history: &History, session: &SavedSession) -> Vec<String> {
        history.missed(session).map(|packet| packet.text().to_owned()).collect()
    }

    #[test]
    fn a_session_is_taken_once_and_sees_what_was_for_it_behind_its_offset() {
        let (mut history, now) = history();
        push(&mut history, "early", &[], &[], now);
        push(&mut history, "seen", &[], &[], now);
        push(&mut history, "before the join", &["room"], &[], now);
        push(&mut history, "all", &[], &[], now);
        push(&mut history, "room", &["room"], &[], now);
        push(&mut history, "other", &["other"], &[], now);
        push(&mut history, "not me", &[], &["me"], now);
        push(&mut history, "me", &["me"], &[], now);
        history.persist(session("p", 1, &[("room", 4)]), now);
        let restored = history.restore("p", Some("abcdefgh.2"), 10_000, now).unwrap();
        let names = ["all", "room", "me"].map(|name| format!("2[\"{name}\"]"));
        assert_eq!(missed(&history, &restored), names);
        assert!(history.restore("p", Some("abcdefgh.2"), 10_000, now).is_none());
    }

    #[test]
    fn without_an_offset_or_with_a_foreign_one_all_since_the_session_began_is_missed() {
        for offset in [None, Some("abcdefgh.0"), Some("otherpro.77")] {
            let (mut history, now) = history();
            push(&mut history, "early", &[], &[], now);
            push(&mut history, "late", &[], &[], now);
            history.persist(session("p", 1, &[]), now);
            let restored = history.restore("p", offset, 10_000, now).unwrap();
            assert_eq!(missed(&history, &restored), ["2[\"late\"]"], "{offset:?}");
        }
    }

    #[test]
    fn what_is_no_offset_restores_nothing() {
        for offset in ["", "a string", "abcdefgh.", "abcdefgh.-1", "abcdefgh.1", "x.1"] {
            let (mut history, now) = history();
            history.persist(session("p", 0, &[]), now);
            assert!(history.restore("p", Some(offset), 10_000, now).is_none(), "{offset}");
        }
    }

    #[test]
    fn sessions_end_with_their_time_and_beyond_their_number() {
        let (mut history, now) = history();
        history.persist(session("a", 0, &[]), now);
        let last = now + SECOND * 10 - Duration::from_nanos(1);
        assert!(history.restore("a", None, 0, last).is_some());
        history.persist(session("a", 0, &[]), now);
        assert!(history.restore("a", None, 0, now + SECOND * 10).is_none());
        for pid in ["b", "c", "d"] {
            history.persist(session(pid, 0, &[]), now);
        }
        assert!(history.restore("b", None, 0, now).is_none(), "the third displaces the first");
        assert!(history.restore("d", None, 0, now).is_some());
        for _ in 0..100 {
            history.persist(session("again", 0, &[]), now);
            assert!(history.restore("again", None, 0, now).is_some());
        }
        assert!(history.ends.len() <= 5, "taken sessions leave nothing behind");
    }

    #[test]
    fn a_session_is_forgotten_by_the_id_of_its_socket() {
        let (mut history, now) = history();
        history.persist(session("p", 0, &[]), now);
        assert!(!history.forget_socket("p"), "that is its secret");
        assert!(history.forget_socket("me"));
        assert!(!history.forget_socket("me"));
        assert_eq!((history.sessions(), history.take_forgotten().len()), (0, 1));
        assert!(history.restore("p", None, 0, now).is_none());
    }

    #[test]
    fn packets_dropped_for_want_of_room_are_a_gap_and_those_of_old_age_are_none() {
        let (mut history, now) = history();
        let late = now + SECOND * 31;
        push(&mut history, "old", &[], &[], now);
        push(&mut history, "new", &[], &[], late);
        history.persist(session("quiet", 0, &[]), late);
        let restored = history.restore("quiet", None, 10_000, late).unwrap();
        assert_eq!(missed(&history, &restored), ["2[\"new\"]"]);

        for _ in 0..100 {
            push(&mut history, "much", &["elsewhere"], &[], late);
        }
        assert!(history.bytes <= 10_000);
        history.persist(session("quiet", 0, &[]), late);
        assert!(history.restore("quiet", Some("abcdefgh.2"), 10_000, late).is_none());
        history.persist(session("quiet", 0, &[]), late);
        let head = history.offset(history.head());
        assert!(history.restore("quiet", Some(&head), 10_000, late).is_some());
    }

    #[test]
    fn who_has_missed_too_much_begins_anew() {
        let (mut history, now) = history();
        push(&mut history, "0123456789", &[], &[], now);
        history.persist(session("p", 0, &[]), now);
        assert!(history.restore("p", None, 10, now).is_none());
        history.persist(session("p", 0, &[]), now);
        assert!(history.restore("p", None, 100, now).is_some());
    }
}
