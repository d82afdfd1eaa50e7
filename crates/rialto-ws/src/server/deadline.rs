//! Deadlines from times that users choose.

use std::time::Duration;
use tokio::time::Instant;

/// Nobody waits for longer, and no clock ends before it.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// The moment that is `time` from now; `Duration::MAX` means what it says.
pub(super) fn after(time: Duration) -> Instant {
    Instant::now() + time.min(LONGEST)
}
