//! Bytes that wait to be written: small frames merged, large payloads and shared frames uncopied.

use super::pool;
use super::stream::WriteHalf;
use crate::prepared::Framed;
use crate::proto::{Header, OpCode, RSV1, apply_mask};
use bytes::Bytes;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll};

/// Payloads from this size on are not copied into the merged bytes.
const BORROW_FROM: usize = 8192;
/// A reference to less than that costs more than a copy.
const COPY_BELOW: usize = 1024;
/// Slices handed to one write.
const SLICES: usize = 16;

/// In order: `chunks`, then `tail`. The first `sent` bytes of the front have left.
#[derive(Default)]
pub(crate) struct Queue {
    chunks: VecDeque<Bytes>,
    tail: Vec<u8>,
    sent: usize,
    len: usize,
}

/// What a connection holds of it: a queue of the thread's while something waits, and none for a
/// single frame that many share, since a broadcast has one of those for every receiver.
#[derive(Default)]
pub(crate) struct Lease {
    /// All that waits, if it is there.
    frame: Option<Arc<Framed>>,
    queue: Option<Box<Queue>>,
}

impl Lease {
    /// Bytes that wait.
    pub(crate) fn len(&self) -> usize {
        match (&self.queue, &self.frame) {
            (Some(queue), _) => queue.len(),
            (None, Some(frame)) => frame.bytes().len(),
            (None, None) => 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The queue, taken from the thread if need be.
    pub(crate) fn queue(&mut self) -> &mut Queue {
        if self.frame.is_some() {
            self.unshare();
        }
        self.queue.get_or_insert_with(pool::lease_queue)
    }

    #[cold]
    fn unshare(&mut self) {
        let Some(frame) = self.frame.take() else { return };
        let bytes = frame.bytes();
        if bytes.len() < COPY_BELOW {
            // What follows stands behind it, and all of it is one slice.
            self.queue().push_bytes(bytes);
        } else {
            self.queue().push_shared(bytes.clone());
        }
    }

    /// Appends a frame that many share.
    pub(crate) fn push_framed(&mut self, frame: &Arc<Framed>) {
        if self.queue.is_none() && self.frame.is_none() {
            self.frame = Some(Arc::clone(frame));
        } else {
            self.queue().push_shared(frame.bytes().clone());
        }
    }

    /// [`Queue::try_flush`].
    ///
    /// # Errors
    /// As [`Queue::try_flush`].
    pub(crate) fn try_flush(&mut self, io: &mut WriteHalf) -> io::Result<bool> {
        if let Some(frame) = &self.frame {
            let written = io.try_write(frame.bytes());
            if written.as_ref().is_ok_and(|&written| written == frame.bytes().len()) {
                self.frame = None;
                return Ok(true);
            }
            // The queue can keep a part of it, and knows what is an error.
            self.queue().advance(written.unwrap_or(0));
        }
        let Some(queue) = &mut self.queue else { return Ok(true) };
        let done = queue.try_flush(io)?;
        self.release();
        Ok(done)
    }

    /// [`Queue::poll_flush`].
    pub(crate) fn poll_flush(
        &mut self,
        io: &mut WriteHalf,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let result = self.queue().poll_flush(io, cx);
        self.release();
        result
    }

    /// Drops everything that waits.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn release(&mut self) {
        if let Some(queue) = self.queue.take_if(|queue| queue.is_empty()) {
            pool::release_queue(queue);
        }
    }
}

impl Queue {
    /// Bytes that wait.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a frame whose payload may be copied; masks the copy if there is a key.
    pub(crate) fn push_copy(&mut self, opcode: OpCode, payload: &[u8], mask: Option<[u8; 4]>) {
        match u8::try_from(payload.len()) {
            Ok(length @ 0..=125) if mask.is_none() => {
                self.tail.extend_from_slice(&[0x80 | opcode as u8, length]);
                self.tail.extend_from_slice(payload);
                self.len += 2 + payload.len();
            }
            _ => self.push_header(Header::new(opcode, payload.len(), mask), payload),
        }
    }

