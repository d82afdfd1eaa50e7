//! The offer and its answer (RFC 7692 §5, §7.1).

use super::codec::{Compressor, Decompressor};
use super::context::Permit;
use super::options::{Deflate, WINDOWS};
use crate::proto::frame::Role;
use crate::proto::handshake::extensions::{Extension, Malformed, parse};
use std::fmt::Write;

/// The extension's registered name (RFC 7692 §9.1).
const NAME: &str = "permessage-deflate";

/// The four parameters, as an offer or an answer carries them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Params {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: Option<Window>,
}

/// The value of `client_max_window_bits`, which an offer may leave open (§7.1.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Window {
    Any,
    Bits(u8),
}

impl Params {
    /// `None` for a parameter that is unknown, comes twice or has a wrong value (§7.1).
    fn read(extension: &Extension<'_>) -> Option<Self> {
        let mut params = Self::default();
        for &(name, value) in &extension.params {
            let is_new = match (name, value) {
                ("server_no_context_takeover", None) => {
                    !std::mem::replace(&mut params.server_no_context_takeover, true)
                }
                ("client_no_context_takeover", None) => {
                    !std::mem::replace(&mut params.client_no_context_takeover, true)
                }
                ("server_max_window_bits", Some(bits)) => {
                    params.server_max_window_bits.replace(window(bits)?).is_none()
                }
                ("client_max_window_bits", None) => {
                    params.client_max_window_bits.replace(Window::Any).is_none()
                }
                ("client_max_window_bits", Some(bits)) => {
                    let window = Window::Bits(window(bits)?);
                    params.client_max_window_bits.replace(window).is_none()
                }
                _ => false,
            };
            if !is_new {
                return None;
            }
        }
        Some(params)
    }

    fn to_header(self) -> String {
        let mut out = String::from(NAME);
        if self.server_no_context_takeover {
            out.push_str("; server_no_context_takeover");
        }
        if self.client_no_context_takeover {
            out.push_str("; client_no_context_takeover");
        }
        // Writing to a string cannot fail.
        if let Some(bits) = self.server_max_window_bits {
            let _ = write!(out, "; server_max_window_bits={bits}");
        }
        match self.client_max_window_bits {
            Some(Window::Any) => out.push_str("; client_max_window_bits"),
            Some(Window::Bits(bits)) => {
                let _ = write!(out, "; client_max_window_bits={bits}");
            }
            None => {}
        }
        out
    }
}

/// A number from 8 to 15 without leading zeros (§7.1.2.1).
fn window(text: &str) -> Option<u8> {
    let bits: u8 = text.parse().ok()?;
    (WINDOWS.contains(&bits) && !text.starts_with(['0', '+'])).then_some(bits)
}

/// What both sides have agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    params: Params,
    level: u8,
    threshold: usize,
    /// Leave to keep a context of the server's, and of the client's messages.
    server: Option<Permit>,
    client: Option<Permit>,
}

impl Agreed {
    /// The value of `Sec-WebSocket-Extensions` in a server's answer.
    #[must_use]
    pub fn to_header(&self) -> String {
        self.params.to_header()
    }

    /// The two directions as `role` needs them: what it sends, and what it receives.
    #[must_use]
    pub fn codec(self, role: Role) -> (Compressor, Decompressor) {
        let params = self.params;
        let server_window = params.server_max_window_bits.unwrap_or(*WINDOWS.end());
        let client_window = match params.client_max_window_bits {
            Some(Window::Bits(bits)) => bits,
            _ => *WINDOWS.end(),
        };
        let (window, own, keeps, peers) = match role {
            Role::Server => {
                (server_window, self.server, !params.client_no_context_takeover, self.client)
            }
            Role::Client => {
                (client_window, self.client, !params.server_no_context_takeover, self.server)
            }
        };
        let compressor = Compressor::new(self.level, window, self.threshold, own);
        let decompressor = if keeps { Decompressor::keeping(peers) } else { Decompressor::anew() };
        (compressor, decompressor)
    }
}

impl Deflate {
    /// A server's answer to the values of the request's `Sec-WebSocket-Extensions` fields: the
    /// first offer that it can accept (§5.1), `None` if there is none.
    ///
    /// # Errors
    /// [`Malformed`] if a field is no list of extensions (RFC 6455 §9.1).
    pub fn accept<'a>(
        &self,
        values: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Option<Agreed>, Malformed> {
        let mut agreed = None;
        for value in values {
            for extension in parse(value)? {
                if agreed.is_none() && extension.name == NAME {
                    agreed = Params::read(&extension).and_then(|offer| self.answer(offer));
                }
            }
        }
        Ok(agreed)
    }

