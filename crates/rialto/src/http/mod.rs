//! HTTP beside the engine: static files, and the browser client.

mod bundle;
mod files;

pub(crate) use bundle::{Bundle, is_bundle_name};
pub(crate) use files::Files;
