//! The binary parts of a packet, some of which may still lie where they arrived.

use bytes::Bytes;

/// The attachments of a packet, in the order of their numbers.
///
/// Those that came before the last one are kept, since nobody could use them yet. The last may be
/// lent from the buffer in which it arrived ([`Assembler::receive_lent`]): then it is copied only
/// by who keeps it. Made from a slice of [`Bytes`], all of them are kept.
///
/// [`Assembler::receive_lent`]: super::Assembler::receive_lent
///
/// ```
/// use bytes::Bytes;
/// use rialto_protocol::socketio::Attachments;
///
/// let kept = [Bytes::from_static(b"abc")];
/// let all = Attachments::from(&kept).and_lent(b"d");
/// assert_eq!((all.len(), all.get(0), all.get(1)), (2, Some(&b"abc"[..]), Some(&b"d"[..])));
/// assert_eq!(all.to_vec(), [&b"abc"[..], b"d"]);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Attachments<'a> {
    kept: &'a [Bytes],
    lent: Option<&'a [u8]>,
}

impl<'a> Attachments<'a> {
    /// The same with one more behind them, which takes the place of another that is lent.
    #[must_use]
    pub const fn and_lent(self, last: &'a [u8]) -> Self {
        Self { kept: self.kept, lent: Some(last) }
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.kept.len() + usize::from(self.lent.is_some())
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.kept.is_empty() && self.lent.is_none()
    }

    /// The content of the attachment with that number.
    pub fn get(self, number: usize) -> Option<&'a [u8]> {
        match self.kept(number) {
            Some(bytes) => Some(bytes),
            None if number == self.kept.len() => self.lent,
            None => None,
        }
    }

    /// The attachment with that number, if it is kept.
    pub(super) fn kept(self, number: usize) -> Option<&'a Bytes> {
        self.kept.get(number)
    }

    /// The sum of their bytes.
    pub fn bytes(self) -> usize {
        let lent = self.lent.map_or(0, <[u8]>::len);
        self.kept.iter().map(Bytes::len).sum::<usize>() + lent
    }

    /// All of them as bytes of their own: one that is lent is copied, the others are shared.
    pub fn to_vec(self) -> Vec<Bytes> {
        let lent = self.lent.map(Bytes::copy_from_slice);
        self.kept.iter().cloned().chain(lent).collect()
    }
}

impl<'a> From<&'a [Bytes]> for Attachments<'a> {
    fn from(kept: &'a [Bytes]) -> Self {
        Self { kept, lent: None }
    }
}

impl<'a, const COUNT: usize> From<&'a [Bytes; COUNT]> for Attachments<'a> {
    fn from(kept: &'a [Bytes; COUNT]) -> Self {
        Self { kept, lent: None }
    }
}

impl<'a> From<&'a Vec<Bytes>> for Attachments<'a> {
    fn from(kept: &'a Vec<Bytes>) -> Self {
        Self { kept, lent: None }
    }
}
