//! Writes packets: the header, the event's name, the arguments.
//!
//! Each function appends one whole packet text to the caller's buffer and returns the attachments
//! to send behind it, in order. On an error the buffer is as before.

use bytes::Bytes;
use serde::Serialize;

use super::args::{Output, serialize_args, serialize_event, write_string};
use super::error::Kind;
use super::{Error, PacketType, is_reserved};

/// Appends an event, `2["name",…]`, or `5n-["name",…]` if `args` holds [`Bytes`].
///
/// How `args` becomes arguments: one value is one argument, a tuple (or array of fixed length)
/// several, `()` none. `Bytes` at any depth travels as an attachment; it is copied once, because
/// serde shows only its content (a [`Value::Binary`](super::Value) is not copied). `Vec<u8>` stays
/// an array of numbers.
///
/// How many attachments the peer accepts is the peer's affair: stock servers and clients of today
/// close the connection above ten.
///
/// # Errors
/// `name` is reserved, `namespace` does not begin with `/` or holds a comma, or `args` cannot be
/// JSON: nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH), a map key that is no string, an error
/// of the type's own.
///
/// ```
/// use bytes::Bytes;
/// use rialto_protocol::socketio::encode_event;
///
/// let mut out = Vec::new();
/// encode_event(&mut out, "/chat", Some(7), "say", &("hi", 1)).unwrap();
/// assert_eq!(out, br#"2/chat,7["say","hi",1]"#);
///
/// out.clear();
/// let data = Bytes::from_static(b"abc");
/// let attachments = encode_event(&mut out, "/", None, "file", &data).unwrap();
/// assert_eq!(out, br#"51-["file",{"_placeholder":true,"num":0}]"#);
/// assert_eq!(attachments, [data]);
/// ```
pub fn encode_event<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    namespace: &str,
    id: Option<u64>,
    name: &str,
    args: &T,
) -> Result<Vec<Bytes>, Error> {
    if is_reserved(name) {
        return Err(Error::new(Kind::Reserved));
    }
    let header = Header { plain: PacketType::Event, namespace, id };
    header.encode(out, |output| {
        write_string(output.out, name);
        serialize_args(args, output)
    })
}

/// Appends an event that is a variant of an enum: the variant's name is the event's, its fields are
/// the arguments (a variant with named fields is one object). The counterpart of
/// [`read`](super::read).
///
/// # Errors
/// As [`encode_event`], and if the value is not an enum in serde's default representation.
///
/// ```
/// use rialto_protocol::socketio::encode_enum;
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// #[serde(rename_all = "snake_case")]
/// enum ToClient { Said(String, u32), Typing }
///
/// let mut out = Vec::new();
/// encode_enum(&mut out, "/", None, &ToClient::Said("hi".into(), 3)).unwrap();
/// assert_eq!(out, br#"2["said","hi",3]"#);
/// out.clear();
/// encode_enum(&mut out, "/", None, &ToClient::Typing).unwrap();
/// assert_eq!(out, br#"2["typing"]"#);
/// ```
pub fn encode_enum<E: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    namespace: &str,
    id: Option<u64>,
    event: &E,
) -> Result<Vec<Bytes>, Error> {
    let header = Header { plain: PacketType::Event, namespace, id };
    header.encode(out, |output| serialize_event(event, output))
}

/// Appends the answer to the event with that id, `37[…]`, or `6n-7[…]` with attachments.
///
/// # Errors
/// As [`encode_event`].
pub fn encode_ack<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    namespace: &str,
    id: u64,
    args: &T,
) -> Result<Vec<Bytes>, Error> {
    let header = Header { plain: PacketType::Ack, namespace, id: Some(id) };
    header.encode(out, |output| serialize_args(args, output))
}

/// What a server says when a client has joined a namespace: the payload of its CONNECT packet.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Connected<'a> {
    /// The socket's public id.
    pub sid: &'a str,
    /// The secret with which the connection's state can be recovered later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<&'a str>,
}

/// Appends a CONNECT packet, `0/chat,{…}`: from a server with [`Connected`], from a client with
/// its authentication, or with nothing.
///
/// # Errors
/// The namespace is none, or `data` cannot be JSON or holds binary.
///
/// ```
/// use rialto_protocol::socketio::{Connected, encode_connect};
///
/// let mut out = Vec::new();
/// encode_connect(&mut out, "/chat", Some(&Connected { sid: "abc", pid: None })).unwrap();
/// assert_eq!(out, br#"0/chat,{"sid":"abc"}"#);
/// ```
pub fn encode_connect<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    namespace: &str,
    data: Option<&T>,
) -> Result<(), Error> {
    encode_plain(out, PacketType::Connect, namespace, data)
}

/// Appends a CONNECT_ERROR packet, `4/chat,{"message":…,"data":…}`: the namespace was not joined,
/// for that reason. `data` is the application's, and left out if `None`.
///
/// # Errors
/// As [`encode_connect`].
pub fn encode_connect_error<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    namespace: &str,
    message: &str,
    data: Option<&T>,
) -> Result<(), Error> {
    #[derive(Serialize)]
    struct Refused<'a, T: ?Sized> {
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<&'a T>,
    }
    encode_plain(out, PacketType::ConnectError, namespace, Some(&Refused { message, data }))
}

