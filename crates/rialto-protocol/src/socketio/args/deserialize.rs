//! From arguments to a serde value.

use std::cell::Cell;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};

use super::borrow::RAW_ARGS;
use super::resolve::Resolver;
use crate::socketio::error::Kind;
use crate::socketio::event::plain_name;
use crate::socketio::json::{Scanner, replace_lone_surrogates};
use crate::socketio::{Attachments, Error};

type Result<T> = std::result::Result<T, serde_json::Error>;

/// Decodes a packet's arguments.
///
/// `data` is the payload as it came, a JSON array; `skip_name` says that its first element is the
/// event's name (events) and not an argument (acks). `attachments` are the packet's binary parts.
///
/// One value asks for one argument, a tuple (or array of fixed length) for several, `()` for none.
/// Missing trailing arguments are `None` where the type is an `Option`; surplus arguments are
/// ignored. `Bytes` at any depth is filled from the attachments, by one copy; it takes a string or
/// an array of numbers too. What can be anything, binary included, is a
/// [`Value`](crate::socketio::Value); a `serde_json::Value` has no place for attachments. A lone
/// surrogate in an escape becomes U+FFFD.
///
/// # Errors
/// An argument is missing or does not fit its type: [`Error::argument`] says which.
///
/// ```
/// use rialto_protocol::socketio::decode;
///
/// let data = r#"["sum",1,2]"#;
/// assert_eq!(decode::<(i64, i64)>(data, true, &[]).unwrap(), (1, 2));
/// assert_eq!(decode::<(i64, i64, Option<i64>)>(data, true, &[]).unwrap(), (1, 2, None));
/// assert_eq!(decode::<i64>(data, true, &[]).unwrap(), 1);
/// assert_eq!(decode::<(i64, String)>(data, true, &[]).unwrap_err().argument(), Some(1));
/// ```
pub fn decode<'a, T: DeserializeOwned>(
    data: &str,
    skip_name: bool,
    attachments: impl Into<Attachments<'a>>,
) -> std::result::Result<T, Error> {
    let attachments = attachments.into();
    decode_borrowed(data, skip_name, attachments)
        .or_else(|error| retry(data, skip_name, attachments, error))
}

/// As [`decode`] for an event of which is known where its name ends: see
/// [`Packet::name_end`](crate::socketio::Packet::name_end).
///
/// # Errors
/// As [`decode`].
pub fn decode_event<'a, T: DeserializeOwned>(
    data: &str,
    name_end: usize,
    attachments: impl Into<Attachments<'a>>,
) -> std::result::Result<T, Error> {
    let attachments = attachments.into();
    Source { name_end, ..Source::new(data, true, attachments) }
        .decode()
        .or_else(|error| retry(data, true, attachments, error))
}

/// Decodes what could not be decoded because of a lone surrogate.
#[cold]
fn retry<T: DeserializeOwned>(
    data: &str,
    skip_name: bool,
    attachments: Attachments<'_>,
    error: Error,
) -> std::result::Result<T, Error> {
    // The one defect that valid JSON text can have for a Rust string. The cleaned text is as long
    // as the original, so nothing else changes.
    match replace_lone_surrogates(data) {
        Some(cleaned) => decode_borrowed(&cleaned, skip_name, attachments),
        None => Err(error),
    }
}

/// As [`decode`], for types that borrow from the payload (`&str`, `&RawValue`) or from the
/// attachments (`&[u8]`): nothing is copied. A lone surrogate is an error here, and so is an escape
/// in a `&str`; use `Cow<str>` with `#[serde(borrow)]` where escapes may occur.
///
/// # Errors
/// As [`decode`].
///
/// ```
/// use rialto_protocol::socketio::decode_borrowed;
///
/// let (room, text): (&str, &str) = decode_borrowed(r#"["lobby","hi"]"#, false, &[]).unwrap();
/// assert_eq!((room, text), ("lobby", "hi"));
/// ```
pub fn decode_borrowed<'de, T: Deserialize<'de>>(
    data: &'de str,
    skip_name: bool,
    attachments: impl Into<Attachments<'de>>,
) -> std::result::Result<T, Error> {
    Source::new(data, skip_name, attachments.into()).decode()
}

/// What a value is decoded from, and how far that has gone.
pub(super) struct Source<'de> {
    pub(super) text: &'de str,
    pub(super) attachments: Attachments<'de>,
    skip_name: bool,
    /// Where the event's name ends; 0 if that is not known.
    name_end: usize,
    /// The argument being decoded.
    argument: Cell<Option<usize>>,
    /// Whether decoding failed because that argument is missing.
    missing: Cell<bool>,
    /// How many bytes of attachments may still be handed out: their sum. Each is meant for one
    /// place, so more would mean that one is copied again and again.
    pub(super) allowance: Cell<usize>,
}