    fn answer(&self, offer: Params) -> Option<Agreed> {
        let wish = self.in_range();
        let client_max_window_bits = match offer.client_max_window_bits {
            Some(Window::Any) => Some(wish.client_max_window_bits),
            Some(Window::Bits(bits)) => Some(bits.min(wish.client_max_window_bits)),
            // It may not be asked for where it was not offered (§7.1.2.2).
            None if wish.client_max_window_bits < *WINDOWS.end() => return None,
            None => None,
        };
        let permit = |no_takeover: bool| {
            if no_takeover { None } else { Permit::take(wish.max_contexts) }
        };
        let server = permit(wish.server_no_context_takeover || offer.server_no_context_takeover);
        let client = permit(wish.client_no_context_takeover || offer.client_no_context_takeover);
        let own = offer.server_max_window_bits.map_or(wish.server_max_window_bits, |offered| {
            offered.min(wish.server_max_window_bits)
        });
        let is_less = |bits: &u8| *bits < *WINDOWS.end();
        let params = Params {
            server_no_context_takeover: server.is_none(),
            client_no_context_takeover: client.is_none(),
            server_max_window_bits: Some(own)
                .filter(|bits| is_less(bits) || offer.server_max_window_bits.is_some()),
            client_max_window_bits: client_max_window_bits.filter(is_less).map(Window::Bits),
        };
        let (level, threshold) = (wish.level, wish.threshold);
        Some(Agreed { params, level, threshold, server, client })
    }
}

/// What a client offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    wish: Deflate,
    params: Params,
    server: Option<Permit>,
    client: Option<Permit>,
}

impl Offer {
    /// The offer that fits these wishes.
    #[must_use]
    pub fn new(wish: &Deflate) -> Self {
        let wish = wish.in_range();
        let permit = |no_takeover: bool| {
            if no_takeover { None } else { Permit::take(wish.max_contexts) }
        };
        let server = permit(wish.server_no_context_takeover);
        let client = permit(wish.client_no_context_takeover);
        let is_less = |bits: &u8| *bits < *WINDOWS.end();
        let client_window = Some(wish.client_max_window_bits).filter(is_less);
        let params = Params {
            server_no_context_takeover: server.is_none(),
            client_no_context_takeover: client.is_none(),
            server_max_window_bits: Some(wish.server_max_window_bits).filter(is_less),
            client_max_window_bits: Some(client_window.map_or(Window::Any, Window::Bits)),
        };
        Self { wish, params, server, client }
    }

    /// The value of `Sec-WebSocket-Extensions` in the request.
    #[must_use]
    pub fn to_header(&self) -> String {
        self.params.to_header()
    }

    /// Checks the values of the answer's `Sec-WebSocket-Extensions` fields; `None` if the server
    /// has not accepted.
    ///
    /// # Errors
    /// [`Malformed`] for anything that does not answer this offer (§5.1): the handshake has
    /// failed then.
    pub fn check<'a>(
        &self,
        values: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Option<Agreed>, Malformed> {
        let mut agreed = None;
        for value in values {
            for extension in parse(value)? {
                if extension.name != NAME || agreed.is_some() {
                    return Err(Malformed);
                }
                let answer = Params::read(&extension).ok_or(Malformed)?;
                agreed = Some(self.agree(answer).ok_or(Malformed)?);
            }
        }
        Ok(agreed)
    }

