//! One body at a time into one of the encodings.

use crate::options::Encoding;
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Status};

/// True if this build can do it.
pub(super) const fn is_built_in(encoding: Encoding) -> bool {
    match encoding {
        Encoding::Gzip | Encoding::Deflate => true,
        Encoding::Brotli | Encoding::Zstd => cfg!(feature = "compression"),
    }
}

/// Compresses a body at a level from 1 to 9; `None` if it cannot be done.
pub(crate) fn compress(encoding: Encoding, level: u8, body: &[u8]) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Gzip => deflate(body, level, GZIP),
        Encoding::Deflate => deflate(body, level, ZLIB),
        Encoding::Brotli => more::brotli(body, level),
        Encoding::Zstd => more::zstd(body, level),
    }
}

/// What is added to the bits of the window for each format, as zlib counts.
const ZLIB: i32 = 0;
const GZIP: i32 = 16;

fn deflate(body: &[u8], level: u8, format: i32) -> Option<Vec<u8>> {
    let config = DeflateConfig {
        window_bits: format + window_bits(body.len()),
        level: level.into(),
        ..DeflateConfig::default()
    };
    let mut deflate = Deflate::new_with_config(config);
    // Text shrinks to a third or less; what does not gets more room below.
    let mut out = vec![0; body.len() / 2 + 64];
    loop {
        let read = usize::try_from(deflate.total_in()).ok()?;
        let written = usize::try_from(deflate.total_out()).ok()?;
        let (input, output) = (body.get(read..)?, out.get_mut(written..)?);
        match deflate.compress(input, output, DeflateFlush::Finish) {
            Ok(Status::StreamEnd) => break,
            Ok(_) => out.resize(out.len() * 2, 0),
            Err(error) => {
                tracing::error!(?error, "compression of an answer failed");
                return None;
            }
        }
    }
    out.truncate(usize::try_from(deflate.total_out()).ok()?);
    Some(out)
}

/// The smallest window that sees the whole body: less to clear for a short one.
fn window_bits(length: usize) -> i32 {
    (9..15).find(|bits| length <= 1 << bits).unwrap_or(15)
}

#[cfg(feature = "compression")]
mod more {
    /// Brotli's levels get slow early: two thirds of gzip's take about as long.
    pub(super) fn brotli(mut body: &[u8], level: u8) -> Option<Vec<u8>> {
        let params = brotli::enc::BrotliEncoderParams {
            quality: (i32::from(level) * 2 / 3).max(1),
            size_hint: body.len(),
            ..Default::default()
        };
        let mut out = Vec::new();
        brotli::BrotliCompress(&mut body, &mut out, &params)
            .inspect_err(|error| tracing::error!(%error, "compression of an answer failed"))
            .ok()?;
        Some(out)
    }

    pub(super) fn zstd(body: &[u8], level: u8) -> Option<Vec<u8>> {
        zstd::bulk::compress(body, level.into())
            .inspect_err(|error| tracing::error!(%error, "compression of an answer failed"))
            .ok()
    }
}

/// What is not built in is not offered either.
#[cfg(not(feature = "compression"))]
mod more {
    pub(super) const fn brotli(_: &[u8], _: u8) -> Option<Vec<u8>> {
        None
    }

    pub(super) const fn zstd(_: &[u8], _: u8) -> Option<Vec<u8>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zlib_rs::{InflateConfig, ReturnCode};

    fn inflate(data: &[u8], length: usize, format: i32) -> Vec<u8> {
        let mut out = vec![0; length + 1];
        let config = InflateConfig { window_bits: 15 + format };
        let (plain, code) = zlib_rs::decompress_slice(&mut out, data, config);
        assert_eq!(code, ReturnCode::Ok);
        plain.to_vec()
    }

    /// Bytes that repeat, and bytes that do not shrink at all.
    fn bodies() -> Vec<Vec<u8>> {
        let mut seed = 1_u32;
        let mut noise = |length| -> Vec<u8> {
            let next = |_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                seed.to_be_bytes()[0]
            };
            (0..length).map(next).collect()
        };
        let mut bodies = vec![b"42[\"news\",\"same\"]\x1e".repeat(10_000)];
        bodies.extend([1, 511, 512, 513, 5_000, 40_000, 200_000].map(&mut noise));
        bodies
    }

    #[test]
    fn gzip_and_deflate_come_back_whole() {
        for body in bodies() {
            for level in [1, 6, 9] {
                let gzip = compress(Encoding::Gzip, level, &body).unwrap();
                assert_eq!(gzip[..2], [0x1f, 0x8b]);
                assert_eq!(inflate(&gzip, body.len(), GZIP), body);
                let zlib = compress(Encoding::Deflate, level, &body).unwrap();
                assert_eq!(inflate(&zlib, body.len(), ZLIB), body);
            }
        }
    }

    #[cfg(feature = "compression")]
    #[test]
    fn brotli_and_zstd_come_back_whole() {
        for body in bodies() {
            for level in [1, 6, 9] {
                let small = compress(Encoding::Brotli, level, &body).unwrap();
                let mut plain = Vec::new();
                brotli::BrotliDecompress(&mut small.as_slice(), &mut plain).unwrap();
                assert_eq!(plain, body);
                let small = compress(Encoding::Zstd, level, &body).unwrap();
                assert_eq!(zstd::bulk::decompress(&small, body.len()).unwrap(), body);
            }
        }
    }
}