    /// Appends bytes that are no frame.
    pub(crate) fn push_raw(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Appends the frame of a compressed message (RFC 7692 §6.1).
    pub(crate) fn push_compressed(
        &mut self,
        opcode: OpCode,
        payload: &[u8],
        mask: Option<[u8; 4]>,
    ) {
        let header = Header { rsv: RSV1, ..Header::new(opcode, payload.len(), mask) };
        self.push_header(header, payload);
    }

    /// Appends a frame with this header, whose payload may be copied.
    pub(crate) fn push_header(&mut self, header: Header, payload: &[u8]) {
        let mut bytes = [0; Header::MAX];
        let size = header.write(&mut bytes);
        self.tail.extend_from_slice(&bytes[..size]);
        let from = self.tail.len();
        self.tail.extend_from_slice(payload);
        if let Some(key) = header.mask {
            apply_mask(&mut self.tail[from..], key, 0);
        }
        self.len += size + payload.len();
    }

    /// Appends a frame; a large unmasked payload is kept, not copied.
    pub(crate) fn push_frame(&mut self, opcode: OpCode, payload: &Bytes, mask: Option<[u8; 4]>) {
        if payload.len() < BORROW_FROM || mask.is_some() {
            return self.push_copy(opcode, payload, mask);
        }
        let mut header = [0; Header::MAX];
        let size = Header::new(opcode, payload.len(), mask).write(&mut header);
        self.push_bytes(&header[..size]);
        self.push_shared(payload.clone());
    }

    /// Appends one fragment of a message; a large unmasked payload is kept, not copied.
    pub(crate) fn push_fragment(
        &mut self,
        opcode: OpCode,
        fin: bool,
        payload: &Bytes,
        mask: Option<[u8; 4]>,
    ) {
        let mut header = [0; Header::MAX];
        let size = Header { fin, ..Header::new(opcode, payload.len(), mask) }.write(&mut header);
        self.push_bytes(&header[..size]);
        match mask {
            None if payload.len() >= BORROW_FROM => self.push_shared(payload.clone()),
            None => self.push_bytes(payload),
            Some(key) => {
                let from = self.tail.len();
                self.push_bytes(payload);
                apply_mask(&mut self.tail[from..], key, 0);
            }
        }
    }

    /// Appends what another queue holds, of which nothing has left yet.
    pub(crate) fn append(&mut self, mut other: Self) {
        for chunk in other.chunks.drain(..) {
            self.push_shared(chunk);
        }
        if !other.tail.is_empty() {
            self.push_bytes(&other.tail);
        }
    }

    /// Appends bytes that are already framed and shared with other connections.
    pub(crate) fn push_shared(&mut self, bytes: Bytes) {
        if !self.is_empty() && bytes.len() < BORROW_FROM {
            return self.push_bytes(&bytes);
        }
        self.seal();
        self.len += bytes.len();
        self.chunks.push_back(bytes);
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Turns the merged bytes into a chunk, so that another can stand behind it.
    fn seal(&mut self) {
        if self.tail.is_empty() {
            return;
        }
        self.chunks.push_back(Bytes::copy_from_slice(&self.tail));
        self.tail.clear();
    }

    /// Drops everything that waits.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// True if it is worth keeping for another connection.
    pub(crate) fn is_reusable(&self) -> bool {
        self.is_empty() && self.tail.capacity() <= pool::KEEP_WRITE_SIZE
    }

    /// Writes as much as the stream takes now. True if nothing is left.
    ///
    /// # Errors
    /// What the stream reports, being full excepted.
    pub(crate) fn try_flush(&mut self, io: &mut WriteHalf) -> io::Result<bool> {
        while !self.is_empty() {
            let written = match self.single() {
                Some(bytes) => io.try_write(bytes).and_then(|written| self.take_note(written)),
                None => self.write_with(|slices| io.try_write_vectored(slices)),
            };
            match written {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Writes everything, waiting for the stream where it must.
    pub(crate) fn poll_flush(
        &mut self,
        io: &mut WriteHalf,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let mut pending = false;
            let written = self.write_with(|slices| match io.poll_write(cx, slices) {
                Poll::Ready(result) => result,
                Poll::Pending => {
                    pending = true;
                    Err(io::ErrorKind::WouldBlock.into())
                }
            });
            if pending {
                return Poll::Pending;
            }
            written?;
        }
        Poll::Ready(Ok(()))
    }

    fn write_with(
        &mut self,
        write: impl FnOnce(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<()> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut count = 0;
        let mut skip = self.sent;
        let parts = self.chunks.iter().map(|chunk| &chunk[..]);
        for part in parts.chain([&self.tail[..]]).take(SLICES) {
            slices[count] = IoSlice::new(&part[skip..]);
            count += 1;
            skip = 0;
        }
        let written = write(&slices[..count])?;
        self.take_note(written)
    }

    /// What waits, if it lies in one piece: the kernel takes that for less than a list of one.
    fn single(&self) -> Option<&[u8]> {
        match self.chunks.front() {
            None => self.tail.get(self.sent..),
            Some(only) if self.tail.is_empty() && self.chunks.len() == 1 => only.get(self.sent..),
            Some(_) => None,
        }
    }

    fn take_note(&mut self, written: usize) -> io::Result<()> {
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.advance(written);
        Ok(())
    }

    fn advance(&mut self, written: usize) {
        self.len -= written;
        self.sent += written;
        while let Some(front) = self.chunks.front() {
            if self.sent < front.len() {
                return;
            }
            self.sent -= front.len();
            self.chunks.pop_front();
        }
        if self.len == 0 {
            self.sent = 0;
            self.tail.clear();
            if self.chunks.capacity() > SLICES {
                self.chunks = VecDeque::new();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes through a sink that takes at most `limit` bytes at a time.
    fn drain(queue: &mut Queue, limit: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while !queue.is_empty() {
            let all: &mut Vec<u8> = &mut out;
            queue
                .write_with(|slices| {
                    let mut taken = 0;
                    for slice in slices {
                        let take = slice.len().min(limit - taken);
                        all.extend_from_slice(&slice[..take]);
                        taken += take;
                    }
                    Ok(taken)
                })
                .unwrap();
        }
        out
    }

    #[test]
    fn order_holds_across_copies_chunks_and_partial_writes() {
        for limit in [1, 7, 4096, 1 << 20] {
            let mut queue = Queue::default();
            let mut expected = Vec::new();
            for round in 0u8..4 {
                let large = Bytes::from(vec![round; 5000]);
                queue.push_copy(OpCode::Text, b"small", None);
                expected.extend_from_slice(b"\x81\x05small");
                queue.push_frame(OpCode::Binary, &large, None);
                expected.extend_from_slice(&[0x82, 126, 0x13, 0x88]);
                expected.extend_from_slice(&large);
                queue.push_shared(Bytes::from_static(b"\x81\x01x"));
                expected.extend_from_slice(b"\x81\x01x");
            }
            assert_eq!(queue.len(), expected.len());
            assert_eq!(drain(&mut queue, limit), expected, "limit {limit}");
            assert_eq!(queue.len(), 0);
        }
    }

    #[test]
    fn masked_frames_leave_the_payload_alone() {
        let mut queue = Queue::default();
        let payload = Bytes::from(vec![0x55; 5000]);
        queue.push_frame(OpCode::Binary, &payload, Some([1, 2, 3, 4]));
        let out = drain(&mut queue, 1000);
        assert_eq!(&out[..8], &[0x82, 0xFE, 0x13, 0x88, 1, 2, 3, 4]);
        assert_eq!(&out[8..12], &[0x54, 0x57, 0x56, 0x51]);
        assert!(payload.iter().all(|&byte| byte == 0x55));
    }
}
