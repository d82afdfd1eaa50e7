//! What the test runners say they ran.

use std::fmt;
use std::ops::AddAssign;

/// Tests passed, failed and left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ran and held.
    pub passed: u64,
    /// Ran and did not hold, or were cut off.
    pub failed: u64,
    /// Were not run.
    pub skipped: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// Reads counts out of a runner's output, line by line.
pub type Reader = fn(&str) -> Counts;

/// For runners that count nothing.
#[must_use]
pub fn none(_line: &str) -> Counts {
    Counts::default()
}

/// Rust's own harness: one `test result:` line per test program and per crate's doc tests.
#[must_use]
pub fn cargo(line: &str) -> Counts {
    let mut counts = Counts::default();
    let Some(rest) = line.strip_prefix("test result: ") else { return counts };
    // "ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s"
    let rest = rest.split_once(". ").map_or(rest, |(_, rest)| rest);
    for part in rest.split("; ") {
        let Some((number, word)) = part.split_once(' ') else { continue };
        let Ok(number) = number.parse::<u64>() else { continue };
        match word {
            "passed" => counts.passed += number,
            "failed" => counts.failed += number,
            "ignored" => counts.skipped += number,
            _ => {}
        }
    }
    counts
}

/// Node's runner: the summary of its `spec` reporter (or `tap`), whose lines start at the margin.
#[must_use]
pub fn node(line: &str) -> Counts {
    let mut counts = Counts::default();
    let Some(rest) = line.strip_prefix("ℹ ").or_else(|| line.strip_prefix("# ")) else {
        return counts;
    };
    let Some((word, number)) = rest.trim_end().split_once(' ') else { return counts };
    let Ok(number) = number.parse::<u64>() else { return counts };
    match word {
        "pass" => counts.passed = number,
        // A test that was cut off (its file crashed, its time ran out) did not hold.
        "fail" | "cancelled" => counts.failed = number,
        // Node's fourth group: tests announced and not written yet.
        "skipped" | "todo" => counts.skipped = number,
        _ => {}
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(reader: Reader, text: &str) -> Counts {
        let mut counts = Counts::default();
        for line in text.lines() {
            counts += reader(line);
        }
        counts
    }

    #[test]
    fn cargo_counts_add_up() {
        let text = "running 5 tests\ntest a ... ok\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished\n\
            test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(sum(cargo, text), Counts { passed: 7, failed: 2, skipped: 1 });
    }

    #[test]
    fn node_counts_are_read_from_both_reporters() {
        let expected = Counts { passed: 3, failed: 2, skipped: 5 };
        for mark in ["ℹ", "#"] {
            let text = "@ tests 9\n@ suites 1\n@ pass 3\n@ fail 1\n@ cancelled 1\n@ skipped 4\n\
                        @ todo 1\n@ duration_ms 65.5\n  @ pass 100\n";
            assert_eq!(sum(node, &text.replace('@', mark)), expected);
        }
    }

    #[test]
    fn the_closing_line_is_plain() {
        let counts = Counts { passed: 10, failed: 0, skipped: 2 };
        assert_eq!(counts.to_string(), "10 passed, 0 failed, 2 skipped");
    }
}
