//! What was left behind: marks of unfinished work, one machine's paths, download addresses.

use super::table::{GENERATED, MACHINE_PATHS, MARKS, REGISTRIES, UNFINISHED};
use super::{Finding, TextFile};
use crate::lex::is_word;

/// Checks a text file, line by line.
#[must_use]
pub fn check(file: &TextFile) -> Vec<Finding> {
    let generated =
        GENERATED.iter().any(|part| file.path.starts_with(part) || file.path.ends_with(part));
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let place = |what: String| Finding::new(&file.path, index + 1, what);
        if !generated {
            findings.extend(mark(line).map(|mark| {
                place(format!("`{mark}`")).because(
                    "unfinished work is invisible in the code",
                    "finish it, or write it down where the work is planned",
                )
            }));
        }
        findings.extend(machine_path(line).map(|path| {
            place(format!("a path of one machine, `{path}`"))
                .because("it exists nowhere else", "use a path relative to the project")
        }));
        findings.extend(REGISTRIES.iter().find(|name| line.contains(**name)).map(|name| {
            place(format!("a download address, `{name}`")).because(
                "where packages come from is a matter of each machine",
                "leave it to the settings of cargo and npm",
            )
        }));
    }
    findings
}

fn mark(line: &str) -> Option<&'static str> {
    let calls = UNFINISHED.iter().find(|call| stands(line, call));
    calls.or_else(|| MARKS.iter().find(|mark| stands(line, mark))).copied()
}

/// Whether `word` stands in the line on its own, not as a part of a longer word.
fn stands(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let bytes = line.as_bytes();
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let after = bytes.get(at + word.len()).copied();
        let open = word.ends_with('(') || !after.is_some_and(is_word);
        open && !before.is_some_and(is_word)
    })
}

/// A path counts where one can start, not in the middle of an address or of a relative path.
fn machine_path(line: &str) -> Option<&'static str> {
    let found = |path: &&&str| {
        line.match_indices(**path).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let inside = |c: char| c.is_alphanumeric() || "/._-~}*".contains(c);
            !before.is_some_and(inside) || line[..at].ends_with("file://")
        })
    };
    MACHINE_PATHS.iter().find(found).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let file = TextFile { path: path.to_owned(), text: text.to_owned() };
        check(&file).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn each_mark_and_each_call_is_found() {
        for word in MARKS {
            assert_eq!(found("a.js", &format!("x // {word}: later")), [format!("`{word}`")]);
        }
        for call in UNFINISHED {
            assert_eq!(found("a.rs", &format!("fn f() {{ {call}) }}")), [format!("`{call}`")]);
        }
    }

    #[test]
    fn a_mark_inside_a_longer_word_passes() {
        let text = format!("{}S {}_list my_{}x)", MARKS[0], MARKS[1], UNFINISHED[0]);
        assert!(found("a.rs", &text).is_empty());
        let hash = format!("\"sha512-a{}/+\"", MARKS[2]);
        assert!(found("interop/js/package-lock.json", &hash).is_empty());
    }

    #[test]
    fn each_machine_path_is_found_where_a_path_can_start() {
        for path in MACHINE_PATHS {
            let expected = [format!("a path of one machine, `{path}`")];
            assert_eq!(found("a.md", &format!("see `{path}x`")), expected);
            assert_eq!(
                found("crates/rialto/client/a.map", &format!("\"file://{path}x\"")),
                expected
            );
            assert!(found("a.md", &format!("https://example.org{path}x")).is_empty());
            assert!(found("a.md", &format!("..{path}x")).is_empty());
        }
    }

    #[test]
    fn each_registry_is_found() {
        for name in REGISTRIES {
            let expected = [format!("a download address, `{name}`")];
            assert_eq!(found("a.toml", &format!("url = \"https://{name}/x\"")), expected);
        }
    }
}
