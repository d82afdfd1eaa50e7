//! Counts what comes back, between the end of the warm-up and the end of the run.

use super::cost::Used;
use super::{Cost, Span, Target};
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(5);

/// The clock and the counters of one run.
pub(super) struct Meter {
    process: String,
    span: Span,
    started: Instant,
    opened: Option<Opened>,
    messages: u64,
    bytes: u64,
    moved: Instant,
}

struct Opened {
    at: Instant,
    server: Used,
    clients: Used,
}

impl Meter {
    pub(super) fn new(target: Target, span: Span) -> Self {
        let now = Instant::now();
        let process = target.process.to_string();
        Self { process, span, started: now, opened: None, messages: 0, bytes: 0, moved: now }
    }

    /// Counts messages that came back.
    pub(super) fn add(&mut self, messages: usize) {
        self.messages += messages as u64;
    }

    /// Counts bytes that came back.
    pub(super) fn add_bytes(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// To be called after every wait, with the number of events that it gave; the cost ends the
    /// run.
    pub(super) fn turn(&mut self, events: usize) -> Result<Option<Cost>> {
        let now = Instant::now();
        if events > 0 {
            self.moved = now;
        } else if now - self.moved > PATIENCE {
            bail!("nothing came back for {} s", PATIENCE.as_secs());
        }
        match &self.opened {
            None if now - self.started >= self.span.warmup => {
                let (server, clients) = (Used::read(&self.process)?, Used::read("self")?);
                (self.messages, self.bytes) = (0, 0);
                self.opened = Some(Opened { at: Instant::now(), server, clients });
            }
            // A short time on a busy machine may see nothing come back: then it takes longer.
            Some(opened) if now - opened.at >= self.span.measured && self.messages > 0 => {
                return self.close(opened).map(Some);
            }
            _ => {}
        }
        Ok(None)
    }

    #[allow(clippy::cast_precision_loss)] // none of these reaches 2^52
    fn close(&self, opened: &Opened) -> Result<Cost> {
        let server = Used::read(&self.process)?;
        let clients = Used::read("self")?;
        let seconds = opened.at.elapsed().as_secs_f64();
        let nanos = (server.nanos - opened.server.nanos) as f64;
        let kernel = (server.kernel - opened.server.kernel) as f64;
        let ticks = kernel + (server.user - opened.server.user) as f64;
        Ok(Cost {
            messages: self.messages,
            lost: 0,
            seconds,
            nanos: nanos / self.messages as f64,
            kernel: if ticks > 0.0 { kernel / ticks } else { 0.0 },
            bytes: self.bytes as f64 / self.messages as f64,
            server_busy: nanos / seconds / 1e9,
            clients_busy: (clients.nanos - opened.clients.nanos) as f64 / seconds / 1e9,
        })
    }
}
