//! What Rialto logs, for tests.

use super::PATIENCE;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

/// What Rialto has logged: of each line its level, its message and its fields.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("rialto::")
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let level = event.metadata().level();
        self.0.lock().unwrap().push(format!("{level} {}{}", line.message, line.fields));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => write!(self.fields, " {name}={value:?}").unwrap(),
        }
    }
}

impl Log {
    /// Takes what is logged on this thread, as long as the guard lives.
    pub fn here() -> (Self, DefaultGuard) {
        let log = Self::default();
        let guard = tracing::subscriber::set_default(log.clone());
        (log, guard)
    }

    /// The lines up to now that contain the word; they are forgotten.
    pub fn take(&self, word: &str) -> Vec<String> {
        let mut lines = std::mem::take(&mut *self.0.lock().unwrap());
        lines.retain(|line| line.contains(word));
        lines
    }

    /// Waits for a line that contains all of the words, and forgets what there was; it has to be
    /// the only one.
    pub async fn expect(&self, words: &[&str]) {
        let fits = |line: &&String| words.iter().all(|word| line.contains(word));
        let found = async {
            loop {
                match self.0.lock().unwrap().iter().filter(fits).count() {
                    0 => {}
                    found => return found,
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, found).await;
        let lines = std::mem::take(&mut *self.0.lock().unwrap());
        assert_eq!(found, Ok(1), "{words:?} in {lines:#?}");
    }
}
