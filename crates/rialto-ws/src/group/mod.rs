//! [`Group`]: connections that get the same messages.

mod members;

use self::members::{Members, Picture};
use crate::error::Result;
use crate::io::writer::Refused;
use crate::prepared::Prepared;
use crate::proto::{CloseCode, CloseFrame, Text};
use crate::split::Sender;
use parking_lot::Mutex;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A topic, a room: what is published goes to every member. Clones are the same group.
///
/// A message is framed once, whatever the number of members, and walks to them without waking a
/// task. In a [turn](crate::turn), as in a handler of [`serve`](crate::serve), all that is
/// published leaves together: one write for each member.
///
/// **Order**: what one task publishes arrives at every member in that order, and in order with
/// what it sends to a member by other means. Two tasks that publish at the same time may be seen
/// in either order, by different members differently.
///
/// **Slow members**: a member whose send budget ([`Options::send_budget`](crate::Options)) is
/// used up misses the message, which is counted; [`Group::closing_slow`] closes it instead, and
/// [`Group::publish_wait`] waits for it. The member's own [`SlowPeer`](crate::SlowPeer) is for
/// `send` and plays no part here.
///
/// Publishing holds no lock while it sends: several threads publish side by side, and members come
/// and go meanwhile.
///
/// ```no_run
/// use rialto_ws::{Group, WebSocket};
///
/// async fn chat(mut socket: WebSocket, room: Group) -> rialto_ws::Result<()> {
///     let _member = room.join(&socket);
///     while let Some(message) = socket.recv().await? {
///         room.publish(message);
///     }
///     Ok(())
/// }
/// # async fn example() -> rialto_ws::Result<()> {
/// let room = Group::new();
/// rialto_ws::serve("127.0.0.1:8080", move |socket| chat(socket, room.clone())).await
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Group(Arc<Inner>);

#[derive(Default)]
struct Inner {
    members: Mutex<Members>,
    /// What slow members are closed with, if they are.
    close_slow: Option<CloseFrame>,
    dropped: AtomicU64,
}

/// What has become of a published message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Members for which it is queued or has left.
    pub sent: usize,
    /// Members that it was dropped for, because they read too slowly.
    pub dropped: usize,
}

impl Group {
    /// A group without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A group that closes members who are too slow for a message, with this frame.
    ///
    /// What was queued for them before still goes first. A member that has not taken it and
    /// answered after its [`Options::close_timeout`](crate::Options) is cut off.
    ///
    /// ```
    /// use rialto_ws::{CloseFrame, Group};
    /// let ticker = Group::closing_slow(CloseFrame::new(1008, "reading too slowly"));
    /// assert!(ticker.is_empty());
    /// ```
    #[must_use]
    pub fn closing_slow(frame: CloseFrame) -> Self {
        Self(Arc::new(Inner { close_slow: Some(frame), ..Inner::default() }))
    }

    /// Adds a connection, until the [`Membership`] is dropped or the connection closes.
    ///
    /// A connection that joins twice is two members, and gets every message twice.
    pub fn join(&self, member: impl AsRef<Sender>) -> Membership {
        let sender = member.as_ref().clone();
        let id = self.0.members.lock().join(sender.clone());
        Membership { group: self.clone(), id, sender, stays: false }
    }

    /// Sends a message to every member, at once: it never waits.
    pub fn publish(&self, message: impl Into<Prepared>) -> Delivery {
        self.deliver(&message.into(), None)
    }

    /// [`Group::publish`] to all but one connection, as a chat does with what it was sent.
    pub fn publish_except(
        &self,
        except: impl AsRef<Sender>,
        message: impl Into<Prepared>,
    ) -> Delivery {
        self.deliver(&message.into(), Some(except.as_ref()))
    }

    fn deliver(&self, message: &Prepared, except: Option<&Sender>) -> Delivery {
        let mut delivery = Delivery::default();
        let mut closed = Vec::new();
        for member in self.picture().iter() {
            if except.is_some_and(|except| except.same_connection(&member.sender)) {
                continue;
            }
            match member.sender.shared().publish(message, self.0.close_slow.as_ref()) {
                Ok(()) => delivery.sent += 1,
                Err(Refused::Full) => delivery.dropped += 1,
                Err(Refused::Closed) => closed.push(member.id),
            }
        }
        if delivery.dropped > 0 {
            self.0.dropped.fetch_add(delivery.dropped as u64, Ordering::Relaxed);
        }
        for id in closed {
            self.leave(id);
        }
        delivery
    }

    /// [`Group::publish`] that waits for members whose send budget is used up, one after the
    /// other, and drops nothing. Returns for how many members the message was queued.
    ///
    /// The others have it before the first wait. If the future is dropped, members that were still
    /// waited for do not get the message.
    pub async fn publish_wait(&self, message: impl Into<Prepared>) -> usize {
        let message = message.into();
        let mut sent = 0;
        let mut slow = Vec::new();
        for member in self.picture().iter() {
            match member.sender.try_send_prepared(&message) {
                Ok(()) => sent += 1,
                Err(error) if error.is_full() => slow.push(member.sender.clone()),
                Err(_) => {}
            }
        }
        for sender in slow {
            let queued: Result<()> = poll_fn(|cx| sender.shared().poll_publish(cx, &message)).await;
            sent += usize::from(queued.is_ok());
        }
        sent
    }

    /// Open connections in the group. It looks at each of them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.picture().iter().filter(|member| member.sender.is_open()).count()
    }

    /// True if the group has no open connection.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.picture().iter().any(|member| member.sender.is_open())
    }

    /// The members at this moment, in the order in which they joined; those that have closed may
    /// be among them. Members may come and go while it is used.
    pub fn iter(&self) -> impl Iterator<Item = Sender> + use<> {
        self.picture().into_senders()
    }

    /// [`Group::iter`] without touching the members' reference counts.
    pub fn for_each(&self, mut visit: impl FnMut(&Sender)) {
        self.picture().iter().for_each(|member| visit(&member.sender));
    }

    /// Closes the connection of every member, as [`Sender::close`] does, and returns how many were
    /// open. Who joins later is not concerned.
    pub fn close_all(&self, code: impl Into<CloseCode>, reason: impl Into<Text>) -> usize {
        let frame = CloseFrame::new(code, reason);
        let picture = self.picture();
        picture.iter().filter(|member| member.sender.shared().close_in_time(&frame)).count()
    }

    /// Messages that were dropped since the group was made, each counted for every slow member
    /// that has missed it. A member's own count is [`Sender::dropped`].
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    fn picture(&self) -> Picture {
        self.0.members.lock().picture()
    }

    fn leave(&self, id: u64) {
        // The lock is free again when the member's memory is given back.
        let left = self.0.members.lock().leave(id);
        drop(left);
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.0.members.lock().len();
        f.debug_struct("Group").field("members", &len).finish_non_exhaustive()
    }
}

/// A connection's place in a [`Group`]. Dropping it leaves the group.
#[derive(Debug)]
#[must_use = "the connection leaves the group when this is dropped"]
pub struct Membership {
    group: Group,
    id: u64,
    sender: Sender,
    stays: bool,
}

impl Membership {
    /// The group.
    #[must_use]
    pub fn group(&self) -> &Group {
        &self.group
    }

    /// The connection.
    #[must_use]
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Stays in the group until the connection closes, with nothing to hold.
    pub fn stay(mut self) {
        self.stays = true;
    }
}

/// So that [`Group::publish_except`] takes it.
impl AsRef<Sender> for Membership {
    fn as_ref(&self) -> &Sender {
        &self.sender
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        if !self.stays {
            self.group.leave(self.id);
        }
    }
}
