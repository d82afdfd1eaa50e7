//! `cargo xtask`: the commands that keep the project in order. Run `cargo xtask help`.
// A program for people: its answers belong on standard output, its complaints on standard error.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

  ci [STEP ...]      install what the tests need, then run every check and every test;
                     with names, only those steps (an unknown name lists them)
  tidy               module arrows, sizes, docs, leftovers, unsafe code, links
  client [--check]   write the browser client's bundles; --check says whether they are stale
  autobahn           all 517 cases of the Autobahn suite, server and client (needs CPython 2.7)
  bench [SUITE] [OPTION ...]
                     our servers, floors and peers side by side: WebSocket, or with the word
                     `socketio` Socket.IO; `bench --help` lists the options
  fuzz [SECONDS]     each target of fuzz/ for 10 s, or for so many; 0: known inputs alone
  miri               the protocol core with the one unsafe file, under Miri (nightly)
  help               this text";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["ci", steps @ ..] => xtask::ci::run(steps),
        ["tidy"] => report(xtask::tidy::run()),
        ["client"] => report(xtask::client::run(false)),
        ["client", "--check"] => report(xtask::client::run(true)),
        ["autobahn"] => report(xtask::autobahn::run()),
        ["fuzz"] => report(xtask::fuzz::run(xtask::fuzz::SECONDS, None)),
        ["fuzz", seconds] if let Ok(seconds) = seconds.parse() => {
            report(xtask::fuzz::run(seconds, None))
        }
        ["bench", words @ ..] => report(xtask::bench::run(words)),
        ["miri"] => report(xtask::miri::run()),
        ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{HELP}");
            ExitCode::from(2)
        }
    }
}

/// Success is silent here, since each command has said what it did; a failure is said once.
fn report(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