impl<'de> Source<'de> {
    pub(super) fn new(text: &'de str, skip_name: bool, attachments: Attachments<'de>) -> Self {
        Self {
            text,
            attachments,
            skip_name,
            name_end: 0,
            argument: Cell::new(None),
            missing: Cell::new(false),
            allowance: Cell::new(attachments.bytes()),
        }
    }

    fn decode<T: Deserialize<'de>>(&self) -> std::result::Result<T, Error> {
        T::deserialize(ArgsDeserializer { source: self })
            .map_err(|error| self.error(Kind::Decode, error))
    }

    pub(super) fn error(&self, kind: Kind, error: serde_json::Error) -> Error {
        let kind = if self.missing.get() { Kind::Missing } else { kind };
        Error::decode(kind, self.argument.get(), error)
    }

    /// The text from the first argument on; `None` if there is no argument.
    fn first(&self) -> Result<Option<&'de str>> {
        if let Some(rest) = self.behind_name()
            && let Some(rest) = rest.strip_prefix(',')
        {
            return Ok(Some(trim_start(rest)));
        }
        let mut scan = Scanner::new(self.text, 0);
        scan.skip_space();
        let mut found = scan.eat(b'[');
        scan.skip_space();
        if found && self.skip_name {
            found = if scan.peek() == Some(b'"') { scan.string() } else { scan.number() };
            scan.skip_space();
            if found && scan.eat(b',') {
                scan.skip_space();
            } else {
                found &= scan.peek() == Some(b']');
            }
        }
        match scan.peek() {
            Some(b']') if found => Ok(None),
            Some(_) if found => Ok(Some(&self.text[scan.pos..])),
            _ => Err(serde_json::Error::custom("the payload is not a list of arguments")),
        }
    }

    /// What stands behind the event's name, if that is as plain as nearly always.
    fn behind_name(&self) -> Option<&'de str> {
        match (self.skip_name, self.name_end) {
            (false, _) => None,
            (true, 0) => plain_name(self.text).map(|(_, rest)| rest),
            (true, end) => self.text.get(end..),
        }
    }

    /// The text of all arguments, with commas between them.
    fn rest(&self) -> Result<&'de str> {
        let rest = trim_end(self.first()?.unwrap_or_default());
        Ok(trim_end(rest.strip_suffix(']').unwrap_or(rest)))
    }

    /// The error of an argument that is missing.
    fn missing<E: serde::de::Error>(&self) -> E {
        self.missing.set(true);
        E::custom("missing argument")
    }
}

/// [`str::trim_start`] of JSON, which nearly never begins with white space.
fn trim_start(text: &str) -> &str {
    if text.as_bytes().first().is_some_and(|byte| *byte > b' ') { text } else { text.trim_start() }
}

/// [`str::trim_end`] of JSON, which nearly never ends with white space.
fn trim_end(text: &str) -> &str {
    let last = text.as_bytes().last();
    if last.is_some_and(|byte| byte.is_ascii_graphic()) { text } else { text.trim_end() }
}

/// The outermost layer of a type: tuples take several arguments, anything else takes one.
#[derive(Clone, Copy)]
pub(super) struct ArgsDeserializer<'c, 'de> {
    pub(super) source: &'c Source<'de>,
}

impl<'de> ArgsDeserializer<'_, 'de> {
    /// Decodes the first argument with what `ask` asks of its deserializer.
    fn one<V, F>(self, visitor: V, ask: F) -> Result<V::Value>
    where
        V: Visitor<'de>,
        F: Ask<'de>,
    {
        self.source.argument.set(Some(0));
        let Some(text) = self.source.first()? else { return Err(self.source.missing()) };
        let mut json = serde_json::Deserializer::from_str(text);
        if self.source.attachments.is_empty() {
            ask.ask(&mut json, visitor)
        } else {
            ask.ask(Resolver { inner: &mut json, source: self.source }, visitor)
        }
    }

    fn several<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        let mut json = serde_json::Deserializer::from_str(self.source.text);
        json.deserialize_seq(SeveralVisitor { source: self.source, visitor, len })
    }
}

/// A `deserialize_*` method as a value, since closures cannot be generic over the deserializer.
trait Ask<'de> {
    fn ask<D, V>(self, deserializer: D, visitor: V) -> std::result::Result<V::Value, D::Error>
    where
        D: Deserializer<'de>,
        V: Visitor<'de>;
}

