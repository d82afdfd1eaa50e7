//! Our decoders and encoders as a filter: cases on stdin, what was made of them on stdout.
//!
//! The README says how both are written.

mod case;
mod engine;
mod msgpack;
mod socketio;
mod values;

use anyhow::{Context, Result};
use case::{Case, Parser};
use std::io::{BufRead, BufWriter, Write, stdin, stdout};

fn main() -> Result<()> {
    let mut out = BufWriter::new(stdout().lock());
    for (index, line) in stdin().lock().lines().enumerate() {
        let answer = answer(&line?).with_context(|| format!("in line {}", index + 1))?;
        serde_json::to_writer(&mut out, &answer)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

fn answer(line: &str) -> Result<Vec<serde_json::Value>> {
    let case: Case = serde_json::from_str(line)?;
    match case.parser {
        Parser::Socketio => socketio::steps(&case.messages),
        Parser::Msgpack => msgpack::steps(&case.messages),
        Parser::Engine4 => engine::steps(&case.messages, engine::revision4),
        Parser::Engine3 => engine::steps(&case.messages, engine::revision3),
    }
}
