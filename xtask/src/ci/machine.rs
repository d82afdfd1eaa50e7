//! What the tests need beyond Rust and Node, found or installed.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::process::Program;

/// The oldest Node whose runner, `fetch` and module loader the tests use.
const OLDEST_NODE: (u32, u32) = (20, 11);
/// A version that is known to build with the project's oldest compiler.
const CARGO_DENY: &str = "cargo-deny@0.20.2";
const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Says which Node there is.
///
/// # Errors
/// When there is none, or an older one than the tests need.
pub fn node(root: &Path) -> Result<()> {
    let (major, minor) = OLDEST_NODE;
    let version = Program::new(root, &["node", "--version"], 1)
        .output()
        .with_context(|| format!("Node {major}.{minor} or later is needed"))?;
    if node_version(&version).is_none_or(|version| version < OLDEST_NODE) {
        bail!("Node {major}.{minor} or later is needed; this is {}", version.trim());
    }
    println!("node {}", version.trim());
    Ok(())
}

fn node_version(answer: &str) -> Option<(u32, u32)> {
    let mut numbers = answer.trim().strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Installs the packages of a folder as its lock file says, unless that has been done.
///
/// # Errors
/// When npm fails.
pub fn packages(folder: &Path) -> Result<()> {
    if installed(folder).unwrap_or(false) {
        println!("{}: packages are there", folder.display());
        return Ok(());
    }
    Program::new(folder, &["npm", "ci", "--no-audit", "--no-fund"], 6)
        // The tests use the system's browser; nothing may fetch another one.
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
        .check()
        .with_context(|| format!("in {}", folder.display()))
}

/// npm writes its own copy of the lock file last; older than either source, it is stale.
fn installed(folder: &Path) -> Option<bool> {
    let time = |name: &str| folder.join(name).metadata().ok()?.modified().ok();
    let done = time("node_modules/.package-lock.json")?;
    Some(done >= time("package-lock.json")? && done >= time("package.json")?)
}

/// The parts of the Rust toolchain that a minimal installation lacks.
///
/// # Errors
/// When one is missing and rustup cannot add it.
pub fn components(root: &Path) -> Result<()> {
    for (command, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if Program::new(root, &["cargo", command, "--version"], 1).output().is_err() {
            Program::new(root, &["rustup", "component", "add", component], 5).check()?;
        }
    }
    Ok(())
}

/// The browser for the tests: `CHROMIUM`, or one on the path, or Debian's, installed if need be.
///
/// # Errors
/// When there is none and it cannot be installed here.
pub fn browser(root: &Path) -> Result<PathBuf> {
    if let Some(found) = find_browser() {
        println!("browser {}", found.display());
        return Ok(found);
    }
    let missing = "the browser tests need Chromium; install it, or name it in CHROMIUM";
    if !on_path("apt-get") {
        bail!(missing);
    }
    apt(root, &["update"]).context(missing)?;
    apt(root, &["install", "--yes", "--no-install-recommends", "chromium"]).context(missing)?;
    find_browser().context(missing)
}

/// The browser that is there, if any.
#[must_use]
pub fn find_browser() -> Option<PathBuf> {
    let named = env::var_os("CHROMIUM").map(PathBuf::from).filter(|path| path.is_file());
    named.or_else(|| BROWSERS.iter().find_map(|name| find(name)))
}

fn apt(root: &Path, arguments: &[&str]) -> Result<()> {
    let mut words = Vec::new();
    if !is_root(root) {
        // Without a terminal, sudo must not ask for a password.
        words.extend(["sudo", "--non-interactive", "--preserve-env=DEBIAN_FRONTEND"]);
    }
    words.push("apt-get");
    words.extend(arguments);
    Program::new(root, &words, 8).env("DEBIAN_FRONTEND", "noninteractive").check()
}

fn is_root(root: &Path) -> bool {
    Program::new(root, &["id", "-u"], 1).output().is_ok_and(|id| id.trim() == "0")
}

/// Whether a program can be found by its name.
#[must_use]
pub fn on_path(name: &str) -> bool {
    find(name).is_some()
}

fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// `cargo-deny`: on the path, or in the target folder, where it is built if need be.
///
/// A debug build of a pinned version takes about a minute and is kept, so a fresh machine checks
/// as much as any other. Nothing when it cannot be had.
#[must_use]
pub fn cargo_deny(root: &Path) -> Option<PathBuf> {
    // target/debug/xtask -> target/tools
    let tools = env::current_exe().ok()?.parent()?.parent()?.join("tools");
    let built = tools.join("bin").join("cargo-deny");
    let found = find("cargo-deny").or_else(|| built.is_file().then(|| built.clone()));
    if found.is_some() {
        return found;
    }
    let place = format!("--root={}", tools.display());
    let words = ["cargo", "install", "--quiet", "--locked", "--debug", CARGO_DENY, &place];
    let outcome = Program::new(root, &words, 6).check();
    outcome.is_ok().then_some(built)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_by_name() {
        assert!(on_path("cargo"));
        assert!(!on_path("no such program"));
    }

    #[test]
    fn versions_of_node_compare_as_numbers() {
        assert!(node_version("v20.9.1\n").unwrap() < OLDEST_NODE);
        assert!(node_version("v100.0.0").unwrap() > OLDEST_NODE);
        assert_eq!(node_version("20"), None);
    }

    #[test]
    fn packages_count_as_installed_only_when_newer_than_the_lock_file() {
        let folder = env::temp_dir().join(format!("xtask-packages-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("node_modules")).unwrap();
        assert_eq!(installed(&folder), None);
        for name in ["package.json", "package-lock.json", "node_modules/.package-lock.json"] {
            std::fs::write(folder.join(name), "{}").unwrap();
        }
        assert_eq!(installed(&folder), Some(true));
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
        let lock = std::fs::File::options().append(true).open(folder.join("package.json")).unwrap();
        lock.set_modified(later).unwrap();
        assert_eq!(installed(&folder), Some(false));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
