//! A message that leaves in fragments: its data frames stand together, others wait behind it.

use super::{Outgoing, Shared, State, Writer};
use crate::error::Error;
use crate::io::queue::Queue;
use crate::prepared::{Framed, Prepared};
use crate::proto::deflate::Deflation;
use crate::proto::{CloseCode, CloseFrame, Header, Kind, Message, MessageRef, OpCode, RSV1};
use bytes::Bytes;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The message in progress.
#[derive(Default)]
pub(super) struct Fragments {
    /// Its first fragment has been queued.
    begun: bool,
    /// It is compressed.
    deflation: Option<Box<Deflation>>,
    /// Whole messages that were sent meanwhile (RFC 6455 §5.4: they must not come between).
    behind: Queue,
    /// The same where each message is compressed by those before it: not framed yet, because the
    /// order of compressing has to be that of leaving.
    unframed: Vec<Unframed>,
    /// Bytes that those hold.
    unframed_bytes: usize,
}

/// A message that is framed when its turn comes.
struct Unframed {
    message: Held,
    plain: bool,
}

enum Held {
    Message(Message),
    Prepared(Prepared),
}

/// A fragment, as [`Shared::poll_fragment`] takes it.
#[derive(Clone, Copy)]
pub(crate) struct Fragment<'a> {
    pub(crate) kind: Kind,
    pub(crate) payload: &'a Bytes,
    /// The last of its message.
    pub(crate) fin: bool,
    /// The message is not to be compressed, whatever was agreed on; the first fragment decides.
    pub(crate) plain: bool,
}

impl Shared {
    /// Takes the connection's place for a message in fragments, or waits until it is free.
    pub(crate) fn poll_begin_fragments(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut writer = self.writer.lock();
        if writer.state != State::Open {
            return Poll::Ready(Err(Error::closed()));
        }
        if writer.fragments().is_some() {
            writer.wait(cx);
            return Poll::Pending;
        }
        writer.rare_mut().fragments = Some(Fragments::default());
        Poll::Ready(Ok(()))
    }

    /// Queues the next fragment, or waits until the budget has room.
    ///
    /// What waits behind the message does not count: it cannot leave before the message ends.
    pub(crate) fn poll_fragment(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        fragment: &Fragment<'_>,
    ) -> Poll<Result<(), Error>> {
        let mut writer = self.writer.lock();
        if writer.state == State::Open && writer.queue.len() >= self.budget() {
            self.flush(&mut writer);
        }
        if writer.state != State::Open {
            return Poll::Ready(Err(Error::closed()));
        }
        if writer.queue.len() >= self.budget() {
            writer.wait(cx);
            return Poll::Pending;
        }
        writer.push_fragment(fragment)?;
        if fragment.fin {
            writer.end_fragments()?;
        }
        self.after_push(&mut writer);
        Poll::Ready(Ok(()))
    }

    /// Ready when the kernel has taken every fragment that was queued.
    pub(crate) fn poll_fragments_flushed(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        let mut writer = self.writer.lock();
        self.flush(&mut writer);
        if writer.failed {
            return Poll::Ready(Err(Error::closed()));
        }
        if writer.queue.is_empty() && writer.is_flushed() {
            return Poll::Ready(Ok(()));
        }
        writer.wait(cx);
        Poll::Pending
    }

    /// Gives up a message: without a trace if nothing of it was queued, else by closing.
    pub(crate) fn abandon_fragments(self: &Arc<Self>) {
        let mut writer = self.writer.lock();
        let begun = writer.fragments().is_some_and(|fragments| fragments.begun);
        if begun && writer.state == State::Open {
            let frame = CloseFrame::new(CloseCode::INTERNAL, "a message was not finished");
            if self.close_locked(&mut writer, &frame, false) {
                self.limit_close();
            }
        }
        if writer.end_fragments().is_err() {
            writer.fail();
        } else if writer.state == State::Open && !writer.queue.is_empty() {
            self.after_push(&mut writer);
        }
    }
}

impl Writer {
    fn fragments(&self) -> Option<&Fragments> {
        self.rare.as_ref().and_then(|rare| rare.fragments.as_ref())
    }

    fn fragments_mut(&mut self) -> Option<&mut Fragments> {
        self.rare.as_mut().and_then(|rare| rare.fragments.as_mut())
    }

    /// Bytes that wait, also behind a message in fragments.
    pub(in crate::io) fn queued(&self) -> usize {
        let behind = |behind: &Fragments| behind.behind.len() + behind.unframed_bytes;
        self.queue.len() + self.fragments().map_or(0, behind)
    }

