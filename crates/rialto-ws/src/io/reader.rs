//! The receiving half: reads into a buffer of the thread, keeps only what is unfinished.

mod pieces;

use super::pool::{self, Input};
use super::pulse::Fate;
use super::stream::ReadHalf;
use super::writer::Shared;
use crate::error::{Error, Result};
use crate::proto::deflate::Decompressor;
use crate::proto::{
    Body, CloseCode, CloseFrame, Decoder, Item, Kind, Limits, Message, MessageRef, Role, Text,
    Violation, checked_str,
};
use bytes::{BufMut, Bytes};
use std::future::Future;
use std::net::SocketAddr;
use std::ops::Range;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

/// With this much of a frame still to come, reads go straight into the message.
const DIRECT_FROM: usize = pool::READ_SIZE / 2;
/// The first reservation for such a message, in bytes; later ones double what has arrived.
const DIRECT_RESERVE: usize = 2 * pool::READ_SIZE;

/// An owned message is handed out without its read buffer, unless so much is left in that: then a
/// handler that takes its time pins eight times as much at most, and what comes in large messages
/// is not copied once more.
const KEEP_FROM: usize = pool::READ_SIZE / 8;

pub(crate) struct Reader {
    io: ReadHalf,
    decoder: Decoder,
    /// Input that is not decoded yet. Nothing while waiting for the peer.
    input: Option<Box<Input>>,
    role: Role,
    shared: Arc<Shared>,
    state: State,
    close_frame: Option<Box<CloseFrame>>,
    /// Messages were handed out since the last wait while more input was there.
    batch: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Open,
    /// The peer's Close frame has come.
    Closed,
    /// The stream ended or failed, or the peer broke the protocol.
    Ended,
}

/// Where a message lies.
enum Place {
    Input(Range<usize>),
    Gathered,
}

