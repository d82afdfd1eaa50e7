//! Who is in which room.

use super::recovery::Marks;
use super::rooms::Changes;
use super::{Member, Room, RoomChange, Target};
use indexmap::IndexSet;
use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Members in a dense vector beside a hash: walked in order, left in constant time.
///
/// A broadcast takes a reference and walks it with no lock held; whoever joins or leaves
/// meanwhile changes a copy.
pub(super) type Members = Arc<IndexSet<Seat>>;

/// A member, found by its id, which is not kept once more for that.
#[derive(Clone)]
pub(super) struct Seat(pub(super) Arc<dyn Member>);

impl Borrow<str> for Seat {
    fn borrow(&self) -> &str {
        self.0.id()
    }
}

impl Hash for Seat {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let id: &str = self.borrow();
        id.hash(state);
    }
}

impl PartialEq for Seat {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl Eq for Seat {}

/// The rooms and sockets of a namespace.
#[derive(Default)]
pub(super) struct Index {
    pub(super) all: Members,
    pub(super) rooms: HashMap<Room, Members>,
    /// The rooms of each socket that is in any.
    pub(super) joined: HashMap<Room, Vec<Room>>,
    pub(super) changes: Changes,
    /// Whether changes are noted: asked anew before each.
    pub(super) watched: bool,
    /// For clients that come back: where each socket began. Empty without a log.
    pub(super) marks: HashMap<Room, Marks>,
}

/// Who a target means, found under the lock and walked without it.
pub(super) struct Found {
    among: Vec<Group>,
    except: Vec<Group>,
}

/// What a room's name stands for.
enum Group {
    Many(Members),
    /// The socket of that id.
    One(Seat),
}

/// With more groups than that it is cheaper to remember who was met than to ask each group.
const FEW: usize = 8;

impl Found {
    /// Calls `work` for each, once.
    pub(super) fn for_each(&self, work: &mut impl FnMut(&Arc<dyn Member>)) {
        if self.among.len() + self.except.len() > FEW {
            return self.for_each_of_many(work);
        }
        for (at, group) in self.among.iter().enumerate() {
            let (before, _) = self.among.split_at(at);
            group.for_each(&mut |member| {
                let id: &str = member.id();
                if !before.iter().chain(&self.except).any(|group| group.contains(id)) {
                    work(member);
                }
            });
        }
    }

    fn for_each_of_many(&self, work: &mut impl FnMut(&Arc<dyn Member>)) {
        let mut met: HashSet<Room> = HashSet::new();
        for group in &self.except {
            group.for_each(&mut |member| met.extend([Arc::clone(member.id())]));
        }
        for group in &self.among {
            group.for_each(&mut |member| {
                if met.insert(Arc::clone(member.id())) {
                    work(member);
                }
            });
        }
    }
}

impl Group {
    fn contains(&self, id: &str) -> bool {
        match self {
            Self::Many(members) => members.contains(id),
            Self::One(Seat(member)) => &**member.id() == id,
        }
    }

    fn for_each(&self, work: &mut impl FnMut(&Arc<dyn Member>)) {
        match self {
            Self::Many(members) => members.iter().for_each(|Seat(member)| work(member)),
            Self::One(Seat(member)) => work(member),
        }
    }
}

impl Index {
    /// Who is meant, to be walked when the lock is gone.
    pub(super) fn find(&self, target: &Target) -> Found {
        let among = match target.rooms.as_slice() {
            [] => vec![Group::Many(Arc::clone(&self.all))],
            rooms => rooms.iter().flat_map(|room| self.groups_of(room)).collect(),
        };
        Found {
            among,
            except: target.except.iter().flat_map(|room| self.groups_of(room)).collect(),
        }
    }

    /// The members of a room, and the socket of that id.
    fn groups_of(&self, room: &str) -> impl Iterator<Item = Group> {
        let members = self.rooms.get(room).cloned().map(Group::Many);
        members.into_iter().chain(self.all.get(room).cloned().map(Group::One))
    }

    pub(super) fn leave(&mut self, id: &str, room: &str) {
        let name = self.watched.then(|| self.rooms.get_key_value(room));
        let name = name.flatten().map(|(name, _)| Arc::clone(name));
        let Some(members) = self.rooms.get_mut(room) else { return };
        let left = Arc::make_mut(members).swap_take(id);
        let empty = members.is_empty();
        if empty {
            self.rooms.remove(room);
        }
        if let (Some(room), Some(Seat(left))) = (name, left) {
            let socket = Arc::clone(left.id());
            self.changes.note(RoomChange::Left { room: Arc::clone(&room), socket });
            if empty {
                self.changes.note(RoomChange::Deleted { room });
            }
        }
    }

    /// Whether a socket would be in more rooms than it may.
    pub(super) fn is_beyond(&self, id: &str, rooms: &[Room]) -> bool {
        let Some(Seat(member)) = self.all.get(id) else { return false };
        let (most, now) = (member.max_rooms(), self.joined.get(id).map_or(0, Vec::len));
        if now + rooms.len() <= most {
            return false;
        }
        let is_new = |room: &&Room| {
            ***room != *id && !self.rooms.get(*room).is_some_and(|members| members.contains(id))
        };
        let new: HashSet<_> = rooms.iter().filter(is_new).collect();
        !new.is_empty() && now + new.len() > most
    }

    /// A socket joins rooms; false if there is no such socket.
    pub(super) fn join(
        &mut self,
        id: &str,
        rooms: &[Room],
        head: impl FnOnce() -> Option<u64>,
    ) -> bool {
        let Some(Seat(member)) = self.all.get(id).cloned() else { return false };
        let id = Arc::clone(member.id());
        let head = head();
        for room in rooms.iter().filter(|room| **room != id) {
            self.enter(&id, &member, room, head);
        }
        true
    }

    fn enter(&mut self, id: &Room, member: &Arc<dyn Member>, room: &Room, head: Option<u64>) {
        let created = !self.rooms.contains_key(room);
        let members = self.rooms.entry(Arc::clone(room)).or_default();
        if members.contains(&**id) {
            return;
        }
        Arc::make_mut(members).insert(Seat(Arc::clone(member)));
        self.joined.entry(Arc::clone(id)).or_default().push(Arc::clone(room));
        if let Some(head) = head {
            self.marks.entry(Arc::clone(id)).or_default().rooms.push((Arc::clone(room), head));
        }
        if !self.watched {
            return;
        }
        if created {
            self.changes.note(RoomChange::Created { room: Arc::clone(room) });
        }
        let (room, socket) = (Arc::clone(room), Arc::clone(id));
        self.changes.note(RoomChange::Joined { room, socket });
    }
}
