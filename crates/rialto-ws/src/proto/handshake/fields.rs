//! One view of header fields, whoever parsed them.

use http::HeaderMap;

/// Header fields that can be asked by name.
pub trait Fields {
    /// All values of the field `name` (lower case), in order.
    fn all<'a>(&'a self, name: &'a str) -> Box<dyn Iterator<Item = &'a [u8]> + 'a>;

    /// The first value of the field, if it is there and visible ASCII or UTF-8.
    fn first<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next().and_then(|value| std::str::from_utf8(value).ok())
    }
}

impl Fields for HeaderMap {
    fn all<'a>(&'a self, name: &'a str) -> Box<dyn Iterator<Item = &'a [u8]> + 'a> {
        Box::new(self.get_all(name).iter().map(http::HeaderValue::as_bytes))
    }

    fn first<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    }
}

impl Fields for [httparse::Header<'_>] {
    fn all<'a>(&'a self, name: &'a str) -> Box<dyn Iterator<Item = &'a [u8]> + 'a> {
        Box::new(self.iter().filter(move |h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value))
    }
}
