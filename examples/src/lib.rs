//! What the examples share: the address that they listen on.

/// `127.0.0.1:3000`, or another port if the environment variable `PORT` names one.
///
/// A program of your own can write `listen("127.0.0.1:3000")`.
#[must_use]
pub fn address() -> String {
    format!("127.0.0.1:{}", std::env::var("PORT").as_deref().unwrap_or("3000"))
}
