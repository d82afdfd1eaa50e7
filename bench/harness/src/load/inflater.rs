//! Inflates a server's replies, so that compression which loses something fails.

use anyhow::{Result, bail};
use flate2::{Decompress, FlushDecompress};

/// One connection's inflater; its window lives as long as the connection.
pub(super) struct Inflater {
    window: Decompress,
    packed: Vec<u8>,
    plain: Vec<u8>,
}

impl Inflater {
    pub(super) fn new() -> Self {
        Self { window: Decompress::new(false), packed: Vec::new(), plain: Vec::new() }
    }

    /// Takes the next bytes of a compressed message.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.packed.extend(bytes);
    }

    /// Ends a message and compares it.
    pub(super) fn finish(&mut self, expected: &[u8]) -> Result<()> {
        if self.message(expected.len())? != expected {
            bail!("a compressed reply is not what was sent");
        }
        Ok(())
    }

    /// Ends a message and gives it, up to `most` bytes of it and one more.
    pub(super) fn message(&mut self, most: usize) -> Result<&[u8]> {
        self.packed.extend([0, 0, 0xff, 0xff]);
        self.plain.clear();
        self.plain.reserve(most + 1);
        let mut at = 0;
        while at < self.packed.len() {
            let before = self.window.total_in();
            let rest = &self.packed[at..];
            self.window.decompress_vec(rest, &mut self.plain, FlushDecompress::Sync)?;
            let used = usize::try_from(self.window.total_in() - before)?;
            if used == 0 {
                break;
            }
            at += used;
        }
        self.packed.clear();
        Ok(&self.plain)
    }
}
