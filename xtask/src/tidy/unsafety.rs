//! Unsafe code: only in the listed files, each use with its reason.

use super::Finding;
use crate::source::Source;

/// Checks every Rust file against the files that may hold `unsafe`.
#[must_use]
pub fn check(listed: &[&str], files: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let uses: Vec<usize> = file.words("unsafe").map(|at| file.line(at)).collect();
        if listed.contains(&file.path.as_str()) {
            findings.extend(uses.into_iter().filter(|line| !reasoned(file, *line)).map(|line| {
                Finding::new(&file.path, line, "`unsafe` without a `// SAFETY:` line").because(
                    "the compiler does not check it, so the reader must be able to",
                    "say directly above it why it is sound",
                )
            }));
        } else {
            findings.extend(uses.into_iter().map(|line| {
                Finding::new(&file.path, line, "`unsafe` outside the listed files").because(
                    "whoever reviews memory safety must know every place",
                    "find a safe way, or list the file in xtask/src/tidy/table.rs with its tests",
                )
            }));
        }
    }
    findings.extend(listed.iter().filter_map(|path| stale(path, files)));
    findings
}

fn stale(path: &str, files: &[Source]) -> Option<Finding> {
    let used = files.iter().any(|file| file.path == path && file.words("unsafe").next().is_some());
    (!used).then(|| {
        Finding::new(path, 1, "listed as holding `unsafe`, and does not").because(
            "a list that is too long hides what matters",
            "take it off the list in xtask/src/tidy/table.rs",
        )
    })
}

/// Whether a line's own comment, or the comments and attributes directly above, give the reason.
fn reasoned(file: &Source, line: usize) -> bool {
    let lines: Vec<&str> = file.text.lines().collect();
    let says = |text: &str| text.contains("// SAFETY:") || text.contains("/// # Safety");
    if lines.get(line - 1).is_some_and(|text| says(text)) {
        return true;
    }
    let above = lines[..line - 1].iter().rev().map(|text| text.trim());
    above.take_while(|text| text.starts_with("//") || text.starts_with("#[")).any(says)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(listed: &[&str], text: &str) -> Vec<String> {
        let files = [Source::new("src/a.rs", text)];
        check(listed, &files).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn unsafe_code_elsewhere_is_found() {
        let outside = ["`unsafe` outside the listed files"];
        assert_eq!(found(&[], "// SAFETY: x\nunsafe { f() }"), outside);
        assert!(found(&[], "#![deny(unsafe_code)] // unsafe").is_empty());
    }

    #[test]
    fn unsafe_code_without_a_reason_is_found() {
        let bare = ["`unsafe` without a `// SAFETY:` line"];
        let listed = ["src/a.rs"];
        assert_eq!(found(&listed, "fn f() {\n    unsafe { g() }\n}"), bare);
        assert_eq!(found(&listed, "// SAFETY: x\n\nunsafe { g() }"), bare);
        assert!(found(&listed, "// SAFETY: x\n// more\n#[inline]\nunsafe { g() }").is_empty());
        assert!(found(&listed, "/// # Safety\n/// x\nunsafe fn g() {}").is_empty());
    }

    #[test]
    fn a_stale_entry_is_found() {
        let stale = ["listed as holding `unsafe`, and does not"];
        assert_eq!(found(&["src/b.rs"], ""), stale);
        assert_eq!(found(&["src/a.rs"], "fn f() {}"), stale);
    }
}
