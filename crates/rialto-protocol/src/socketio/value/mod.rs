//! Arguments without a type of their own: what one forwards, logs or looks into.

mod arguments;
mod convert;
mod dynamic;
mod object;
mod serial;

pub use arguments::Args;
pub use dynamic::{Value, ValueIndex};
pub use object::Object;
