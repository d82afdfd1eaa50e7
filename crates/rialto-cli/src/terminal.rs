//! Words for the person at the terminal; what programs read goes to standard output instead.

/// Says something on standard error.
#[allow(clippy::print_stderr, reason = "a command speaks to its user")]
pub(crate) fn say(words: &str) {
    eprintln!("{words}");
}
