//! What a check says: where, what, why, and how to mend it.

use std::fmt;

/// One thing to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, relative to the project's folder.
    pub path: String,
    /// Its line, counted from 1.
    pub line: usize,
    /// What was seen.
    pub what: String,
    /// Why the project minds.
    pub why: &'static str,
    /// What to do about it.
    pub mend: String,
}

impl Finding {
    /// A finding at a line.
    #[must_use]
    pub fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into(), why: "", mend: String::new() }
    }

    /// With its reason and its remedy.
    #[must_use]
    pub fn because(mut self, why: &'static str, mend: impl Into<String>) -> Self {
        self.why = why;
        self.mend = mend.into();
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, what, why, mend } = self;
        write!(f, "{path}:{line}: {what}, {why}; {mend}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_as_one_line() {
        let finding = Finding::new("a.rs", 3, "it is so").because("that hurts", "do this");
        assert_eq!(finding.to_string(), "a.rs:3: it is so, that hurts; do this");
    }
}