    fn agree(&self, answer: Params) -> Option<Agreed> {
        if self.params.server_no_context_takeover && !answer.server_no_context_takeover {
            return None;
        }
        match (self.params.server_max_window_bits, answer.server_max_window_bits) {
            (Some(offered), Some(bits)) if bits <= offered => {}
            (None, _) => {}
            _ => return None,
        }
        // Ours is the smaller of our own wish and the answer; an answer has to name a number.
        let client = match answer.client_max_window_bits {
            Some(Window::Any) => return None,
            Some(Window::Bits(bits)) => bits.min(self.wish.client_max_window_bits),
            None => self.wish.client_max_window_bits,
        };
        let params = Params { client_max_window_bits: Some(Window::Bits(client)), ..answer };
        let kept = |permit: &Option<Permit>, no: bool| permit.clone().filter(|_| !no);
        Some(Agreed {
            params,
            level: self.wish.level,
            threshold: self.wish.threshold,
            server: kept(&self.server, answer.server_no_context_takeover),
            client: kept(&self.client, answer.client_no_context_takeover),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(wish: Deflate, offer: &str) -> Option<String> {
        let accepted = wish.accept([offer.as_bytes()].into_iter()).unwrap();
        accepted.map(|agreed| agreed.to_header().replacen("permessage-deflate", "", 1))
    }

    const BOTH: &str = "; server_no_context_takeover; client_no_context_takeover";

    #[test]
    fn the_default_answer_keeps_no_context() {
        let browsers = "permessage-deflate; client_max_window_bits";
        assert_eq!(answer(Deflate::default(), browsers).as_deref(), Some(BOTH));
        let plain = answer(Deflate::default().context_takeover(), "permessage-deflate");
        assert_eq!(plain.as_deref(), Some(""));
        let asked = answer(
            Deflate::default().context_takeover(),
            "permessage-deflate; server_no_context_takeover",
        );
        assert_eq!(asked.as_deref(), Some("; server_no_context_takeover"));
    }

    #[test]
    fn no_context_is_promised_beyond_the_cap() {
        let full = Deflate::default().context_takeover().max_contexts(0);
        assert_eq!(answer(full, "permessage-deflate").as_deref(), Some(BOTH));
        let offer = Offer::new(&full).to_header();
        assert!(offer.contains("server_no_context_takeover"), "{offer}");
    }

    #[test]
    fn windows_are_the_smaller_of_both_wishes() {
        let ten = Deflate::default().server_max_window_bits(10);
        let cases = [
            ("permessage-deflate", "; server_max_window_bits=10"),
            ("permessage-deflate; server_max_window_bits=8", "; server_max_window_bits=8"),
            ("permessage-deflate; server_max_window_bits=\"15\"", "; server_max_window_bits=10"),
        ];
        for (offer, expected) in cases {
            assert_eq!(answer(ten, offer), Some(format!("{BOTH}{expected}")), "{offer}");
        }
        let client = Deflate::default().client_max_window_bits(9);
        assert_eq!(answer(client, "permessage-deflate"), None);
        for (offered, answered) in [("", 9), ("=12", 9), ("=8", 8)] {
            let offer = format!("permessage-deflate; client_max_window_bits{offered}");
            let expected = format!("{BOTH}; client_max_window_bits={answered}");
            assert_eq!(answer(client, &offer), Some(expected), "{offer}");
        }
    }

    #[test]
    fn the_first_offer_that_can_be_accepted_is() {
        let declined = [
            "permessage-deflate; unknown",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=08",
            "permessage-deflate; server_max_window_bits=+9",
            "permessage-deflate; client_max_window_bits=x",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            "x-webkit-deflate-frame",
            "",
        ];
        for offer in declined {
            assert_eq!(answer(Deflate::default(), offer), None, "{offer}");
            let second = format!("{offer}, permessage-deflate; server_max_window_bits=9");
            let expected = format!("{BOTH}; server_max_window_bits=9");
            assert_eq!(answer(Deflate::default(), &second), Some(expected), "{second}");
        }
    }

    #[test]
    fn a_client_takes_only_an_answer_to_its_offer() {
        let check = |wish: Deflate, answer: &str| {
            Offer::new(&wish).check([answer.as_bytes()].into_iter()).map(|agreed| agreed.is_some())
        };
        let (quiet, open) = (Deflate::default(), Deflate::default().context_takeover());
        assert_eq!(check(quiet, ""), Ok(false));
        assert_eq!(check(quiet, "permessage-deflate; server_no_context_takeover"), Ok(true));
        assert_eq!(check(quiet, "permessage-deflate"), Err(Malformed));
        assert_eq!(check(open, "permessage-deflate"), Ok(true));
        assert_eq!(check(open, "permessage-deflate; client_max_window_bits=8"), Ok(true));
        assert_eq!(check(open, "permessage-deflate; server_max_window_bits=8"), Ok(true));
        let small = open.server_max_window_bits(9);
        assert_eq!(check(small, "permessage-deflate; server_max_window_bits=9"), Ok(true));
        let wrong = [
            (open, "x"),
            (open, "permessage-deflate, permessage-deflate"),
            (open, "permessage-deflate; client_max_window_bits"),
            (open, "permessage-deflate; unknown"),
            (small, "permessage-deflate"),
            (small, "permessage-deflate; server_max_window_bits=10"),
        ];
        for (wish, answer) in wrong {
            assert_eq!(check(wish, answer), Err(Malformed), "{answer}");
        }
    }
}
