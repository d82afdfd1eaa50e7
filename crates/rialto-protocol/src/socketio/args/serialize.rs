//! From a serde value to arguments.

use std::io;

use bytes::Bytes;
use serde::Serialize;
use serde::ser::{SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer};
use serde_json::ser::{Compound, Formatter};

use super::claim;
use crate::socketio::MAX_DEPTH;

type Json<'a> = serde_json::Serializer<&'a mut Vec<u8>, Lifter<'a>>;
type Result<T> = std::result::Result<T, serde_json::Error>;

/// Where a packet's payload is written.
pub(crate) struct Output<'a> {
    /// The text so far.
    pub(crate) out: &'a mut Vec<u8>,
    /// The attachments so far; placeholders are numbered across all arguments.
    pub(crate) attachments: Vec<Bytes>,
    /// Whether writing failed because of a reserved event name.
    pub(crate) reserved: bool,
}

impl<'a> Output<'a> {
    pub(crate) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, attachments: Vec::new(), reserved: false }
    }

    /// Writes one value as JSON.
    pub(crate) fn write_json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(&mut json(self.out, &mut self.attachments))
    }
}

/// Writes `args` as the arguments that follow what the payload holds already.
pub(crate) fn serialize_args<T: Serialize + ?Sized>(
    args: &T,
    output: &mut Output<'_>,
) -> Result<()> {
    let mut slot = None;
    args.serialize(ArgsSerializer {
        out: &mut *output.out,
        attachments: &mut output.attachments,
        slot: &mut slot,
    })
}

/// Formats compact JSON, lifts bytes out of it into the attachments, and bounds the depth: the
/// depth is what stops a recursive value from exhausting the stack.
pub(super) struct Lifter<'a> {
    attachments: &'a mut Vec<Bytes>,
    /// Open brackets; the array of the arguments is the first.
    depth: u32,
}

impl Lifter<'_> {
    fn enter(&mut self) -> io::Result<()> {
        if self.depth == MAX_DEPTH {
            return Err(io::Error::other("nested too deeply"));
        }
        self.depth += 1;
        Ok(())
    }
}

impl Formatter for Lifter<'_> {
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.enter()?;
        writer.write_all(b"[")
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        writer.write_all(b"]")
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.enter()?;
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        writer.write_all(b"}")
    }

    fn write_byte_array<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        value: &[u8],
    ) -> io::Result<()> {
        write!(writer, r#"{{"_placeholder":true,"num":{}}}"#, self.attachments.len())?;
        self.attachments.push(claim(value));
        Ok(())
    }
}

fn json<'a>(out: &'a mut Vec<u8>, attachments: &'a mut Vec<Bytes>) -> Json<'a> {
    serde_json::Serializer::with_formatter(out, Lifter { attachments, depth: 1 })
}

/// The outermost layer of a value: tuples fall apart into arguments, anything else is one.
pub(super) struct ArgsSerializer<'s, 'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) attachments: &'a mut Vec<Bytes>,
    /// Keeps the JSON serializer alive for the compound types, which borrow it.
    pub(super) slot: &'s mut Option<Json<'a>>,
}

impl<'s, 'a> ArgsSerializer<'s, 'a> {
    /// Begins the one argument.
    pub(super) fn one(self) -> &'s mut Json<'a> {
        separate(self.out);
        self.slot.insert(json(self.out, self.attachments))
    }

    /// Begins several arguments.
    pub(super) fn several(self) -> Several<'a> {
        Several { out: self.out, attachments: self.attachments }
    }
}

/// Writes the comma before an argument, unless it is the first thing in the payload.
fn separate(out: &mut Vec<u8>) {
    if out.last() != Some(&b'[') {
        out.push(b',');
    }
}

/// Arguments one after the other.
pub(super) struct Several<'a> {
    out: &'a mut Vec<u8>,
    attachments: &'a mut Vec<Bytes>,
}

impl Several<'_> {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        separate(self.out);
        value.serialize(&mut json(self.out, self.attachments))
    }
}

impl SerializeTuple for Several<'_> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.push(value)
    }

    fn end(self) -> Result<()> {
        Ok(())
    }
}

impl SerializeTupleStruct for Several<'_> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.push(value)
    }

    fn end(self) -> Result<()> {
        Ok(())
    }
}

impl SerializeTupleVariant for Several<'_> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.push(value)
    }

    fn end(self) -> Result<()> {
        Ok(())
    }
}

/// Methods for the types that are one argument as they are.
macro_rules! one_argument {
    ($($method:ident($type:ty)),* $(,)?) => {
        $(fn $method(self, value: $type) -> Result<()> {
            self.one().$method(value)
        })*
    };
}

impl<'s, 'a> Serializer for ArgsSerializer<'s, 'a> {
    type Ok = ();
    type Error = serde_json::Error;
    type SerializeSeq = Compound<'s, &'a mut Vec<u8>, Lifter<'a>>;
    type SerializeTuple = Several<'a>;
    type SerializeTupleStruct = Several<'a>;
    type SerializeTupleVariant = Compound<'s, &'a mut Vec<u8>, Lifter<'a>>;
    type SerializeMap = Compound<'s, &'a mut Vec<u8>, Lifter<'a>>;
    type SerializeStruct = Compound<'s, &'a mut Vec<u8>, Lifter<'a>>;
    type SerializeStructVariant = Compound<'s, &'a mut Vec<u8>, Lifter<'a>>;

    one_argument! {
        serialize_bool(bool), serialize_i8(i8), serialize_i16(i16), serialize_i32(i32),
        serialize_i64(i64), serialize_i128(i128), serialize_u8(u8), serialize_u16(u16),
        serialize_u32(u32), serialize_u64(u64), serialize_u128(u128), serialize_f32(f32),
        serialize_f64(f64), serialize_char(char), serialize_str(&str), serialize_bytes(&[u8]),
    }

    fn serialize_none(self) -> Result<()> {
        self.one().serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<()> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<()> {
        self.one().serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        self.one().serialize_newtype_variant(name, index, variant, value)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq> {
        self.one().serialize_seq(len)
    }

    fn serialize_tuple(self, _len: usize) -> Result<Several<'a>> {
        Ok(self.several())
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Several<'a>> {
        Ok(self.several())
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant> {
        self.one().serialize_tuple_variant(name, index, variant, len)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap> {
        self.one().serialize_map(len)
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeStruct> {
        self.one().serialize_struct(name, len)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant> {
        self.one().serialize_struct_variant(name, index, variant, len)
    }
}