    /// Where whole messages go.
    pub(super) fn data_queue(&mut self) -> &mut Queue {
        match self.rare.as_mut().and_then(|rare| rare.fragments.as_mut()) {
            Some(fragments) => &mut fragments.behind,
            None => self.queue.queue(),
        }
    }

    /// Queues a frame that many share where whole messages go.
    pub(super) fn push_framed(&mut self, frame: &Arc<Framed>) {
        match self.rare.as_mut().and_then(|rare| rare.fragments.as_mut()) {
            Some(fragments) => fragments.behind.push_shared(frame.bytes().clone()),
            None => self.queue.push_framed(frame),
        }
    }

    /// Keeps a message for which it is too early to be compressed. False if it is not.
    pub(super) fn hold_back(&mut self, out: &Outgoing<'_>) -> bool {
        let Some(fragments) = self.fragments_mut() else { return false };
        let Some(held) = Unframed::of(out) else { return false };
        fragments.unframed_bytes += held.len();
        fragments.unframed.push(held);
        true
    }

    /// Drops what waits behind a message that will never end.
    pub(super) fn drop_held_back(&mut self) {
        if let Some(fragments) = self.fragments_mut() {
            fragments.behind.clear();
            fragments.unframed = Vec::new();
            fragments.unframed_bytes = 0;
        }
    }

    fn push_fragment(&mut self, fragment: &Fragment<'_>) -> Result<(), Error> {
        let mask = self.mask()?;
        let Some(fragments) = self.rare.as_mut().and_then(|rare| rare.fragments.as_mut()) else {
            return Err(Error::closed());
        };
        self.pulse.sent = true;
        let Fragment { kind, payload, fin, plain } = *fragment;
        let begun = std::mem::replace(&mut fragments.begun, true);
        let opcode = if begun { OpCode::Continuation } else { kind.into() };
        let Some(compressor) = &mut self.compressor else {
            self.queue.queue().push_fragment(opcode, fin, payload, mask);
            return Ok(());
        };
        // Of a message in several fragments nobody knows how long it will be.
        let worthwhile = !fin || payload.len() >= compressor.threshold();
        if !begun && !plain && worthwhile {
            fragments.deflation = Some(Box::default());
        }
        let Some(deflation) = &mut fragments.deflation else {
            self.queue.queue().push_fragment(opcode, fin, payload, mask);
            return Ok(());
        };
        let rsv = if begun { 0 } else { RSV1 };
        compressor.compress_fragment(deflation, payload, fin, |bytes| {
            let header = Header { fin, rsv, ..Header::new(opcode, bytes.len(), mask) };
            self.queue.queue().push_header(header, bytes);
        });
        Ok(())
    }

    /// Frees the place; what waited behind the message follows it.
    fn end_fragments(&mut self) -> Result<(), Error> {
        let ended = self.rare.as_mut().and_then(|rare| rare.fragments.take());
        let Some(fragments) = ended else { return Ok(()) };
        self.wake_waiters();
        if self.state != State::Open {
            return Ok(());
        }
        self.queue.queue().append(fragments.behind);
        for Unframed { message, plain } in &fragments.unframed {
            let out = match message {
                Held::Message(message) => Outgoing::Message(message),
                Held::Prepared(message) => Outgoing::Prepared(message),
            };
            let plainly = Outgoing::Plain(&out);
            self.push(if *plain { &plainly } else { &out })?;
        }
        Ok(())
    }
}

impl Unframed {
    fn of(out: &Outgoing<'_>) -> Option<Self> {
        let message = match out {
            Outgoing::Message(message) => Held::Message((*message).clone()),
            Outgoing::Borrowed(message) => Held::Message(message.to_message()),
            Outgoing::Text(text) => {
                let text = std::str::from_utf8(text).unwrap_or_default();
                Held::Message(MessageRef::Text(text).to_message())
            }
            Outgoing::Binary(bytes) => Held::Message(Message::Binary((*bytes).clone())),
            Outgoing::Prepared(message) => Held::Prepared((*message).clone()),
            Outgoing::Ping(_) => return None,
            Outgoing::Plain(out) => return Some(Self { plain: true, ..Self::of(out)? }),
        };
        Some(Self { message, plain: false })
    }

    /// Bytes that it holds; empty ones are not free.
    fn len(&self) -> usize {
        let payload = match &self.message {
            Held::Message(message) => message.len(),
            Held::Prepared(message) => message.payload().len(),
        };
        payload + size_of::<Self>()
    }
}
