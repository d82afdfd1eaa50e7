//! MessagePack, as npm's `socket.io-msgpack-parser` writes it: one binary message for each packet.

use super::{Decoder, Packet, PacketType, Parser};
use crate::error::{Error, Result};
use bytes::Bytes;
use rialto_protocol::socketio::{MAX_DEPTH, Object, Value};
use rialto_ws::{Message, MessageRef};
use rmp::{Marker, decode, encode};

/// MessagePack: for clients with npm's `socket.io-msgpack-parser` (3.x) or one of its ports.
///
/// Binary stays where it is instead of becoming attachments, so a packet is one message however
/// much binary it holds. A `Date` of a JavaScript client arrives as a string in its JSON form, as
/// it does without this parser; `undefined` is `null`.
///
/// ```
/// use rialto::{Options, parser::Msgpack};
/// let options = Options::default().parser(Msgpack);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Msgpack;

impl Parser for Msgpack {
    fn encode(&self, packet: &Packet) -> Result<Vec<Message>> {
        let mut out = Vec::with_capacity(64);
        write_packet(&mut out, packet).map_err(Error::other)?;
        Ok(vec![Message::Binary(out.into())])
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(Self)
    }
}

impl Decoder for Msgpack {
    fn decode(&mut self, message: MessageRef<'_>) -> Result<Option<Packet>> {
        let MessageRef::Binary(bytes) = message else {
            return Err("a text message, where MessagePack was agreed on".into());
        };
        let mut rest = bytes;
        let value = read_value(&mut rest, MAX_DEPTH + 1)?;
        if !rest.is_empty() {
            return Err("bytes behind the packet".into());
        }
        packet_of(value).map(Some)
    }
}

fn packet_of(value: Value) -> Result<Packet> {
    let Value::Object(mut members) = value else { return Err("the packet is not a map".into()) };
    let kind = members.get("type").and_then(Value::as_u64).and_then(|kind| u8::try_from(kind).ok());
    // 5 and 6 are of the parser with attachments.
    let kind = kind.filter(|kind| *kind <= 4).ok_or("unknown Socket.IO packet type")?;
    let Some(Value::String(namespace)) = members.remove("nsp") else {
        return Err("invalid namespace".into());
    };
    let id = match members.get("id") {
        None | Some(Value::Null) => None,
        Some(id) => Some(id.as_u64().ok_or("invalid packet id")?),
    };
    // `data: undefined` is written, as an extension that reads as null.
    let data = members.remove("data").filter(|data| !data.is_null());
    Ok(Packet { id, data, ..Packet::new(kind, namespace)? })
}

type Write = std::result::Result<(), encode::ValueWriteError<std::convert::Infallible>>;

/// Writes into memory, which cannot fail.
type Buffer = encode::ByteBuf;

fn write_packet(out: &mut Vec<u8>, packet: &Packet) -> std::result::Result<(), String> {
    let mut buffer = Buffer::from_vec(std::mem::take(out));
    let members = 2 + u32::from(packet.data.is_some()) + u32::from(packet.id.is_some());
    let mut write = || -> Write {
        encode::write_map_len(&mut buffer, members)?;
        encode::write_str(&mut buffer, "type")?;
        encode::write_uint(&mut buffer, number(packet.kind))?;
        if let Some(data) = &packet.data {
            encode::write_str(&mut buffer, "data")?;
            write_value(&mut buffer, data)?;
        }
        if let Some(id) = packet.id {
            encode::write_str(&mut buffer, "id")?;
            encode::write_uint(&mut buffer, id)?;
        }
        encode::write_str(&mut buffer, "nsp")?;
        encode::write_str(&mut buffer, &packet.namespace)
    };
    write().map_err(|error| error.to_string())?;
    *out = buffer.into_vec();
    Ok(())
}

fn number(kind: PacketType) -> u64 {
    u64::from(kind.digit() - b'0')
}

