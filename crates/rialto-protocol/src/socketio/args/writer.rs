//! JSON as packets carry it: compact, its binary parts lifted out into the attachments.
//!
//! Of our own, because events are mostly text: `serde_json` asks of each byte of a string whether
//! it needs an escape, and this asks of many at once. Floats and the keys of maps it leaves to
//! `serde_json`, so that they look the same.

use std::io;

use serde::Serialize;
use serde::ser::{self, Error as _, SerializeMap, Serializer};
use serde_json::ser::Formatter;

use super::claim;
use super::deserialize::is_private;
use super::serialize::Output;
use crate::socketio::MAX_DEPTH;
use crate::socketio::encode::push_decimal;
use crate::socketio::json::plain_prefix;

type Result<T> = std::result::Result<T, serde_json::Error>;

/// Writes one value.
pub(super) struct Json<'o, 'a> {
    output: &'o mut Output<'a>,
    /// Open brackets; the array of the arguments is the first. It is what stops a recursive value
    /// from exhausting the stack.
    depth: u32,
    /// The next string is JSON already: the content of a raw value.
    verbatim: bool,
}

/// A container that is open.
pub(super) struct Nested<'o, 'a> {
    json: Json<'o, 'a>,
    first: bool,
    end: &'static [u8],
}

impl<'o, 'a> Json<'o, 'a> {
    /// For a value in the array of the arguments.
    pub(super) const fn new(output: &'o mut Output<'a>) -> Self {
        Self { output, depth: 1, verbatim: false }
    }

    /// For a value that gives its JSON as a string.
    pub(super) const fn verbatim(output: &'o mut Output<'a>) -> Self {
        Self { output, depth: 1, verbatim: true }
    }

    const fn reborrow(&mut self) -> Json<'_, 'a> {
        Json { output: &mut *self.output, depth: self.depth, verbatim: self.verbatim }
    }

    fn write(&mut self, text: &[u8]) {
        self.output.out.extend_from_slice(text);
    }

    fn open(mut self, start: &[u8], end: &'static [u8]) -> Result<Nested<'o, 'a>> {
        self.enter()?;
        self.write(start);
        Ok(Nested { json: self, first: true, end })
    }

    fn enter(&mut self) -> Result<()> {
        if self.depth == MAX_DEPTH {
            return Err(serde_json::Error::custom("nested too deeply"));
        }
        self.depth += 1;
        Ok(())
    }

    /// Opens the object around an enum's variant, up to its content.
    fn variant(&mut self, name: &str) -> Result<()> {
        self.enter()?;
        self.write(b"{");
        write_string(self.output.out, name);
        self.write(b":");
        Ok(())
    }

    fn integer(&mut self, negative: bool, magnitude: u64) {
        if negative {
            self.write(b"-");
        }
        push_decimal(self.output.out, magnitude);
    }
}

/// Writes a string with its quotes and escapes.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at(plain_prefix(rest));
        out.extend_from_slice(plain);
        let Some((byte, behind)) = special.split_first() else { break };
        escape(out, *byte);
        rest = behind;
    }
    out.push(b'"');
}

/// Writes a quote, a backslash or a control character.
fn escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' => b"\\\"",
        b'\\' => b"\\\\",
        0x08 => b"\\b",
        0x09 => b"\\t",
        0x0a => b"\\n",
        0x0c => b"\\f",
        0x0d => b"\\r",
        _ => {
            let digit = |value: u8| b"0123456789abcdef"[usize::from(value & 0xf)];
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[digit(byte >> 4), digit(byte)]);
            return;
        }
    };
    out.extend_from_slice(short);
}

/// The key of a map: `serde_json` knows which types may be one.
fn write_key<K: Serialize + ?Sized>(out: &mut Vec<u8>, key: &K) -> Result<()> {
    struct Bare;

    impl Formatter for Bare {
        fn begin_object<W: ?Sized + io::Write>(&mut self, _writer: &mut W) -> io::Result<()> {
            Ok(())
        }
    }

    let mut json = serde_json::Serializer::with_formatter(out, Bare);
    json.serialize_map(None)?.serialize_key(key)
}

/// Methods for integers.
macro_rules! integers {
    ($($signed:ident($signed_type:ty) $unsigned:ident($unsigned_type:ty)),*) => {
        $(fn $signed(mut self, value: $signed_type) -> Result<()> {
            self.integer(value < 0, i64::from(value).unsigned_abs());
            Ok(())
        }

        fn $unsigned(mut self, value: $unsigned_type) -> Result<()> {
            self.integer(false, u64::from(value));
            Ok(())
        })*
    };
}

