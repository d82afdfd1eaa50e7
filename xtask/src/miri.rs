//! `cargo xtask miri`: the tests of the protocol core of `rialto-ws`, which holds the only unsafe
//! code, under Miri, which sees undefined behaviour that no test can.

use anyhow::{Context, Result, bail};

use crate::{nightly, tree};

/// Runs them.
///
/// # Errors
/// When Miri is not usable here, and why; when a test fails or Miri objects.
pub fn run() -> Result<()> {
    if nightly::answer(&["--version"]).is_none() {
        bail!("Miri was not run: there is no nightly toolchain (rustup toolchain install nightly)");
    }
    if nightly::answer(&["miri", "--version"]).is_none() {
        bail!(
            "Miri was not run: the nightly toolchain is without it \
             (rustup +nightly component add miri rust-src)"
        );
    }
    // Apart from the tests, so that a machine which cannot build it is not taken for a failure.
    if !command(&["miri", "setup"])? {
        bail!("Miri was not run: its standard library cannot be built here (see above)");
    }
    if !command(&["miri", "test", "--package", "rialto-ws", "--lib", "--locked", "proto::"])? {
        bail!("a test failed, or Miri objects to one");
    }
    println!("miri: nothing to object to");
    Ok(())
}

fn command(words: &[&str]) -> Result<bool> {
    println!("$ cargo +nightly {}", words.join(" "));
    let status = nightly::cargo().args(words).current_dir(tree::root()?).status();
    Ok(status.context("cargo cannot be run")?.success())
}
