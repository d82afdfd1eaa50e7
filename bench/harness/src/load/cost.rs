//! What a process has used, as `/proc` tells it.

use anyhow::{Context, Result};
use std::fs;
use std::thread::sleep;
use std::time::Duration;

/// The CPU time of a process so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    /// All threads, in ns, as the scheduler counts it.
    pub(super) nanos: u64,
    /// Ticks of 10 ms in user code. Coarse: they only divide `nanos`.
    pub(super) user: u64,
    /// Ticks in the kernel.
    pub(super) kernel: u64,
}

impl Used {
    /// Reads it; `self` names this process.
    pub(super) fn read(process: &str) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).context("it has ended")?;
        // The name, in brackets, may hold blanks.
        let fields: Vec<&str> =
            stat.rsplit_once(") ").map_or(vec![], |(_, rest)| rest.split(' ').collect());
        let ticks = |at: usize| fields.get(at).and_then(|it| it.parse().ok()).unwrap_or(0);
        let (user, kernel) = (ticks(11), ticks(12));
        let mut nanos = 0;
        for task in fs::read_dir(format!("/proc/{process}/task"))?.flatten() {
            // A thread may have ended since it was listed.
            let Ok(text) = fs::read_to_string(task.path().join("schedstat")) else { continue };
            nanos += text.split(' ').next().and_then(|it| it.parse().ok()).unwrap_or(0);
        }
        if nanos == 0 {
            // A kernel without scheduler statistics.
            nanos = (user + kernel) * 10_000_000;
        }
        Ok(Self { nanos, user, kernel })
    }
}

/// Resident memory of a process, in bytes.
///
/// # Errors
/// When it has ended.
pub fn resident_bytes(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).context("it has ended")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|it| it.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
    Ok(kib.context("its memory is not shown")? * 1024)
}

/// Resident memory of a process once it has not changed for 100 ms, for two seconds at most.
///
/// # Errors
/// When it has ended.
pub fn settled_bytes(process: u32) -> Result<u64> {
    settled(|| resident_bytes(process))
}

/// Waits until a process has used no CPU time for 100 ms, for two seconds at most.
pub(super) fn rest(process: u32) -> Result<()> {
    settled(|| Used::read(&process.to_string()).map(|used| used.nanos)).map(|_| ())
}

fn settled(read: impl Fn() -> Result<u64>) -> Result<u64> {
    let mut last = read()?;
    for _ in 0..20 {
        sleep(Duration::from_millis(100));
        let now = read()?;
        if now == last {
            break;
        }
        last = now;
    }
    Ok(last)
}
