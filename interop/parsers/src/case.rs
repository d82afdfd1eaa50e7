//! A case as it is read.

use anyhow::Result;
use data_encoding::BASE64;
use serde::Deserialize;

/// One connection's input.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) parser: Parser,
    pub(crate) messages: Vec<Message>,
}

/// The decoder that gets it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Parser {
    Socketio,
    Msgpack,
    Engine4,
    Engine3,
}

/// A message or a body.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Message {
    Text(String),
    Binary(Base64),
}

/// Bytes as JSON has to carry them.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Base64(String);

impl Base64 {
    pub(crate) fn bytes(&self) -> Result<Vec<u8>> {
        Ok(BASE64.decode(self.0.as_bytes())?)
    }
}
