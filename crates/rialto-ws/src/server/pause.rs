//! What an accept loop does when accepting fails.

use std::io;
use std::time::Duration;

/// The first and the longest pause after accepting failed, as it does without free descriptors.
const PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// Waits out a failed accept in an accept loop of your own: at once after an error of one
/// connection, else (no descriptors, no memory) for a pause that grows from 5 ms to 1 s.
///
/// Start with [`Duration::ZERO`] and pass what it returns the next time.
pub async fn accept_pause(error: &io::Error, pause: Duration) -> Duration {
    let pause = pause.max(PAUSE.0);
    if is_connection_error(error) {
        return PAUSE.0;
    }
    tracing::warn!(%error, ?pause, "accepting failed, trying again");
    tokio::time::sleep(pause).await;
    (pause * 2).min(PAUSE.1)
}

/// True if only the connection that was about to be accepted is lost.
fn is_connection_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
