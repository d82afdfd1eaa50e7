//! Compression of HTTP answers.

/// How answers are compressed for clients that take it (RFC 9110 §12.5.3): those of long-polling,
/// and the browser client. Default on: gzip and deflate from 1024 bytes, as in socket.io.
///
/// ```
/// use rialto::{Encoding, HttpCompression, Options};
/// let options = Options::default()
///     .http_compression(HttpCompression::default().threshold(4096).encodings([Encoding::Gzip]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpCompression {
    /// Bytes from which an answer is compressed, inclusive. Default 1024.
    pub threshold: usize,
    /// How hard to try, from 1 to 9, as gzip counts. Default 6; brotli and zstd get a level of
    /// their own that takes about as long.
    pub level: u8,
    /// What is spoken; of those that a client likes equally, the first. Default: zstd, brotli,
    /// gzip, deflate, as far as they are built in (feature `compression`).
    pub encodings: Vec<Encoding>,
}

/// A way to compress an answer.
///
/// [`Encoding::Brotli`] and [`Encoding::Zstd`] are there with the feature `compression`; without
/// it they are not offered to anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// `zstd` (RFC 8878).
    Zstd,
    /// `br` (RFC 7932).
    Brotli,
    /// `gzip` (RFC 1952).
    Gzip,
    /// `deflate`, in the zlib format (RFC 1950).
    Deflate,
}

impl Encoding {
    /// Its name in `Accept-Encoding` and `Content-Encoding`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }
}

impl Default for HttpCompression {
    fn default() -> Self {
        Self {
            threshold: 1024,
            level: 6,
            encodings: vec![Encoding::Zstd, Encoding::Brotli, Encoding::Gzip, Encoding::Deflate],
        }
    }
}

impl HttpCompression {
    /// Sets [`HttpCompression::threshold`].
    #[must_use]
    pub fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// Sets [`HttpCompression::level`], held within 1 and 9.
    #[must_use]
    pub fn level(mut self, level: u8) -> Self {
        self.level = level.clamp(1, 9);
        self
    }

    /// Sets [`HttpCompression::encodings`].
    #[must_use]
    pub fn encodings(mut self, encodings: impl IntoIterator<Item = Encoding>) -> Self {
        self.encodings = encodings.into_iter().collect();
        self
    }
}

/// What [`Options::http_compression`](crate::Options::http_compression) takes: `true`, `false` or
/// an [`HttpCompression`].
#[derive(Debug)]
pub struct OptionalCompression(pub(super) Option<HttpCompression>);

impl From<bool> for OptionalCompression {
    fn from(on: bool) -> Self {
        Self(on.then(HttpCompression::default))
    }
}

impl From<HttpCompression> for OptionalCompression {
    fn from(compression: HttpCompression) -> Self {
        Self(Some(compression))
    }
}
