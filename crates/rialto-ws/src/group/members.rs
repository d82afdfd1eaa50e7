//! The list behind a group: cheap to take a picture of, so that nobody holds its lock to send.

use crate::split::Sender;
use std::sync::Arc;

/// Members in one block. A change copies at most one block, and only while a picture is in use.
const BLOCK: usize = 256;

/// One member of a group.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) id: u64,
    pub(super) sender: Sender,
}

type Block = Vec<Member>;

/// Members at one moment, in the order in which they joined.
#[derive(Clone, Default)]
pub(super) struct Picture(Arc<Vec<Arc<Block>>>);

impl Picture {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.0.iter().flat_map(|block| block.iter())
    }

    /// Every member's sender, without borrowing the picture.
    pub(super) fn into_senders(self) -> impl Iterator<Item = Sender> {
        let mut at = (0, 0);
        std::iter::from_fn(move || {
            let block = self.0.get(at.0)?;
            let sender = block.get(at.1)?.sender.clone();
            at = if at.1 + 1 < block.len() { (at.0, at.1 + 1) } else { (at.0 + 1, 0) };
            Some(sender)
        })
    }
}

/// The members: blocks sorted by id, none of them empty.
#[derive(Default)]
pub(super) struct Members {
    blocks: Picture,
    next: u64,
    len: usize,
    /// Joining beyond this many looks for members that have closed.
    sweep_at: usize,
}

impl Members {
    pub(super) fn picture(&self) -> Picture {
        self.blocks.clone()
    }

    /// Members, those that have closed and not been met yet included.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a member and returns its id.
    ///
    /// Closed ones are swept out each time the list has doubled: it never holds more than twice
    /// the open ones and one block.
    pub(super) fn join(&mut self, sender: Sender) -> u64 {
        if self.len >= self.sweep_at {
            self.sweep();
            self.sweep_at = 2 * self.len + BLOCK;
        }
        let id = self.next;
        self.next += 1;
        self.push(Member { id, sender });
        id
    }

    fn push(&mut self, member: Member) {
        self.len += 1;
        let blocks = Arc::make_mut(&mut self.blocks.0);
        match blocks.last_mut() {
            Some(block) if block.len() < BLOCK => Arc::make_mut(block).push(member),
            _ => blocks.push(Arc::new(vec![member])),
        }
    }

    /// Removes a member, and hands it back to be dropped where no lock is held.
    pub(super) fn leave(&mut self, id: u64) -> Option<Member> {
        let first = |block: &Arc<Block>| block.first().map_or(0, |member| member.id);
        let found = self.blocks.0.partition_point(|block| first(block) <= id).checked_sub(1)?;
        let at = self.blocks.0.get(found)?.binary_search_by_key(&id, |member| member.id).ok()?;
        let blocks = Arc::make_mut(&mut self.blocks.0);
        let member = Arc::make_mut(&mut blocks[found]).remove(at);
        self.len -= 1;
        merge(blocks, found);
        Some(member)
    }

    fn sweep(&mut self) {
        let closed = |member: &Member| !member.sender.is_open();
        if !self.blocks.iter().any(closed) {
            return;
        }
        let before = std::mem::take(&mut self.blocks);
        self.len = 0;
        for member in before.iter().filter(|member| !closed(member)) {
            self.push(member.clone());
        }
    }
}

/// Keeps blocks from becoming many and small, after one has shrunk.
fn merge(blocks: &mut Vec<Arc<Block>>, at: usize) {
    if blocks[at].is_empty() {
        blocks.remove(at);
        return;
    }
    if at + 1 < blocks.len() && blocks[at].len() + blocks[at + 1].len() <= BLOCK / 2 {
        let next = blocks.remove(at + 1);
        Arc::make_mut(&mut blocks[at]).extend(next.iter().cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use crate::proto::Role;
    use crate::socket::WebSocket;
    use std::collections::BTreeSet;

    fn socket() -> WebSocket {
        let (near, _) = tokio::io::duplex(64);
        let options = Options::default();
        WebSocket::from_upgraded(near, Role::Server, Vec::new(), Default::default(), &options)
    }

    fn ids(members: &Members) -> Vec<u64> {
        members.blocks.iter().map(|member| member.id).collect()
    }

    #[tokio::test]
    async fn the_list_is_the_set_of_ids_whatever_the_order_of_changes() {
        let socket = socket();
        let mut members = Members::default();
        let mut expected = BTreeSet::new();
        let mut random = 12345u64;
        for step in 0..20_000u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step);
            // First it grows, then it shrinks, with pictures in use now and then.
            let grow = (random >> 33) % 10 < if step < 10_000 { 7 } else { 3 };
            let _picture = (step % 7 == 0).then(|| members.picture());
            if grow {
                expected.insert(members.join(socket.sender()));
            } else {
                let id = (random >> 40) % (members.next + 1);
                assert_eq!(members.leave(id).is_some(), expected.remove(&id));
            }
            assert_eq!(members.len(), expected.len());
        }
        assert_eq!(ids(&members), expected.iter().copied().collect::<Vec<_>>());
        let blocks = &members.blocks.0;
        assert!(blocks.iter().all(|block| !block.is_empty() && block.len() <= BLOCK));
        for id in expected {
            assert!(members.leave(id).is_some());
        }
        assert!(members.blocks.0.is_empty());
    }

    #[tokio::test]
    async fn a_picture_does_not_change() {
        let socket = socket();
        let mut members = Members::default();
        let ids: Vec<_> = (0..600).map(|_| members.join(socket.sender())).collect();
        let picture = members.picture();
        for id in &ids[..300] {
            members.leave(*id);
        }
        members.join(socket.sender());
        assert_eq!(picture.iter().map(|member| member.id).collect::<Vec<_>>(), ids);
        assert_eq!(picture.into_senders().count(), 600);
        assert_eq!(members.picture().into_senders().count(), 301);
    }

    #[tokio::test]
    async fn closed_members_are_swept_out_without_a_publish() {
        let mut members = Members::default();
        let open = socket();
        for _ in 0..10_000 {
            members.join(socket().sender());
            members.join(open.sender());
            if members.len() > 100 {
                let id = members.blocks.iter().find(|m| m.sender.is_open()).unwrap().id;
                members.leave(id);
            }
        }
        assert!(members.len() < 2 * 100 + 2 * BLOCK, "{} members are kept", members.len());
    }
}
