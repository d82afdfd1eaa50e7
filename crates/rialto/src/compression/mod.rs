//! Compression of HTTP answers: what a client takes, and the encoders.

mod encoders;

pub(crate) use encoders::compress;

use crate::options::{Encoding, HttpCompression};
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};
use http_body::Body as _;
use http_body_util::BodyExt;

/// Above this, compressing takes long enough to be in the way of other connections.
pub(crate) const BLOCKING: usize = 64 * 1024;

/// The encoding to answer with, by `Accept-Encoding` (RFC 9110 §12.5.3): of those that the client
/// likes best, the first of ours.
pub(crate) fn choose(settings: &HttpCompression, request: &HeaderMap) -> Option<Encoding> {
    if !request.contains_key(header::ACCEPT_ENCODING) {
        return None;
    }
    let mut best: Option<(u16, Encoding)> = None;
    let ours = settings.encodings.iter().copied().filter(|one| encoders::is_built_in(*one));
    for encoding in ours {
        let quality = quality(request, encoding.name());
        if quality > best.map_or(0, |(quality, _)| quality) {
            best = Some((quality, encoding));
        }
    }
    best.map(|(_, encoding)| encoding)
}

/// How much the client likes an encoding, in thousandths; 0 is not at all.
fn quality(request: &HeaderMap, name: &str) -> u16 {
    let (mut named, mut any) = (None, 0);
    for line in request.get_all(header::ACCEPT_ENCODING) {
        for item in line.to_str().unwrap_or_default().split(',') {
            let mut parts = item.split(';').map(str::trim);
            let coding = parts.next().unwrap_or_default();
            let quality = parts.find_map(|part| part.strip_prefix("q=").map(thousandths));
            if coding.eq_ignore_ascii_case(name) {
                named = Some(quality.unwrap_or(1000));
            } else if coding == "*" {
                any = quality.unwrap_or(1000);
            }
        }
    }
    named.unwrap_or(any)
}

/// A `qvalue` such as `0.8`; what is none counts as 0.
fn thousandths(text: &str) -> u16 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = part.bytes().chain([b'0'; 3]).take(3);
    let part = digits.fold(0, |sum, digit| match digit.is_ascii_digit() {
        true => sum * 10 + u16::from(digit - b'0'),
        false => 0,
    });
    match whole {
        "1" => 1000,
        "0" => part,
        _ => 0,
    }
}

/// An extension of an answer that is not to be compressed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AsItIs;

/// Compresses the body of an answer if it is whole, long enough and not compressed yet, and its
/// client takes it.
pub(crate) async fn compress_reply(
    settings: &HttpCompression,
    encoding: Encoding,
    reply: Response<Body>,
) -> Response<Body> {
    let length = reply.body().size_hint().exact();
    let long = length.is_some_and(|length| length > 0 && length >= settings.threshold as u64);
    let as_it_is = reply.extensions().get::<AsItIs>().is_some();
    if !long || as_it_is || reply.headers().contains_key(header::CONTENT_ENCODING) {
        return reply;
    }
    let (mut parts, body) = reply.into_parts();
    let body = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) => {
            tracing::debug!(%error, "the body of an answer was not whole");
            return Response::from_parts(parts, Body::empty());
        }
    };
    let body = match compress_anywhere(encoding, settings.level, body).await {
        Ok(smaller) => {
            encoded(&mut parts.headers, encoding);
            parts.headers.remove(header::CONTENT_LENGTH);
            smaller
        }
        Err(body) => body,
    };
    Response::from_parts(parts, Body::from(body))
}

/// Says in the header that the body is encoded.
pub(crate) fn encoded(headers: &mut HeaderMap, encoding: Encoding) {
    let name = HeaderValue::from_static(encoding.name());
    headers.insert(header::CONTENT_ENCODING, name);
}

/// Compresses, away from the runtime if it takes long.
///
/// # Errors
/// The body itself, where compressing it failed.
pub(crate) async fn compress_anywhere(
    encoding: Encoding,
    level: u8,
    body: Bytes,
) -> Result<Bytes, Bytes> {
    let work = move |body: Bytes| match compress(encoding, level, &body) {
        Some(smaller) => Ok(Bytes::from(smaller)),
        None => Err(body),
    };
    if body.len() <= BLOCKING {
        return work(body);
    }
    let kept = body.clone();
    tokio::task::spawn_blocking(move || work(body)).await.unwrap_or(Err(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(encodings: &[Encoding], accepted: &str) -> Option<Encoding> {
        let mut request = HeaderMap::new();
        request.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(accepted).unwrap());
        choose(&HttpCompression::default().encodings(encodings.iter().copied()), &request)
    }

    #[test]
    fn the_clients_wish_goes_first_then_our_order() {
        use Encoding::{Deflate, Gzip};
        let ours = [Gzip, Deflate];
        for (accepted, expected) in [
            ("gzip, deflate", Some(Gzip)),
            ("deflate, gzip", Some(Gzip)),
            ("GZIP;q=0.5, deflate;q=0.8", Some(Deflate)),
            ("gzip;q=0, *", Some(Deflate)),
            ("gzip; q=0.001", Some(Gzip)),
            ("*", Some(Gzip)),
            ("*;q=0", None),
            ("gzip;q=0", None),
            ("gzip;q=0.000", None),
            ("gzip;q=nonsense", None),
            ("identity", None),
            ("x, ,;;=", None),
            ("", None),
        ] {
            assert_eq!(chosen(&ours, accepted), expected, "{accepted}");
        }
        assert_eq!(choose(&HttpCompression::default(), &HeaderMap::new()), None);
    }

    #[test]
    fn what_is_not_built_in_is_not_offered() {
        let expected = cfg!(feature = "compression").then_some(Encoding::Brotli);
        assert_eq!(chosen(&[Encoding::Brotli], "br"), expected);
    }

    #[tokio::test]
    async fn short_and_encoded_answers_stay_as_they_are() {
        let settings = HttpCompression::default().threshold(10);
        let reply = |body: &'static str| Response::new(Body::from(body));
        let compress = |reply| compress_reply(&settings, Encoding::Gzip, reply);
        let short = compress(reply("123456789")).await;
        assert!(!short.headers().contains_key(header::CONTENT_ENCODING));
        let long = compress(reply("1234567890")).await;
        assert_eq!(long.headers()[header::CONTENT_ENCODING], "gzip");
        let again = compress(long).await;
        assert_eq!(again.headers().get_all(header::CONTENT_ENCODING).iter().count(), 1);
        let nothing = HttpCompression::default().threshold(0);
        let empty = compress_reply(&nothing, Encoding::Gzip, reply("")).await;
        assert!(empty.headers().is_empty());
    }
}
