//! Panics in functions of the program that run while a request is answered: each is caught and
//! logged by the function's name, so that its client gets an answer and nobody else notices.

use futures_util::FutureExt;
use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A panic that is in the log already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Panicked;

/// Calls a function of the program; `name` is what the program knows it by.
pub(crate) fn caught<R>(name: &'static str, call: impl FnOnce() -> R) -> Result<R, Panicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| told(name, &*panic))
}

/// As [`caught_in`], for what answers requests for a path.
pub(crate) async fn caught_at<F: Future>(path: &str, run: F) -> Result<F::Output, Panicked> {
    let answered = AssertUnwindSafe(run).catch_unwind().await;
    answered.map_err(|panic| {
        tracing::error!(path, panic = message(&*panic), "a route panicked");
        Panicked
    })
}

/// As [`caught`], for a future.
pub(crate) async fn caught_in<F: Future>(
    name: &'static str,
    run: F,
) -> Result<F::Output, Panicked> {
    AssertUnwindSafe(run).catch_unwind().await.map_err(|panic| told(name, &*panic))
}

fn told(name: &'static str, panic: &(dyn Any + Send)) -> Panicked {
    tracing::error!(panic = message(panic), "`{name}` panicked");
    Panicked
}

/// What a panic says.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or_default()
}
