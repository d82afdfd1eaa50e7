//! What a decoder remembers between two inputs. Between two frames it is nothing.

use super::pieces::Streamed;
use super::{Frame, Header, Partial};
use std::ops::{Deref, DerefMut};

/// Something that has begun and is not complete.
#[derive(Debug)]
pub(super) struct Unfinished {
    /// The start of a header.
    pub(super) header: [u8; Header::MAX],
    pub(super) header_len: u8,
    pub(super) frame: Option<Frame>,
    pub(super) message: Option<Partial>,
    /// The start of a control frame's payload.
    pub(super) control: Vec<u8>,
    /// The message in progress is handed out piece by piece.
    pub(super) streamed: Option<Streamed>,
}

impl Unfinished {
    const NOTHING: Self = Self {
        header: [0; Header::MAX],
        header_len: 0,
        frame: None,
        message: None,
        control: Vec::new(),
        streamed: None,
    };
}

/// Reads as [`Unfinished`], and takes memory only once something is written to it.
#[derive(Debug, Default)]
pub(super) struct Rest(Option<Box<Unfinished>>);

impl Rest {
    /// True if nothing has begun.
    pub(super) fn is_nothing(&self) -> bool {
        self.0.is_none()
    }

    /// To change what is there; `None` if nothing is.
    pub(super) fn begun(&mut self) -> Option<&mut Unfinished> {
        self.0.as_deref_mut()
    }

    /// Gives the memory back if nothing is unfinished any more.
    pub(super) fn settle(&mut self) {
        self.0.take_if(|rest| {
            rest.header_len == 0
                && rest.frame.is_none()
                && rest.message.is_none()
                && rest.streamed.is_none()
                && rest.control.is_empty()
        });
    }
}

impl Deref for Rest {
    type Target = Unfinished;

    fn deref(&self) -> &Unfinished {
        static NOTHING: Unfinished = Unfinished::NOTHING;
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for Rest {
    fn deref_mut(&mut self) -> &mut Unfinished {
        self.0.get_or_insert_with(|| Box::new(Unfinished::NOTHING))
    }
}