/// Defines, for each method without further arguments, its [`Ask`] and the method that uses it.
macro_rules! one_argument {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            struct Method;
            impl<'de> Ask<'de> for Method {
                #[inline]
                fn ask<D, V>(
                    self,
                    deserializer: D,
                    visitor: V,
                ) -> std::result::Result<V::Value, D::Error>
                where
                    D: Deserializer<'de>,
                    V: Visitor<'de>,
                {
                    deserializer.$method(visitor)
                }
            }
            self.one(visitor, Method)
        })*
    };
}

/// `deserialize_struct` and `deserialize_enum`.
enum Named {
    Struct(&'static str, &'static [&'static str]),
    Enum(&'static str, &'static [&'static str]),
    Newtype(&'static str),
}

impl<'de> Ask<'de> for Named {
    fn ask<D, V>(self, deserializer: D, visitor: V) -> std::result::Result<V::Value, D::Error>
    where
        D: Deserializer<'de>,
        V: Visitor<'de>,
    {
        match self {
            Self::Struct(name, fields) => deserializer.deserialize_struct(name, fields, visitor),
            Self::Enum(name, names) => deserializer.deserialize_enum(name, names, visitor),
            Self::Newtype(name) => deserializer.deserialize_newtype_struct(name, visitor),
        }
    }
}

/// serde_json recognises its own types (raw values) by the names of newtypes that it must see.
pub(super) fn is_private(name: &str) -> bool {
    name.starts_with("$serde_json::")
}

impl<'de> Deserializer<'de> for ArgsDeserializer<'_, 'de> {
    type Error = serde_json::Error;

    one_argument! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32
        deserialize_i64 deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char
        deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
        deserialize_seq deserialize_map deserialize_identifier
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.source.first()? {
            Some(text) if !text.starts_with("null") => visitor.visit_some(self),
            _ => visitor.visit_none(),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        if is_private(name) {
            return self.one(visitor, Named::Newtype(name));
        }
        if name == RAW_ARGS && self.source.attachments.is_empty() {
            return visitor.visit_borrowed_str(self.source.rest()?);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        self.several(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.several(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.one(visitor, Named::Struct(name, fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.one(visitor, Named::Enum(name, variants))
    }
}

/// Presents the payload's array to a tuple's visitor, without the event's name.
struct SeveralVisitor<'c, 'de, V> {
    source: &'c Source<'de>,
    visitor: V,
    /// How many arguments the type has; `usize::MAX` if it takes what there is.
    len: usize,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for SeveralVisitor<'_, 'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<V::Value, A::Error> {
        if self.source.skip_name {
            seq.next_element::<IgnoredAny>()?;
        }
        let args = ArgsAccess { seq: &mut seq, source: self.source, index: 0, len: self.len };
        let value = self.visitor.visit_seq(args)?;
        self.source.argument.set(None);
        // Surplus arguments are ignored, but the array has to be read to its end.
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(value)
    }
}

struct ArgsAccess<'c, 'de, A> {
    seq: &'c mut A,
    source: &'c Source<'de>,
    index: usize,
    len: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for ArgsAccess<'_, 'de, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> std::result::Result<Option<S::Value>, A::Error> {
        if self.index >= self.len {
            return Ok(None);
        }
        self.source.argument.set(Some(self.index));
        self.index += 1;
        // The seed is gone once it is given away, so it comes back if there is no element.
        let mut seed = Some(seed);
        let present =
            self.seq.next_element_seed(Present { seed: &mut seed, source: self.source })?;
        match (present, seed) {
            (Some(value), _) => Ok(Some(value)),
            (None, Some(seed)) if self.len != usize::MAX => seed
                .deserialize(Missing { source: self.source, error: std::marker::PhantomData })
                .map(Some),
            _ => Ok(None),
        }
    }
}

/// An argument that is there: with or without attachments to resolve.
struct Present<'c, 'de, S> {
    seed: &'c mut Option<S>,
    source: &'c Source<'de>,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Present<'_, 'de, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(
        self,
        inner: D,
    ) -> std::result::Result<S::Value, D::Error> {
        let Some(seed) = self.seed.take() else { return Err(self.source.missing()) };
        if self.source.attachments.is_empty() {
            seed.deserialize(inner)
        } else {
            seed.deserialize(Resolver { inner, source: self.source })
        }
    }
}

/// An argument that is not there: `None` for an option, otherwise an error.
struct Missing<'c, 'de, E> {
    source: &'c Source<'de>,
    error: std::marker::PhantomData<E>,
}

impl<'de, E: serde::de::Error> Deserializer<'de> for Missing<'_, 'de, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> std::result::Result<V::Value, E> {
        Err(self.source.missing())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, E> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, E> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> std::result::Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
