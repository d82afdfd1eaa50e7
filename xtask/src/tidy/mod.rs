//! What no compiler checks: module arrows, sizes, docs, leftovers, unsafe code, links.
//!
//! [`table`] holds every list and limit; it is the one file to edit. Each check is a plain function
//! from files to [`Finding`]s, so that a test can show it a file that is wrong.

pub mod arrows;
pub mod docs;
pub mod finding;
pub mod leftovers;
pub mod links;
pub mod lock;
pub mod manifests;
pub mod sizes;
pub mod table;
pub mod unsafety;

use std::path::Path;

use anyhow::{Result, bail};

pub use finding::Finding;

use crate::source::Source;
use crate::tree;

/// A text file of the project.
#[derive(Debug)]
pub struct TextFile {
    /// Relative to the project's folder, `/` between names.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Checks the project and prints what it found.
///
/// # Errors
/// When there is a finding, or the files cannot be read.
pub fn run() -> Result<()> {
    let root = tree::root()?;
    let (files, findings) = check(&root)?;
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy: {} finding(s) in {files} files", findings.len());
    }
    println!("tidy: {files} files, nothing to mend");
    Ok(())
}

/// Every finding in the project at `root`, sorted by place, and the number of files looked at.
///
/// # Errors
/// When the files cannot be listed.
pub fn check(root: &Path) -> Result<(usize, Vec<Finding>)> {
    let paths = tree::files(root)?;
    let texts: Vec<TextFile> = paths.iter().filter_map(|path| read(root, path)).collect();
    let rust: Vec<Source> = texts
        .iter()
        .filter(|file| has_extension(&file.path, &["rs"]))
        .map(|file| Source::new(&file.path, &file.text))
        .collect();

    let mut findings = Vec::new();
    for layout in table::LAYOUTS {
        findings.extend(arrows::check(layout, &rust));
    }
    findings.extend(manifests::check(table::CRATES, &texts));
    findings.extend(rust.iter().flat_map(sizes::check));
    findings.extend(texts.iter().flat_map(sizes::check_script));
    findings.extend(rust.iter().flat_map(docs::check));
    findings.extend(texts.iter().flat_map(leftovers::check));
    findings.extend(texts.iter().flat_map(lock::check));
    findings.extend(unsafety::check(table::UNSAFE_FILES, &rust));
    findings.extend(links::check(&paths, &texts));
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    Ok((paths.len(), findings))
}

/// Whether the path ends in one of these extensions.
#[must_use]
pub fn has_extension(path: &str, extensions: &[&str]) -> bool {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| extensions.contains(&extension))
}

fn read(root: &Path, path: &str) -> Option<TextFile> {
    tree::text(root, path).map(|text| TextFile { path: path.to_owned(), text })
}
