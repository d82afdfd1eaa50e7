//! The receiving side of a client: a server's frames out of bytes that arrive in any pieces.

use anyhow::{Result, bail};

/// What is done with frames as they come.
pub(super) trait Frames {
    /// A data frame begins; says whether its payload is wanted.
    fn head(&mut self, first: u8, length: usize) -> Result<bool>;
    /// The next bytes of its payload, from `at` on.
    fn payload(&mut self, at: usize, bytes: &[u8]) -> Result<()>;
    /// It has ended.
    fn end(&mut self) -> Result<()>;
}

/// Where in a frame a client is.
#[derive(Default)]
pub(super) struct Inbound {
    head: [u8; 10],
    held: usize,
    open: Option<Open>,
}

struct Open {
    length: usize,
    got: usize,
    wanted: bool,
    control: bool,
}

impl Inbound {
    /// Bytes of the payload to come that nobody wants, and which the kernel may throw away.
    pub(super) fn unwanted(&self) -> usize {
        let open = self.open.as_ref().filter(|open| !open.wanted);
        open.map_or(0, |open| open.length - open.got)
    }

    /// Whether a payload is open that is wanted.
    pub(super) fn wants(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.wanted)
    }

    /// Passes over unwanted payload that was thrown away.
    pub(super) fn pass(&mut self, bytes: usize, frames: &mut impl Frames) -> Result<()> {
        if let Some(open) = &mut self.open {
            open.got += bytes;
        }
        self.close(frames)
    }

    /// Takes the next bytes.
    pub(super) fn read(&mut self, mut bytes: &[u8], frames: &mut impl Frames) -> Result<()> {
        while !bytes.is_empty() {
            if let Some(open) = &mut self.open {
                let (now, later) = bytes.split_at(bytes.len().min(open.length - open.got));
                if open.wanted {
                    frames.payload(open.got, now)?;
                }
                open.got += now.len();
                bytes = later;
            } else {
                bytes = self.head(bytes, frames)?;
            }
            self.close(frames)?;
        }
        Ok(())
    }

    fn close(&mut self, frames: &mut impl Frames) -> Result<()> {
        let Some(open) = self.open.take_if(|open| open.got == open.length) else { return Ok(()) };
        if open.control { Ok(()) } else { frames.end() }
    }

    /// Collects the head of a frame; gives back what follows it.
    fn head<'a>(&mut self, bytes: &'a [u8], frames: &mut impl Frames) -> Result<&'a [u8]> {
        let need = if self.held < 2 { 2 } else { head_length(self.head[1]) };
        let (now, later) = bytes.split_at(bytes.len().min(need - self.held));
        self.head[self.held..self.held + now.len()].copy_from_slice(now);
        self.held += now.len();
        if self.held < 2 || self.held < head_length(self.head[1]) {
            return Ok(later);
        }
        self.held = 0;
        let [first, second, rest @ ..] = self.head;
        let [a, b, ..] = rest;
        let length = match second {
            0x80.. => bail!("a masked frame from a server"),
            127 => usize::try_from(u64::from_be_bytes(rest))?,
            126 => usize::from(u16::from_be_bytes([a, b])),
            short => usize::from(short),
        };
        let control = first & 0x0f >= 8;
        if first & 0x0f == 8 {
            bail!("the server closes");
        }
        let wanted = !control && frames.head(first, length)?;
        self.open = Some(Open { length, got: 0, wanted, control });
        Ok(later)
    }
}

fn head_length(second: u8) -> usize {
    match second & 0x7f {
        126 => 4,
        127 => 10,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Seen(Vec<(u8, Vec<u8>)>, Vec<u8>);

    impl Frames for Seen {
        fn head(&mut self, first: u8, _: usize) -> Result<bool> {
            self.0.push((first, Vec::new()));
            Ok(true)
        }
        fn payload(&mut self, at: usize, bytes: &[u8]) -> Result<()> {
            assert_eq!(at, self.1.len());
            self.1.extend(bytes);
            Ok(())
        }
        fn end(&mut self) -> Result<()> {
            self.0.last_mut().unwrap().1 = std::mem::take(&mut self.1);
            Ok(())
        }
    }

    #[test]
    fn frames_are_the_same_however_the_bytes_arrive() {
        let mut bytes = vec![0x82, 0, 0x89, 1, 7, 0x81, 2, b'h', b'i', 0x82, 126, 0, 130];
        bytes.extend([9; 130]);
        let expected = vec![(0x82, vec![]), (0x81, b"hi".to_vec()), (0x82, vec![9; 130])];
        for step in 1..=bytes.len() {
            let (mut inbound, mut seen) = (Inbound::default(), Seen::default());
            for piece in bytes.chunks(step) {
                inbound.read(piece, &mut seen).unwrap();
            }
            assert_eq!(seen.0, expected, "in pieces of {step}");
        }
    }

    #[test]
    fn what_a_server_must_not_send_is_an_error() {
        for bytes in [[0x82, 0x80], [0x88, 0]] {
            assert!(Inbound::default().read(&bytes, &mut Seen::default()).is_err());
        }
    }
}
