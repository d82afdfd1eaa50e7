//! What the programs of this package share: the settings of compression on the command line, and
//! an echo that holds no message.

use clap::{ArgAction, Args, ValueEnum};
use rialto_ws::{Deflate, Options, Result, WebSocket};

/// permessage-deflate (RFC 7692); what is not named is as in [`Deflate::default`].
#[derive(Clone, Copy, Debug, Args)]
pub struct Compression {
    /// Whether messages may be compressed.
    #[arg(long, value_enum, default_value_t = Switch::On)]
    deflate: Switch,
    /// The server starts each message anew.
    #[arg(long, value_name = "BOOL", action = ArgAction::Set)]
    server_no_context_takeover: Option<bool>,
    /// The client starts each message anew.
    #[arg(long, value_name = "BOOL", action = ArgAction::Set)]
    client_no_context_takeover: Option<bool>,
    /// The server's window as a power of two, 8 to 15.
    #[arg(long, value_name = "BITS")]
    server_max_window_bits: Option<u8>,
    /// The client's window as a power of two, 8 to 15.
    #[arg(long, value_name = "BITS")]
    client_max_window_bits: Option<u8>,
    /// Messages of fewer bytes are sent as they are.
    #[arg(long, value_name = "BYTES")]
    threshold: Option<usize>,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl Compression {
    /// The options with these settings.
    #[must_use]
    pub fn apply(self, options: Options) -> Options {
        if self.deflate == Switch::Off {
            return options.no_compression();
        }
        let mut deflate = Deflate::default();
        if let Some(anew) = self.server_no_context_takeover {
            deflate = deflate.server_no_context_takeover(anew);
        }
        if let Some(anew) = self.client_no_context_takeover {
            deflate = deflate.client_no_context_takeover(anew);
        }
        if let Some(bits) = self.server_max_window_bits {
            deflate = deflate.server_max_window_bits(bits);
        }
        if let Some(bits) = self.client_max_window_bits {
            deflate = deflate.client_max_window_bits(bits);
        }
        if let Some(bytes) = self.threshold {
            deflate = deflate.threshold(bytes);
        }
        options.deflate(deflate)
    }
}

/// Sends every message back while it arrives, in fragments.
///
/// # Errors
/// As receiving and sending.
pub async fn echo_in_pieces(socket: &mut WebSocket) -> Result {
    let sender = socket.sender();
    while let Some(mut message) = socket.recv_stream().await? {
        let mut back = sender.message_writer(message.kind()).await?;
        while let Some(chunk) = message.chunk().await? {
            back.write(chunk).await?;
        }
        back.finish().await?;
    }
    Ok(())
}
