//! "Errors as answers".

use rialto::Events;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Value(f64),
    Error(&'static str),
}

fn events() -> Events {
    Events::new().on_ack("divide", async |_, (a, b): (f64, f64)| match b == 0.0 {
        true => Ok(Answer::Error("division by zero")),
        false => Ok(Answer::Value(a / b)),
    })
}

/// The page's table.
pub(crate) fn table() -> Events {
    events()
}
