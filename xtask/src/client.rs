//! The bundles of the browser client: made from `web/client/src` by esbuild, committed in
//! `crates/rialto/client`, because a package may only build in files of its own folder.
//!
//! They are committed, so that `cargo build` needs no Node. esbuild's output depends on its version
//! and the sources alone; the version is pinned, so a byte of difference means a stale file.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

use crate::tree;

/// Where the bundles are committed.
const PLACE: &str = "crates/rialto/client";

/// Makes the bundles; with `check`, only says whether the committed ones are fresh.
///
/// Installs esbuild by `npm ci` when `web/client/node_modules` does not hold it. Where there is no
/// Node, a check is skipped and says so: the committed files are what such a machine uses.
///
/// # Errors
/// When Node is needed and absent, when npm or esbuild fail, and, with `check`, when a committed
/// file differs from what the sources make, is missing, or is one too many.
pub fn run(check: bool) -> Result<()> {
    let root = tree::root()?;
    let folder = root.join("web/client");
    if !has_node()? {
        if check {
            println!("client: skipped, there is no node to rebuild the bundles with");
            return Ok(());
        }
        bail!("node is needed to make the bundles; install Node 20 or later");
    }
    install(&folder)?;
    if !check {
        build(&folder, &root.join(PLACE))?;
        println!("client: wrote {PLACE}");
        return Ok(());
    }
    let scratch = Scratch::new()?;
    build(&folder, &scratch.0)?;
    let stale = differences(&root.join(PLACE), &scratch.0)?;
    if !stale.is_empty() {
        let names = stale.join(", ");
        bail!("{PLACE} is stale ({names}): run `cargo xtask client` and commit the result");
    }
    println!("client: {PLACE} is fresh");
    Ok(())
}

fn has_node() -> Result<bool> {
    let found = Command::new("node")
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match found {
        Ok(status) => Ok(status.success()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).context("node cannot be run"),
    }
}

fn install(folder: &Path) -> Result<()> {
    if folder.join("node_modules/esbuild").is_dir() {
        return Ok(());
    }
    // On Windows npm is a script that only its full name starts.
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    succeed(Command::new(npm).args(["ci", "--no-audit", "--no-fund"]).current_dir(folder), "npm ci")
}

fn build(folder: &Path, out: &Path) -> Result<()> {
    let mut command = Command::new("node");
    command.args(["build.mjs", "--out"]).arg(out).current_dir(folder);
    succeed(&mut command, "node build.mjs")
}

fn succeed(command: &mut Command, shown: &str) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("`{shown}` cannot be run in web/client"))?;
    if !status.success() {
        bail!("`{shown}` failed in web/client ({status})");
    }
    Ok(())
}

/// Names of the files that are not the same in both folders, sorted.
fn differences(committed: &Path, fresh: &Path) -> Result<Vec<String>> {
    let mut names = names_in(fresh)?;
    names.extend(names_in(committed)?);
    let mut different = Vec::new();
    for name in names {
        if read(&committed.join(&name))? != read(&fresh.join(&name))? {
            different.push(name);
        }
    }
    Ok(different)
}

fn names_in(folder: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(names),
        Err(error) => return Err(error).context(format!("cannot list {}", folder.display())),
    };
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
        names.insert(entry.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// The bytes of a file; `None` when there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context(format!("cannot read {}", path.display())),
    }
}

/// Keeps the scratch folders of one process apart.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A folder of this process in the system's place for temporary ones, removed with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("rialto-client-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left to the system, which empties its temporary folder.
        drop(fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_bundles_are_fresh() {
        run(true).unwrap();
    }

    #[test]
    fn changed_missing_and_surplus_files_are_named() {
        let scratch = Scratch::new().unwrap();
        let (committed, fresh) = (scratch.0.join("committed"), scratch.0.join("fresh"));
        fs::create_dir_all(&committed).unwrap();
        fs::create_dir_all(&fresh).unwrap();
        for (folder, name, text) in [
            (&committed, "same.js", "1"),
            (&fresh, "same.js", "1"),
            (&committed, "changed.js", "1"),
            (&fresh, "changed.js", "2"),
            (&committed, "surplus.js", "1"),
            (&fresh, "missing.js", "1"),
        ] {
            fs::write(folder.join(name), text).unwrap();
        }
        let found = differences(&committed, &fresh).unwrap();
        assert_eq!(found, ["changed.js", "missing.js", "surplus.js"]);
    }

    #[test]
    fn no_folder_at_all_means_that_every_file_is_missing() {
        let fresh = Scratch::new().unwrap();
        fs::write(fresh.0.join("a.js"), "1").unwrap();
        let found = differences(&fresh.0.join("nowhere"), &fresh.0).unwrap();
        assert_eq!(found, ["a.js"]);
    }
}