/// Methods for numbers whose form is `serde_json`'s.
macro_rules! numbers {
    ($($method:ident($type:ty)),*) => {
        $(fn $method(self, value: $type) -> Result<()> {
            serde_json::to_writer(&mut *self.output.out, &value)
        })*
    };
}

impl<'o, 'a> Serializer for Json<'o, 'a> {
    type Ok = ();
    type Error = serde_json::Error;
    type SerializeSeq = Nested<'o, 'a>;
    type SerializeTuple = Nested<'o, 'a>;
    type SerializeTupleStruct = Nested<'o, 'a>;
    type SerializeTupleVariant = Nested<'o, 'a>;
    type SerializeMap = Nested<'o, 'a>;
    type SerializeStruct = Nested<'o, 'a>;
    type SerializeStructVariant = Nested<'o, 'a>;

    integers! {
        serialize_i8(i8) serialize_u8(u8), serialize_i16(i16) serialize_u16(u16),
        serialize_i32(i32) serialize_u32(u32), serialize_i64(i64) serialize_u64(u64)
    }

    numbers! {
        serialize_i128(i128), serialize_u128(u128), serialize_f32(f32), serialize_f64(f64)
    }

    fn serialize_bool(mut self, value: bool) -> Result<()> {
        self.write(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<()> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(mut self, value: &str) -> Result<()> {
        if self.verbatim {
            self.write(value.as_bytes());
        } else {
            write_string(self.output.out, value);
        }
        Ok(())
    }

    /// Writes the placeholder of an attachment: an object, and so a level of its own.
    fn serialize_bytes(mut self, value: &[u8]) -> Result<()> {
        self.enter()?;
        self.write(br#"{"_placeholder":true,"num":"#);
        self.integer(false, self.output.attachments.len() as u64);
        self.write(b"}");
        self.output.attachments.push(claim(value));
        Ok(())
    }

    fn serialize_none(self) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(mut self) -> Result<()> {
        self.write(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<()> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        self.variant(variant)?;
        value.serialize(self.reborrow())?;
        self.write(b"}");
        Ok(())
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Nested<'o, 'a>> {
        self.open(b"[", b"]")
    }

    fn serialize_tuple(self, _len: usize) -> Result<Nested<'o, 'a>> {
        self.open(b"[", b"]")
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Nested<'o, 'a>> {
        self.open(b"[", b"]")
    }

    fn serialize_tuple_variant(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Nested<'o, 'a>> {
        self.variant(variant)?;
        self.open(b"[", b"]}")
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Nested<'o, 'a>> {
        self.open(b"{", b"}")
    }

    fn serialize_struct(mut self, name: &'static str, _len: usize) -> Result<Nested<'o, 'a>> {
        if is_private(name) {
            // A raw value, or a number of any precision: one field with the JSON.
            self.verbatim = true;
            return Ok(Nested { json: self, first: true, end: b"" });
        }
        self.open(b"{", b"}")
    }

    fn serialize_struct_variant(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Nested<'o, 'a>> {
        self.variant(variant)?;
        self.open(b"{", b"}}")
    }
}

impl Nested<'_, '_> {
    fn separate(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.json.write(b",");
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.separate();
        value.serialize(self.json.reborrow())
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        if !self.json.verbatim {
            self.separate();
            write_string(self.json.output.out, key);
            self.json.write(b":");
        }
        value.serialize(self.json.reborrow())
    }

    fn close(mut self) {
        self.json.write(self.end);
    }
}

/// Implements the traits of containers without keys, and those of containers with names for keys.
macro_rules! containers {
    ($($list:ident::$push:ident),*; $($object:ident),*) => {
        $(impl ser::$list for Nested<'_, '_> {
            type Ok = ();
            type Error = serde_json::Error;

            fn $push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.element(value)
            }

            fn end(self) -> Result<()> {
                self.close();
                Ok(())
            }
        })*

        $(impl ser::$object for Nested<'_, '_> {
            type Ok = ();
            type Error = serde_json::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<()> {
                self.field(key, value)
            }

            fn end(self) -> Result<()> {
                self.close();
                Ok(())
            }
        })*
    };
}

containers! {
    SerializeSeq::serialize_element, SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field, SerializeTupleVariant::serialize_field;
    SerializeStruct, SerializeStructVariant
}

impl SerializeMap for Nested<'_, '_> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.separate();
        write_key(self.json.output.out, key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.json.write(b":");
        value.serialize(self.json.reborrow())
    }

    fn end(self) -> Result<()> {
        self.close();
        Ok(())
    }
}
