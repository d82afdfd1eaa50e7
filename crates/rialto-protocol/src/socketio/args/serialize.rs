//! From a serde value to arguments.

use bytes::Bytes;
use serde::Serialize;
use serde::ser::{SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer};

use super::borrow::{RAW_ARGS, want_text};
use super::writer::{Json, Nested};

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

    /// Writes arguments that give their text.
    fn splice<T: Serialize + ?Sized>(&mut self, args: &T) -> Result<()> {
        let start = self.out.len();
        separate(self.out);
        let written = self.out.len();
        args.serialize(Json::verbatim(self))?;
        if self.out.len() == written {
            // There is none, and so nothing to separate.
            self.out.truncate(start);
        }
        Ok(())
    }

    /// Writes one value as JSON.
    pub(crate) fn write_json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(Json::new(self))
    }
}

/// Writes `args` as the arguments that follow what the payload holds already.
pub(crate) fn serialize_args<T: Serialize + ?Sized>(
    args: &T,
    output: &mut Output<'_>,
) -> Result<()> {
    args.serialize(ArgsSerializer { output })
}

/// The outermost layer of a value: tuples fall apart into arguments, anything else is one.
pub(super) struct ArgsSerializer<'o, 'a> {
    pub(super) output: &'o mut Output<'a>,
}

impl<'o, 'a> ArgsSerializer<'o, 'a> {
    /// Begins the one argument.
    pub(super) fn one(self) -> Json<'o, 'a> {
        separate(self.output.out);
        Json::new(self.output)
    }

    /// Begins several arguments.
    pub(super) const fn several(self) -> Several<'o, 'a> {
        Several { output: self.output }
    }
}

/// Writes the comma before an argument, unless it is the first thing in the payload.
fn separate(out: &mut Vec<u8>) {
    if out.last() != Some(&b'[') {
        out.push(b',');
    }
}

/// Arguments one after the other.
pub(super) struct Several<'o, 'a> {
    output: &'o mut Output<'a>,
}

impl Several<'_, '_> {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        separate(self.output.out);
        value.serialize(Json::new(self.output))
    }
}

impl SerializeTuple for Several<'_, '_> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.push(value)
    }

    fn end(self) -> Result<()> {
        Ok(())
    }
}

impl SerializeTupleStruct for Several<'_, '_> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.push(value)
    }

    fn end(self) -> Result<()> {
        Ok(())
    }
}

impl SerializeTupleVariant for Several<'_, '_> {
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

impl<'o, 'a> Serializer for ArgsSerializer<'o, 'a> {
    type Ok = ();
    type Error = serde_json::Error;
    type SerializeSeq = Nested<'o, 'a>;
    type SerializeTuple = Several<'o, 'a>;
    type SerializeTupleStruct = Several<'o, 'a>;
    type SerializeTupleVariant = Nested<'o, 'a>;
    type SerializeMap = Nested<'o, 'a>;
    type SerializeStruct = Nested<'o, 'a>;
    type SerializeStructVariant = Nested<'o, 'a>;

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
        name: &'static str,
        value: &T,
    ) -> Result<()> {
        if name == RAW_ARGS && want_text() {
            self.output.splice(value)
        } else {
            value.serialize(self)
        }
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

    fn serialize_tuple(self, _len: usize) -> Result<Several<'o, 'a>> {
        Ok(self.several())
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Several<'o, 'a>> {
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