/// The values come from JSON text, whose depth is bounded.
fn write_value(out: &mut Buffer, value: &Value) -> Write {
    match value {
        Value::Null => encode::write_nil(out).map_err(encode::ValueWriteError::InvalidMarkerWrite),
        Value::Bool(value) => {
            encode::write_bool(out, *value).map_err(encode::ValueWriteError::InvalidMarkerWrite)
        }
        Value::Number(value) => match (value.as_u64(), value.as_i64()) {
            (Some(value), _) => encode::write_uint(out, value).map(drop),
            (None, Some(value)) => encode::write_sint(out, value).map(drop),
            _ => encode::write_f64(out, value.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(value) => encode::write_str(out, value),
        Value::Binary(value) => encode::write_bin(out, value),
        Value::Array(values) => {
            encode::write_array_len(out, length(values.len()))?;
            values.iter().try_for_each(|value| write_value(out, value))
        }
        Value::Object(members) => {
            encode::write_map_len(out, length(members.iter().len()))?;
            members.iter().try_for_each(|(name, value)| {
                encode::write_str(out, name)?;
                write_value(out, value)
            })
        }
    }
}

/// Nothing of four thousand million elements is ever sent: its JSON text would not fit a message.
fn length(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

const CUT: &str = "the packet is cut off";

/// Reads one value; lengths are believed only as far as there are bytes.
fn read_value(bytes: &mut &[u8], depth: u32) -> Result<Value> {
    let marker = decode::read_marker(bytes).map_err(|_| CUT)?;
    Ok(match marker {
        Marker::Null => Value::Null,
        Marker::True => Value::Bool(true),
        Marker::False => Value::Bool(false),
        Marker::FixPos(value) => Value::from(u64::from(value)),
        Marker::FixNeg(value) => Value::from(i64::from(value)),
        Marker::U8 => Value::from(big_endian(bytes, 1)?),
        Marker::U16 => Value::from(big_endian(bytes, 2)?),
        Marker::U32 => Value::from(big_endian(bytes, 4)?),
        Marker::U64 => Value::from(big_endian(bytes, 8)?),
        Marker::I8 => Value::from(signed(bytes, 1)?),
        Marker::I16 => Value::from(signed(bytes, 2)?),
        Marker::I32 => Value::from(signed(bytes, 4)?),
        Marker::I64 => Value::from(signed(bytes, 8)?),
        Marker::F32 => {
            let bits = u32::try_from(big_endian(bytes, 4)?).unwrap_or_default();
            float(f64::from(f32::from_bits(bits)))
        }
        Marker::F64 => float(f64::from_bits(big_endian(bytes, 8)?)),
        Marker::FixStr(len) => text(bytes, usize::from(len))?,
        Marker::Str8 => sized(bytes, 1, text)?,
        Marker::Str16 => sized(bytes, 2, text)?,
        Marker::Str32 => sized(bytes, 4, text)?,
        Marker::Bin8 => sized(bytes, 1, binary)?,
        Marker::Bin16 => sized(bytes, 2, binary)?,
        Marker::Bin32 => sized(bytes, 4, binary)?,
        Marker::FixExt1 => extension(bytes, 1, depth)?,
        Marker::FixExt2 => extension(bytes, 2, depth)?,
        Marker::FixExt4 => extension(bytes, 4, depth)?,
        Marker::FixExt8 => extension(bytes, 8, depth)?,
        Marker::FixExt16 => extension(bytes, 16, depth)?,
        Marker::Ext8 => sized(bytes, 1, |bytes, len| sized_extension(bytes, len, depth))?,
        Marker::Ext16 => sized(bytes, 2, |bytes, len| sized_extension(bytes, len, depth))?,
        Marker::Ext32 => sized(bytes, 4, |bytes, len| sized_extension(bytes, len, depth))?,
        Marker::FixArray(len) => array(bytes, usize::from(len), depth)?,
        Marker::Array16 => sized(bytes, 2, |bytes, len| array(bytes, len, depth))?,
        Marker::Array32 => sized(bytes, 4, |bytes, len| array(bytes, len, depth))?,
        Marker::FixMap(len) => map(bytes, usize::from(len), depth)?,
        Marker::Map16 => sized(bytes, 2, |bytes, len| map(bytes, len, depth))?,
        Marker::Map32 => sized(bytes, 4, |bytes, len| map(bytes, len, depth))?,
        Marker::Reserved => return Err("a byte that MessagePack reserves".into()),
    })
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(len).ok_or(CUT)?;
    *bytes = rest;
    Ok(taken)
}

fn big_endian(bytes: &mut &[u8], width: usize) -> Result<u64> {
    Ok(take(bytes, width)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn signed(bytes: &mut &[u8], width: u32) -> Result<i64> {
    let number = big_endian(bytes, width as usize)?;
    let unused = 64 - 8 * width;
    Ok((number << unused).cast_signed() >> unused)
}

/// JSON has neither infinities nor NaN; JavaScript writes null for them.
fn float(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// Reads a length of that width, then what has that length.
fn sized(
    bytes: &mut &[u8],
    width: usize,
    read: impl FnOnce(&mut &[u8], usize) -> Result<Value>,
) -> Result<Value> {
    let len = usize::try_from(big_endian(bytes, width)?).unwrap_or(usize::MAX);
    read(bytes, len)
}

fn text(bytes: &mut &[u8], len: usize) -> Result<Value> {
    let text = std::str::from_utf8(take(bytes, len)?)?;
    Ok(Value::String(text.to_owned()))
}

fn binary(bytes: &mut &[u8], len: usize) -> Result<Value> {
    Ok(Value::Binary(Bytes::copy_from_slice(take(bytes, len)?)))
}

/// What JavaScript clients write as extensions: `undefined` and dates. Others are, as there, arrays
/// of their type and their bytes.
fn extension(bytes: &mut &[u8], len: usize, depth: u32) -> Result<Value> {
    let kind = signed(bytes, 1)?;
    match (kind, len) {
        (0, 1) => take(bytes, len).map(|_| Value::Null),
        (0, 8) => signed(bytes, 8).map(date),
        _ => typed(bytes, kind, len, depth),
    }
}

/// Those with a length are array buffers, of 8 bytes too.
fn sized_extension(bytes: &mut &[u8], len: usize, depth: u32) -> Result<Value> {
    match signed(bytes, 1)? {
        0 => binary(bytes, len),
        kind => typed(bytes, kind, len, depth),
    }
}

fn typed(bytes: &mut &[u8], kind: i64, len: usize, depth: u32) -> Result<Value> {
    deeper(depth)?;
    Ok(Value::Array(vec![Value::from(kind), binary(bytes, len)?]))
}

fn array(bytes: &mut &[u8], len: usize, depth: u32) -> Result<Value> {
    let depth = deeper(depth)?;
    let mut values = Vec::new();
    for _ in 0..len {
        values.push(read_value(bytes, depth)?);
    }
    Ok(Value::Array(values))
}

fn map(bytes: &mut &[u8], len: usize, depth: u32) -> Result<Value> {
    let depth = deeper(depth)?;
    let mut members = Vec::new();
    for _ in 0..len {
        let Value::String(name) = read_value(bytes, depth)? else {
            return Err("a map's key is not a string".into());
        };
        members.push((name, read_value(bytes, depth)?));
    }
    Ok(Value::Object(members.into_iter().collect::<Object>()))
}

fn deeper(depth: u32) -> Result<u32> {
    depth.checked_sub(1).ok_or_else(|| "the payload is nested too deeply".into())
}

/// Milliseconds since 1970 as JavaScript's `toJSON` writes them, `2026-11-21T13:07:56.000Z`.
fn date(ms: i64) -> Value {
    // The range of JavaScript's dates; beyond it they are invalid, which JSON writes as null.
    const MAX: i64 = 8_640_000_000_000_000;
    if !(-MAX..=MAX).contains(&ms) {
        return Value::Null;
    }
    let (days, ms) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = civil(days);
    let year = match year {
        0..=9999 => format!("{year:04}"),
        year => format!("{}{:06}", if year < 0 { '-' } else { '+' }, year.abs()),
    };
    let (seconds, ms) = (ms / 1000, ms % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    Value::from(format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"))
}

/// Year, month and day of a number of days since 1970, in the Gregorian calendar: counted in eras
/// of 400 years that begin with March, so that the leap day is the last of a year.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let leaps = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leaps) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests;