impl Reader {
    /// `input` is what arrived behind the handshake.
    pub(crate) fn new(
        io: ReadHalf,
        role: Role,
        limits: Limits,
        input: Vec<u8>,
        shared: Arc<Shared>,
    ) -> Self {
        let input = (!input.is_empty()).then(|| {
            let end = input.len();
            Input::new(input, end)
        });
        Self {
            io,
            decoder: Decoder::new(role, limits),
            input,
            role,
            shared,
            state: State::Open,
            close_frame: None,
            batch: false,
        }
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// Understands compressed messages from now on.
    pub(crate) fn set_decompressor(&mut self, decompressor: Decompressor) {
        self.decoder.set_deflate(decompressor);
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn peer_addr(&self) -> Option<SocketAddr> {
        self.io.peer_addr()
    }

    /// The peer's Close frame, once it has come.
    pub(crate) fn close_frame(&self) -> Option<&CloseFrame> {
        self.close_frame.as_deref()
    }

    /// Bytes read from the stream, what came with the handshake not counted.
    pub(crate) fn received(&self) -> u64 {
        self.shared.received()
    }

    /// True once nothing more will be received.
    pub(crate) fn is_done(&self) -> bool {
        self.state != State::Open
    }

    /// True once the stream itself has ended.
    pub(crate) fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// The next message, borrowed until the next call. Cancel safe: a message is lost by no drop.
    pub(crate) fn poll_ref(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<MessageRef<'_>>>> {
        let Some((kind, place)) = ready!(self.poll_place(cx))? else {
            return Poll::Ready(Ok(None));
        };
        let payload = self.payload(place);
        Poll::Ready(Ok(Some(match kind {
            Kind::Text => MessageRef::Text(checked_str(payload)),
            Kind::Binary => MessageRef::Binary(payload),
        })))
    }

    /// The next message, owned. Cancel safe.
    pub(crate) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>>> {
        let Some((kind, place)) = ready!(self.poll_place(cx))? else {
            return Poll::Ready(Ok(None));
        };
        let payload = match place {
            Place::Input(_) => Bytes::copy_from_slice(self.payload(place)),
            Place::Gathered => self.take_gathered(),
        };
        self.shrink();
        Poll::Ready(Ok(Some(match kind {
            Kind::Text => Message::Text(Text::from_checked(payload)),
            Kind::Binary => Message::Binary(payload),
        })))
    }

    fn poll_place(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<(Kind, Place)>>> {
        self.release_gathered();
        if self.decoder.is_streaming() {
            ready!(self.poll_discard(cx))?;
        }
        loop {
            if self.state != State::Open {
                self.release();
                return Poll::Ready(Ok(None));
            }
            match self.decode() {
                Ok(Some(found)) => return Poll::Ready(Ok(Some(found))),
                Ok(None) if self.state == State::Open => {}
                Ok(None) => continue,
                Err(error) => return Poll::Ready(Err(error)),
            }
            let read = match self.decoder.remaining() {
                direct if direct >= DIRECT_FROM => self.poll_read_direct(cx, direct),
                _ => self.poll_read(cx),
            };
            match read {
                Poll::Pending => {
                    ready!(self.poll_wait())?;
                }
                Poll::Ready(Ok(Some(found))) => return Poll::Ready(Ok(Some(found))),
                Poll::Ready(Ok(None)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.ended(error))),
            }
        }
    }

    /// Nothing has arrived: waits on, unless this was the last look that the peer was owed.
    fn poll_wait(&mut self) -> Poll<Result<()>> {
        self.before_wait();
        if self.shared.signs().fate() != Fate::Suspect {
            return Poll::Pending;
        }
        self.shared.cut_silent();
        Poll::Ready(Err(self.ended(Error::abnormal())))
    }

    /// The stream has ended: by a deadline of ours, or as `error` says.
    fn ended(&mut self, error: Error) -> Error {
        let error = self.shared.signs().fate().error().unwrap_or(error);
        self.end();
        error
    }

    /// Any byte is a sign of life.
    fn count(&mut self, read: usize) {
        if read > 0 {
            self.shared.hear(read);
        }
    }

    fn release_gathered(&mut self) {
        if let Some(input) = &mut self.input
            && input.gathered.capacity() > 0
        {
            pool::release_large(std::mem::take(&mut input.gathered));
        }
    }

    /// Decodes what is buffered up to the first message.
    fn decode(&mut self) -> Result<Option<(Kind, Place)>> {
        while let Some(input) = &mut self.input
            && input.start < input.end
        {
            let base = input.start;
            let unread = &mut input.bytes[base..input.end];
            if let Some((kind, range)) = self.decoder.decode_whole(unread) {
                input.start = base + range.end;
                let more = input.start < input.end;
                self.note_message(more);
                return Ok(Some((kind, Place::Input(base + range.start..base + range.end))));
            }
            let decoded = match self.decoder.decode(&mut input.bytes[base..input.end]) {
                Ok(decoded) => decoded,
                Err(violation) => return Err(self.violated(violation)),
            };
            input.start += decoded.consumed;
            let more = input.start < input.end;
            if let Some(item) = decoded.item
                && let Some((kind, body)) = self.answer(item, base)
            {
                self.note_message(more);
                return Ok(Some((kind, self.place(body, base))));
            }
        }
        Ok(None)
    }

    /// A message is about to be handed out; `more` input stands behind it.
    fn note_message(&mut self, more: bool) {
        self.shared.set_more(more);
        self.shared.signs().note_message();
        self.batch |= more;
    }

    /// Obeys control frames; hands messages back. Inlined for the same reason as `take_header`.
    #[inline(always)]
    fn answer(&mut self, item: Item, base: usize) -> Option<(Kind, Body)> {
        match item {
            Item::Message(kind, body) => return Some((kind, body)),
            Item::Ping(body) => {
                let input = self.input.as_ref().and_then(|input| input.bytes.get(base..));
                let payload = body.as_slice(input.unwrap_or_default());
                self.shared.pong(payload);
            }
            Item::Pong(_) => {}
            Item::Close(frame) => {
                // Code and reason go back as they came (§5.5.1): browsers report those that they
                // receive. RFC 6455 §7.1.1: the server ends the TCP connection first.
                self.shared.close(&frame, self.role == Role::Server);
                self.close_frame = Some(Box::new(frame));
                self.state = State::Closed;
            }
        }
        None
    }

    fn payload(&self, place: Place) -> &[u8] {
        let payload = match place {
            Place::Input(range) => self.input.as_ref().map(|input| &input.bytes[range]),
            Place::Gathered => self.input.as_ref().map(|input| &input.gathered[..]),
        };
        payload.unwrap_or_default()
    }

    fn place(&mut self, body: Body, base: usize) -> Place {
        match body {
            Body::Input(range) => Place::Input(base + range.start..base + range.end),
            Body::Owned(bytes) => {
                self.input.get_or_insert_with(pool::lease_read).gathered = bytes;
                Place::Gathered
            }
        }
    }

    /// Reads into a buffer of the thread.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<(Kind, Place)>>> {
        let input = match &mut self.input {
            Some(input) if input.bytes.len() == pool::READ_SIZE => input,
            other => other.insert(pool::lease_read()),
        };
        let mut buf = ReadBuf::new(&mut input.bytes);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf))?;
        let read = buf.filled().len();
        (input.start, input.end) = (0, read);
        self.count(read);
        if read == 0 { Poll::Ready(Err(Error::abnormal())) } else { Poll::Ready(Ok(None)) }
    }

    /// Reads the rest of a large frame onto the end of its message, without a copy.
    fn poll_read_direct(
        &mut self,
        cx: &mut Context<'_>,
        remaining: usize,
    ) -> Poll<Result<Option<(Kind, Place)>>> {
        self.release();
        let Some(payload) = self.decoder.payload_mut() else { return Poll::Ready(Ok(None)) };
        let before = payload.len();
        if payload.capacity() == before {
            make_room(payload, remaining);
        }
        let room = remaining.min(payload.capacity() - before);
        let read = {
            let mut limited = payload.limit(room);
            ready!(pin!(self.io.read_buf(&mut limited)).poll(cx))?
        };
        if read == 0 {
            return Poll::Ready(Err(Error::abnormal()));
        }
        self.count(read);
        let item = match self.decoder.payload_read(read) {
            Ok(item) => item,
            Err(violation) => return Poll::Ready(Err(self.violated(violation))),
        };
        let Some(Item::Message(kind, body)) = item else { return Poll::Ready(Ok(None)) };
        self.note_message(false);
        let place = self.place(body, 0);
        Poll::Ready(Ok(Some((kind, place))))
    }

    /// The gathered message, which must not pin more than twice its size.
    fn take_gathered(&mut self) -> Bytes {
        let Some(input) = &mut self.input else { return Bytes::new() };
        let payload = std::mem::take(&mut input.gathered);
        if payload.capacity() < DIRECT_RESERVE {
            return payload.into();
        }
        if payload.capacity() / 2 <= payload.len() {
            return Bytes::from_owner(pool::Large(payload));
        }
        let copy = Bytes::copy_from_slice(&payload);
        pool::release_large(payload);
        copy
    }

    /// What is owed before the task waits: no buffer held, nothing corked.
    fn before_wait(&mut self) {
        self.release();
        self.shared.set_more(false);
        if std::mem::take(&mut self.batch) {
            self.shared.flush_corked();
        }
    }

    /// Gives an empty read buffer back to the thread.
    fn release(&mut self) {
        if let Some(input) = self.input.take_if(|input| input.start >= input.end) {
            pool::release_read(input);
        }
    }

    fn drop_input(&mut self) {
        if let Some(input) = self.input.take() {
            pool::release_read(input);
        }
    }

    /// Before an owned message is handed out: what is left must not pin a large buffer.
    pub(crate) fn shrink(&mut self) {
        let Some(input) = &mut self.input else { return };
        let left = input.end - input.start;
        if left == 0 {
            self.release();
        } else if input.bytes.len() == pool::READ_SIZE && left < KEEP_FROM {
            let bytes = input.bytes[input.start..input.end].to_vec();
            let rest = Input::new(bytes, left);
            pool::release_read(std::mem::replace(input, rest));
        }
    }

    /// Answers a violation by its close code (RFC 6455 §7.1.7).
    fn violated(&mut self, violation: Violation) -> Error {
        self.shared.close(&CloseFrame::new(violation.close_code(), violation.as_str()), true);
        self.state = State::Closed;
        self.release();
        violation.into()
    }

    fn end(&mut self) {
        if self.state == State::Open && self.close_frame.is_none() {
            self.shared.abort();
        }
        self.state = State::Ended;
        self.drop_input();
    }

    /// Reads and drops what still comes, until the stream ends (RFC 6455 §7.1.1).
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.state != State::Ended {
            match self.poll_read(cx) {
                Poll::Pending => {
                    self.drop_input();
                    return Poll::Pending;
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => self.state = State::Ended,
            }
        }
        self.drop_input();
        Poll::Ready(())
    }

    /// The code to close with where the application gives none.
    pub(crate) fn default_close() -> CloseFrame {
        let code = if std::thread::panicking() { CloseCode::INTERNAL } else { CloseCode::NORMAL };
        CloseFrame::new(code, "")
    }
}

/// Makes room behind a payload that fills its buffer.
///
/// Memory of the thread that was used before costs nothing. Without it, as much again as has
/// arrived: an announced length alone reserves little.
fn make_room(payload: &mut Vec<u8>, remaining: usize) {
    let pooled = pool::lease_large();
    if pooled.capacity() > payload.len() {
        let arrived = std::mem::replace(payload, pooled);
        payload.extend_from_slice(&arrived);
        return;
    }
    payload.reserve_exact(remaining.min(payload.len().max(DIRECT_RESERVE)));
}