/// Appends the ERROR packet of the protocol's revision 4 (Socket.IO 1 and 2), which tells the same
/// by any JSON value: `4/chat,"not authorized"`.
///
/// # Errors
/// As [`encode_connect`].
pub fn encode_error<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    namespace: &str,
    data: &T,
) -> Result<(), Error> {
    encode_plain(out, PacketType::ConnectError, namespace, Some(data))
}

/// Appends a DISCONNECT packet, `1/chat,`.
///
/// # Errors
/// The namespace is none.
pub fn encode_disconnect(out: &mut Vec<u8>, namespace: &str) -> Result<(), Error> {
    encode_plain::<()>(out, PacketType::Disconnect, namespace, None)
}

/// A packet whose payload is one JSON value, if any, and never binary.
fn encode_plain<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    kind: PacketType,
    namespace: &str,
    data: Option<&T>,
) -> Result<(), Error> {
    let start = out.len();
    Header { plain: kind, namespace, id: None }.write(out)?;
    let Some(data) = data else { return Ok(()) };
    let mut output = Output::new(out);
    let result = output.write_json(data);
    let binary = !output.attachments.is_empty();
    let result = result.map_err(Error::encode);
    let result = if binary { Err(Error::new(Kind::Attachment)) } else { result };
    result.inspect_err(|_| out.truncate(start))
}

/// What stands before the payload.
struct Header<'a> {
    /// The type to use if there are no attachments.
    plain: PacketType,
    namespace: &'a str,
    id: Option<u64>,
}

impl Header<'_> {
    /// Writes the packet as if it had no attachments, which is nearly always so, and inserts their
    /// number if it does.
    fn encode(
        &self,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Output<'_>) -> Result<(), serde_json::Error>,
    ) -> Result<Vec<Bytes>, Error> {
        let start = out.len();
        self.write(out)?;
        out.push(b'[');
        let mut output = Output::new(out);
        let result = write(&mut output);
        let (attachments, reserved) = (output.attachments, output.reserved);
        if let Err(error) = result {
            out.truncate(start);
            let refused = Error::new(Kind::Reserved);
            return Err(if reserved { refused } else { Error::encode(error) });
        }
        out.push(b']');
        if !attachments.is_empty() {
            self.insert_count(out, start, attachments.len());
        }
        Ok(attachments)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let is_root = self.namespace == "/";
        if !is_root && (!self.namespace.starts_with('/') || self.namespace.contains(',')) {
            return Err(Error::new(Kind::Namespace));
        }
        out.push(self.plain.digit());
        if !is_root {
            out.extend_from_slice(self.namespace.as_bytes());
            out.push(b',');
        }
        if let Some(id) = self.id {
            push_decimal(out, id);
        }
        Ok(())
    }

    /// Turns the packet that begins at `start` into its binary form.
    fn insert_count(&self, out: &mut Vec<u8>, start: usize, count: usize) {
        let binary = match self.plain {
            PacketType::Ack => PacketType::BinaryAck,
            _ => PacketType::BinaryEvent,
        };
        out[start] = binary.digit();
        // Written behind the packet, and turned to the front of what follows the type.
        let end = out.len();
        push_decimal(out, count as u64);
        out.push(b'-');
        let inserted = out.len() - end;
        out[start + 1..].rotate_right(inserted);
    }
}

/// Appends a number in decimal.
pub(super) fn push_decimal(out: &mut Vec<u8>, mut number: u64) {
    // 20 digits hold any u64.
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Writes arguments alone, without a packet around them: a JSON array, and its attachments. The
/// counterpart of [`decode`](super::decode).
///
/// # Errors
/// As [`encode_event`].
///
/// ```
/// use rialto_protocol::socketio::encode_payload;
///
/// assert_eq!(encode_payload(&("hi", 1)).unwrap().0, r#"["hi",1]"#);
/// ```
pub fn encode_payload<T: Serialize + ?Sized>(args: &T) -> Result<(String, Vec<Bytes>), Error> {
    Payload::encode(args).map(|payload| (payload.data, payload.attachments))
}

/// Arguments alone, as a payload without a packet around it.
pub(super) struct Payload {
    /// A JSON array.
    pub(super) data: String,
    /// The binary parts.
    pub(super) attachments: Vec<Bytes>,
}

impl Payload {
    pub(super) fn encode<T: Serialize + ?Sized>(args: &T) -> Result<Self, Error> {
        let mut data = vec![b'['];
        let mut output = Output::new(&mut data);
        serialize_args(args, &mut output).map_err(Error::encode)?;
        let attachments = output.attachments;
        data.push(b']');
        // serde_json writes UTF-8 alone.
        let data = String::from_utf8(data).map_err(|_| Error::new(Kind::Encode))?;
        Ok(Self { data, attachments })
    }
}
