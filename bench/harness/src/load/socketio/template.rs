//! A message that differs in its number alone: written and recognised without being composed or
//! parsed, so that the generator costs less than a server.

use super::super::messages::frame;

/// Digits of a number, which begin with [`FIRST`]: every message is as long as every other.
const DIGITS: usize = 8;
/// The first number.
pub(super) const FIRST: u64 = 10_000_000;
/// Stands for the number in a pattern.
const MARK: char = '#';
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The bytes, and where in them the number stands.
pub(super) struct Template {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

struct Place {
    at: usize,
    /// What the digits are masked with.
    mask: [u8; DIGITS],
}

impl Template {
    /// A pattern with a `#` for each number, and what follows it as it is.
    pub(super) fn new(pattern: &str, tail: &[u8]) -> Self {
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        for (index, part) in pattern.split(MARK).enumerate() {
            if index > 0 {
                places.push(Place { at: bytes.len(), mask: [0; DIGITS] });
                bytes.extend([b'0'; DIGITS]);
            }
            bytes.extend(part.as_bytes());
        }
        bytes.extend(tail);
        Self { bytes, places }
    }

    /// The same as a client's frame with that first byte.
    pub(super) fn framed(&self, first: u8) -> Self {
        let bytes = frame(first, &self.bytes, MASK);
        let head = bytes.len() - self.bytes.len();
        let place = |place: &Place| Place {
            at: head + place.at,
            mask: std::array::from_fn(|digit| MASK[(place.at + digit) % MASK.len()]),
        };
        Self { bytes, places: self.places.iter().map(place).collect() }
    }

    /// Adds the message with that number.
    pub(super) fn write(&self, number: u64, out: &mut Vec<u8>) {
        let (start, digits) = (out.len(), digits(number));
        out.extend(&self.bytes);
        for place in &self.places {
            let at = start + place.at;
            for ((to, digit), mask) in out[at..at + DIGITS].iter_mut().zip(digits).zip(place.mask) {
                *to = digit ^ mask;
            }
        }
    }

    /// The number of the message that these bytes are, if they are one. For what is not framed.
    pub(super) fn number(&self, bytes: &[u8]) -> Option<u64> {
        if bytes.len() != self.bytes.len() {
            return None;
        }
        let first = self.places.first()?.at;
        let digits = &bytes[first..first + DIGITS];
        let mut at = 0;
        for place in &self.places {
            let same = bytes[at..place.at] == self.bytes[at..place.at];
            if !same || bytes[place.at..place.at + DIGITS] != *digits {
                return None;
            }
            at = place.at + DIGITS;
        }
        (bytes[at..] == self.bytes[at..]).then(|| value(digits)).flatten()
    }
}

fn digits(number: u64) -> [u8; DIGITS] {
    let mut rest = number;
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    digits
}

fn value(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| match digit {
        b'0'..=b'9' => Some(value * 10 + u64::from(digit - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_recognised() {
        let template = Template::new("43#[{\"n\":#,\"text\":\"", b"a#b\"}]");
        let mut bytes = Vec::new();
        template.write(FIRST + 7, &mut bytes);
        assert_eq!(bytes, b"4310000007[{\"n\":10000007,\"text\":\"a#b\"}]");
        assert_eq!(template.number(&bytes), Some(FIRST + 7));
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 0x40;
            assert_eq!(template.number(&altered), None, "a change at {at}");
        }
        assert_eq!(template.number(&bytes[1..]), None);
    }

    #[test]
    fn a_frame_is_masked_where_its_number_stands_too() {
        let template = Template::new("42#[\"echo\",#", b"]");
        let (mut plain, mut framed) = (Vec::new(), Vec::new());
        template.write(12_345_678, &mut plain);
        template.framed(0x81).write(12_345_678, &mut framed);
        assert_eq!(framed, frame(0x81, &plain, MASK));
    }
}
