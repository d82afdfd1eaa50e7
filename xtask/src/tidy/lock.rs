//! Lock files: they pin versions and hashes, and name no address of one machine's mirror.

use super::table::CRATES_IO;
use super::{Finding, TextFile};

/// Checks a lock file of cargo or npm; other files pass.
#[must_use]
pub fn check(file: &TextFile) -> Vec<Finding> {
    match file.path.rsplit('/').next() {
        Some("Cargo.lock") => lines(file, foreign_source),
        Some("package-lock.json") => lines(file, resolved),
        _ => Vec::new(),
    }
}

fn lines(file: &TextFile, wrong: fn(&str) -> Option<Finding>) -> Vec<Finding> {
    let found = file.text.lines().enumerate().filter_map(|(index, line)| {
        let finding = wrong(line.trim())?;
        Some(Finding { path: file.path.clone(), line: index + 1, ..finding })
    });
    found.collect()
}

fn foreign_source(line: &str) -> Option<Finding> {
    let source = line.strip_prefix("source = ")?.trim_matches('"');
    (source != CRATES_IO).then(|| {
        Finding::new("", 0, format!("a package from `{source}`")).because(
            "packages come from crates.io alone, where a published version cannot change",
            "depend on a published version",
        )
    })
}

fn resolved(line: &str) -> Option<Finding> {
    line.starts_with("\"resolved\"").then(|| {
        Finding::new("", 0, "a \"resolved\" address").because(
            "it is the address of one machine's registry, and the integrity hash pins enough",
            "write the lock file with `npm install --omit-lockfile-registry-resolved`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&TextFile { path: path.to_owned(), text: text.to_owned() }).len()
    }

    #[test]
    fn a_resolved_address_is_found() {
        let text = "{\n  \"resolved\": \"https://example.org/a.tgz\",\n  \"integrity\": \"x\"\n}";
        assert_eq!(count("web/client/package-lock.json", text), 1);
        assert_eq!(count("web/client/package.json", text), 0);
    }

    #[test]
    fn a_package_from_elsewhere_is_found() {
        let from = |source: &str| format!("[[package]]\nname = \"a\"\nsource = \"{source}\"\n");
        assert_eq!(count("Cargo.lock", &from(CRATES_IO)), 0);
        assert_eq!(count("Cargo.lock", &from("git+https://example.org/a")), 1);
    }
}
