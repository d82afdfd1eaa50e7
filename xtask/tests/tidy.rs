//! The project as it stands passes its own checks.

use xtask::{tidy, tree};

#[test]
fn the_tree_is_tidy() {
    let root = tree::root().unwrap();
    let (files, findings) = tidy::check(&root).unwrap();
    // Were the listing broken, nothing would be checked and nothing found.
    assert!(files > 30, "only {files} files were looked at");
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} finding(s):\n{}", lines.len(), lines.join("\n"));
}
