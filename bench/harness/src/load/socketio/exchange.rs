//! What is sent, and what has to come back.

use super::super::Content;
use super::super::messages::payload;
use super::template::Template;
use super::{Kind, Load};

/// `["event",{"n":…,"text":…}]` has its text from here.
pub(super) fn text(load: &Load) -> Vec<u8> {
    let mut text = payload(load.size, Content::Text, 7);
    for byte in &mut text {
        // Nothing that JSON would escape.
        if *byte == b'"' {
            *byte = b'\'';
        }
    }
    [&text, &b"\"}]"[..]].concat()
}

/// One kind of message and its reply, by WebSocket or, unframed, by long-polling.
pub(super) struct Exchange {
    /// What is sent: one message, or two if there is an attachment.
    pub(super) sent: Vec<Template>,
    /// What comes back; several spell the same.
    pub(super) replies: Vec<Template>,
    /// The attachment that follows it.
    pub(super) attachment: Option<Template>,
}

impl Exchange {
    /// The exchange of that load's kind, framed.
    pub(super) fn new(load: &Load) -> Self {
        match load.kind {
            Kind::Event => {
                let event = Template::new("42[\"echo-event\",{\"n\":#,\"text\":\"", &text(load));
                Self { sent: vec![event.framed(0x81)], replies: vec![event], attachment: None }
            }
            Kind::Binary => Self::binary(load.size),
            _ => {
                let ack = Self::unframed(load);
                Self { sent: vec![ack.sent[0].framed(0x81)], ..ack }
            }
        }
    }

    /// An event with its ack.
    pub(super) fn unframed(load: &Load) -> Self {
        let text = text(load);
        Self {
            sent: vec![Template::new("42#[\"echo\",{\"n\":#,\"text\":\"", &text)],
            replies: vec![Template::new("43#[{\"n\":#,\"text\":\"", &text)],
            attachment: None,
        }
    }

    fn binary(size: usize) -> Self {
        let body = payload(size, Content::Binary, 7);
        let attachment = Template::new("#", body.get(8..).unwrap_or_default());
        let event = Template::new("451-#[\"bin\",{\"_placeholder\":true,\"num\":0}]", b"");
        let reply = |placeholder: &str| Template::new(&format!("461-#[{placeholder}]"), b"");
        Self {
            sent: vec![event.framed(0x81), attachment.framed(0x82)],
            replies: vec![
                reply("{\"_placeholder\":true,\"num\":0}"),
                reply("{\"num\":0,\"_placeholder\":true}"),
            ],
            attachment: Some(attachment),
        }
    }

    /// Adds the message with that number.
    pub(super) fn write(&self, number: u64, out: &mut Vec<u8>) {
        for part in &self.sent {
            part.write(number, out);
        }
    }

    /// The number of a reply.
    pub(super) fn reply(&self, bytes: &[u8]) -> Option<u64> {
        self.replies.iter().find_map(|reply| reply.number(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::super::template::FIRST;
    use super::*;

    #[test]
    fn replies_are_told_from_what_only_looks_like_them() {
        let load =
            |kind| Load { kind, size: 40, depth: 1, connections: 1, tls: false, deflate: false };
        let ack = Exchange::unframed(&load(Kind::Ack));
        let mut event = Vec::new();
        ack.write(FIRST, &mut event);
        assert_eq!(ack.reply(&event), None);
        let answer =
            String::from_utf8(event).unwrap().replacen("42", "43", 1).replace("\"echo\",", "");
        assert_eq!(ack.reply(answer.as_bytes()), Some(FIRST));
        assert_eq!(ack.reply(answer.replacen("10000000", "10000001", 1).as_bytes()), None);

        let binary = Exchange::new(&load(Kind::Binary));
        for spelt in [r#"{"_placeholder":true,"num":0}"#, r#"{"num":0,"_placeholder":true}"#] {
            assert_eq!(binary.reply(format!("461-10000003[{spelt}]").as_bytes()), Some(FIRST + 3));
        }
        assert_eq!(binary.reply(br#"461-10000003[{"num":1,"_placeholder":true}]"#), None);
    }
}
