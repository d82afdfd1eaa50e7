//! Where the project is, and which files belong to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Folders that hold nothing of the project's own; asked only where git cannot tell.
const FOREIGN: [&str; 6] = [".git", "target", "node_modules", "corpus", "artifacts", "coverage"];

/// The project's folder: the one above this package's manifest.
///
/// # Errors
/// When the program was moved away from the checkout it was built in.
pub fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.parent().context("xtask stands in no folder")?;
    if !root.join("Cargo.toml").is_file() {
        bail!("{} holds no workspace; run `cargo xtask` in the checkout", root.display());
    }
    Ok(root.to_path_buf())
}

/// Every file of the project, relative to `root`, with `/` between names, sorted.
///
/// Git decides (tracked files, and new ones that are not ignored, so that a mistake shows before
/// it is committed). In an unpacked archive the folders are walked instead.
///
/// # Errors
/// When a folder cannot be read.
pub fn files(root: &Path) -> Result<Vec<String>> {
    let mut found = match listed_by_git(root) {
        Some(found) => found,
        None => {
            let mut found = Vec::new();
            walk(root, "", &mut found)?;
            found
        }
    };
    // Git still lists what was deleted but not yet committed, and links may point at folders.
    found.retain(|path| root.join(path).is_file());
    found.sort();
    found.dedup();
    Ok(found)
}

fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .ok()?;
    // In an archive unpacked inside another checkout, git answers for that one: with nothing.
    if !output.status.success() || output.stdout.is_empty() {
        return None;
    }
    let names = String::from_utf8(output.stdout).ok()?;
    Some(names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn walk(root: &Path, folder: &str, found: &mut Vec<String>) -> Result<()> {
    let here = root.join(folder);
    let entries = fs::read_dir(&here).with_context(|| format!("cannot read {}", here.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() && !FOREIGN.contains(&name.as_str()) {
            walk(root, &path, found)?;
        } else if kind.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

/// The text of a file, or nothing when it is binary (or larger than 8 MiB, which no text here is).
#[must_use]
pub fn text(root: &Path, path: &str) -> Option<String> {
    let path = root.join(path);
    if fs::metadata(&path).ok()?.len() > 8 << 20 {
        return None;
    }
    let bytes = fs::read(path).ok()?;
    if bytes.contains(&0) { None } else { String::from_utf8(bytes).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_and_git_agree_on_this_file() {
        let root = root().unwrap();
        let mut walked = Vec::new();
        walk(&root, "", &mut walked).unwrap();
        assert!(walked.contains(&"xtask/src/tree.rs".to_owned()));
        assert!(!walked.iter().any(|path| path.starts_with("target/")));
        assert!(files(&root).unwrap().contains(&"xtask/src/tree.rs".to_owned()));
    }

    #[test]
    fn binary_files_have_no_text() {
        let root = root().unwrap();
        assert!(text(&root, "Cargo.toml").unwrap().contains("[workspace]"));
        assert!(text(&root, "no such file").is_none());
    }
}
