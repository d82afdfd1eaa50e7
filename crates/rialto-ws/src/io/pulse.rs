//! What the sweeper does at one connection: pings, and the three deadlines.

use super::fleet::{Beats, Watch};
use super::stream::{Unread, WriteHalf};
use super::writer::{Drain, Shared, State, Writer};
use crate::error::Error;
use crate::proto::{CloseCode, CloseFrame, OpCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// What the reader tells the sweeper, and the sweeper the reader.
#[derive(Default)]
pub(crate) struct Signs {
    /// What has arrived since the last visit: bytes, or a message.
    news: AtomicU8,
    fate: AtomicU8,
}

/// Bytes have arrived.
const HEARD: u8 = 1;
/// A message has arrived.
const MESSAGE: u8 = 2;

/// What will become of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Fate {
    Open = 0,
    /// Nothing was heard for too long, unless the reader finds something now.
    Suspect = 1,
    /// The peer sent nothing, not even a pong.
    Silent = 2,
    /// The peer took no byte of what waited for it.
    Stalled = 3,
    /// The peer did not answer our Close frame.
    Unanswered = 4,
}

impl Fate {
    /// The error that tells the reader, if the connection was cut here.
    pub(crate) fn error(self) -> Option<Error> {
        match self {
            Self::Open | Self::Suspect => None,
            Self::Silent => Some(Error::overdue("the peer has sent nothing, not even a pong")),
            Self::Stalled => Some(Error::overdue("the peer took nothing of what waits for it")),
            Self::Unanswered => Some(Error::overdue("the peer did not answer the Close frame")),
        }
    }
}

impl Signs {
    /// Any byte is a sign of life.
    pub(super) fn hear(&self) {
        self.news.store(self.news.load(Ordering::Relaxed) | HEARD, Ordering::Relaxed);
    }

    pub(crate) fn note_message(&self) {
        // A visit between reading and this sees a sign of life twice, which hurts nobody.
        self.news.store(HEARD | MESSAGE, Ordering::Relaxed);
    }

    pub(crate) fn fate(&self) -> Fate {
        match self.fate.load(Ordering::Relaxed) {
            0 => Fate::Open,
            1 if self.news.load(Ordering::Relaxed) != 0 => Fate::Open,
            1 => Fate::Suspect,
            2 => Fate::Silent,
            3 => Fate::Stalled,
            4 => Fate::Unanswered,
            _ => Fate::Open,
        }
    }

    /// A fate that is decided stays as it is.
    fn decide(&self, fate: Fate) {
        let change = |known| (known <= Fate::Suspect as u8).then_some(fate as u8);
        let _ = self.fate.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
    }
}

/// What the sweeper counts, in visits, and what it has to know of the writer.
#[derive(Default)]
pub(super) struct Pulse {
    /// Since the last sign of life, or since the ping.
    silent: u16,
    /// Since the peer took something of what waits.
    stalled: u16,
    /// Since the last message in either direction.
    quiet: u16,
    /// A ping, or something else, waits for its effect.
    pinged: bool,
    /// The socket has taken bytes since the last visit.
    pub(super) taken: bool,
    /// A message was sent since the last visit.
    pub(super) sent: bool,
}

impl Shared {
    /// The sweeper's visit. `watch` counts in visits.
    pub(super) fn visit(self: &Arc<Self>, watch: &Watch) {
        let signs = self.signs();
        let news = signs.news.swap(0, Ordering::Relaxed);
        let mut writer = self.lock();
        if writer.state == State::Shut {
            return;
        }
        let taken = std::mem::take(&mut writer.pulse.taken);
        let blocked = writer.drain == Drain::Blocked;
        if watch.stall.is_some_and(|limit| writer.is_stalled(blocked && !taken, limit)) {
            return self.cut_with(&mut writer, Fate::Stalled);
        }
        if let Some(beats) = &watch.heartbeat {
            self.beat(&mut writer, beats, news != 0 || (blocked && taken));
        }
        if watch.idle.is_some_and(|limit| writer.is_idle(news & MESSAGE != 0, limit)) {
            self.close_idle(&mut writer);
        }
    }

    /// Pings, or gives up, or is content.
    fn beat(self: &Arc<Self>, writer: &mut Writer, beats: &Beats, alive: bool) {
        if alive {
            self.revive(writer);
            return;
        }
        writer.pulse.silent = writer.pulse.silent.saturating_add(1);
        if !writer.pulse.pinged {
            if writer.pulse.silent >= beats.ping && writer.state == State::Open {
                (writer.pulse.pinged, writer.pulse.silent) = (true, 0);
                // What waits for the peer already asks as well as a ping behind it.
                if writer.drain != Drain::Blocked && writer.push_control(OpCode::Ping, b"").is_ok()
                {
                    self.flush(writer);
                }
            }
            return;
        }
        if writer.pulse.silent > beats.dead {
            match writer.io.unread() {
                Unread::Some => self.revive(writer),
                Unread::None => self.cut_with(writer, Fate::Silent),
                // Only the reader can tell. While nobody receives, nothing is decided.
                Unread::Unknown => {
                    self.signs().decide(Fate::Suspect);
                    writer.io.wake_reader();
                }
            }
        }
    }

    fn revive(&self, writer: &mut Writer) {
        (writer.pulse.silent, writer.pulse.pinged) = (0, false);
        let (suspect, open) = (Fate::Suspect as u8, Fate::Open as u8);
        let fate = &self.signs().fate;
        let _ = fate.compare_exchange(suspect, open, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn close_idle(self: &Arc<Self>, writer: &mut Writer) {
        let frame = CloseFrame::new(CloseCode::NORMAL, "no message for too long");
        if self.close_locked(writer, &frame, false) {
            self.limit_close();
        }
    }

    /// Cuts a connection on which the time for the closing handshake is over.
    pub(super) fn cut_unanswered(&self) {
        let mut writer = self.lock();
        if writer.state == State::Closing {
            self.cut_with(&mut writer, Fate::Unanswered);
        }
    }

    /// For the reader, which has looked and found nothing.
    pub(super) fn cut_silent(&self) {
        let mut writer = self.lock();
        if writer.state != State::Shut {
            self.cut_with(&mut writer, Fate::Silent);
        }
    }

    /// Ends the stream at once and lets the reader know why. What the kernel holds for a peer
    /// that does not take it goes too.
    fn cut_with(&self, writer: &mut Writer, fate: Fate) {
        tracing::debug!(?fate, "the connection is cut");
        self.signs().decide(fate);
        std::mem::replace(&mut writer.io, WriteHalf::Gone).reset();
        writer.fail();
    }
}

impl Writer {
    fn is_stalled(&mut self, stuck: bool, limit: u16) -> bool {
        self.pulse.stalled = if stuck { self.pulse.stalled.saturating_add(1) } else { 0 };
        self.pulse.stalled > limit
    }

    fn is_idle(&mut self, message: bool, limit: u16) -> bool {
        let sent = std::mem::take(&mut self.pulse.sent);
        if message || sent || self.state != State::Open {
            self.pulse.quiet = 0;
            return false;
        }
        self.pulse.quiet = self.pulse.quiet.saturating_add(1);
        // What has arrived and was not read yet is not the peer's silence.
        self.pulse.quiet > limit && self.io.unread() != Unread::Some
    }
}
