//! Masking (RFC 6455 §5.3).

/// Masks or unmasks `data` in place with `key`.
///
/// `offset` is the position of `data[0]` within its frame's payload,
/// so that a payload can be unmasked piece by piece as it arrives.
/// The loop over 32-byte blocks is written so that the compiler turns it into vector code; what
/// is left, and a small payload is nothing else, goes by eight bytes.
pub fn apply_mask(data: &mut [u8], key: [u8; 4], offset: usize) {
    let key = u32::from_le_bytes(key).rotate_right([0, 8, 16, 24][offset % 4]);
    let twice = ((u64::from(key) << 32) | u64::from(key)).to_le_bytes();
    let (blocks, rest) = data.as_chunks_mut::<32>();
    if !blocks.is_empty() {
        let mut wide = [0u8; 32];
        for part in wide.as_chunks_mut::<8>().0 {
            *part = twice;
        }
        for block in blocks {
            for (byte, mask) in block.iter_mut().zip(&wide) {
                *byte ^= mask;
            }
        }
    }
    let (words, rest) = rest.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ u64::from_ne_bytes(twice)).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(&twice) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::apply_mask;

    #[test]
    fn equals_the_definition_at_every_length_and_offset() {
        let key = [0xA1, 0x02, 0x7F, 0xFE];
        for len in 0..100usize {
            let plain: Vec<u8> = (0..=250).cycle().step_by(7).take(len).collect();
            for offset in 0..9 {
                let mut masked = plain.clone();
                apply_mask(&mut masked, key, offset);
                let expected: Vec<u8> =
                    plain.iter().enumerate().map(|(i, b)| b ^ key[(i + offset) % 4]).collect();
                assert_eq!(masked, expected, "len {len} offset {offset}");
            }
        }
    }

    #[test]
    fn pieces_equal_the_whole() {
        let key = [1, 2, 3, 4];
        let mut whole: Vec<u8> = (0..=255).collect();
        let mut pieces = whole.clone();
        apply_mask(&mut whole, key, 0);
        let mut at = 0;
        for size in [1, 3, 64, 7, 31, 33, 117] {
            apply_mask(&mut pieces[at..at + size], key, at);
            at += size;
        }
        assert_eq!(at, 256);
        assert_eq!(pieces, whole);
    }
}
