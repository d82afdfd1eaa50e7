//! From a serde enum to an event: the variant is the name, its fields are the arguments.

use serde::Serialize;
use serde::ser::{Error as _, Impossible, SerializeStruct, SerializeStructVariant, Serializer};

use super::serialize::{ArgsSerializer, Output, Several};
use super::writer::{Nested, write_string};
use crate::socketio::is_reserved;

type Result<T> = std::result::Result<T, serde_json::Error>;
type Nothing = Impossible<(), serde_json::Error>;

/// Writes the event's name and arguments.
pub(crate) fn serialize_event<E: Serialize + ?Sized>(
    event: &E,
    output: &mut Output<'_>,
) -> Result<()> {
    event.serialize(EventSerializer { args: ArgsSerializer { output } })
}

struct EventSerializer<'o, 'a> {
    args: ArgsSerializer<'o, 'a>,
}

impl<'o, 'a> EventSerializer<'o, 'a> {
    /// Writes the name, and hands on what writes the arguments.
    fn name(self, name: &'static str) -> Result<ArgsSerializer<'o, 'a>> {
        if is_reserved(name) {
            self.args.output.reserved = true;
            return Err(serde_json::Error::custom("reserved event name"));
        }
        write_string(self.args.output.out, name);
        Ok(self.args)
    }
}

fn not_an_enum<T>() -> Result<T> {
    Err(serde_json::Error::custom("an event is a variant of an enum"))
}

/// The fields of a variant with named fields, as one object.
struct Fields<'o, 'a>(Nested<'o, 'a>);

impl SerializeStructVariant for Fields<'_, '_> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<()> {
        SerializeStruct::serialize_field(&mut self.0, key, value)
    }

    fn end(self) -> Result<()> {
        SerializeStruct::end(self.0)
    }
}

/// Methods for the types that are no enums.
macro_rules! not_an_enum {
    ($($method:ident($($type:ty),*) -> $output:ty;)*) => {
        $(fn $method(self, $(_: $type),*) -> Result<$output> {
            not_an_enum()
        })*
    };
}

impl<'o, 'a> Serializer for EventSerializer<'o, 'a> {
    type Ok = ();
    type Error = serde_json::Error;
    type SerializeSeq = Nothing;
    type SerializeTuple = Nothing;
    type SerializeTupleStruct = Nothing;
    type SerializeTupleVariant = Several<'o, 'a>;
    type SerializeMap = Nothing;
    type SerializeStruct = Nothing;
    type SerializeStructVariant = Fields<'o, 'a>;

    not_an_enum! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Nothing;
        serialize_tuple(usize) -> Nothing;
        serialize_tuple_struct(&'static str, usize) -> Nothing;
        serialize_map(Option<usize>) -> Nothing;
        serialize_struct(&'static str, usize) -> Nothing;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<()> {
        self.name(variant).map(drop)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        value.serialize(self.name(variant)?)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Several<'o, 'a>> {
        self.name(variant).map(ArgsSerializer::several)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Fields<'o, 'a>> {
        self.name(variant)?.one().serialize_struct(name, len).map(Fields)
    }
}
