//! Licences of everything that is compiled, by cargo's own list and the choices in `deny.toml`.
//!
//! `cargo deny` does this too, and more; it is not on every machine, and licences matter on all.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};

/// The licences that `deny.toml` allows.
///
/// # Errors
/// When the file has no such list.
pub fn allowed(deny: &str) -> Result<BTreeSet<&str>> {
    let licences = deny.split_once("[licenses]").context("deny.toml has no [licenses]")?.1;
    let list = licences.split_once("allow = [").context("[licenses] has no `allow` list")?.1;
    let list = list.split_once(']').context("the `allow` list has no end")?.0;
    let lines = list.lines().map(|line| line.split('#').next().unwrap_or_default());
    Ok(lines.flat_map(|line| line.split('"').skip(1).step_by(2)).collect())
}

/// Checks lines of the form `name version|licence expression|`, as `cargo tree` prints them, and
/// gives back how many packages they name.
///
/// # Errors
/// When a package has no licence, or none of those allowed.
pub fn check(tree: &str, allowed: &BTreeSet<&str>) -> Result<usize> {
    let packages: BTreeSet<(&str, &str)> = tree.lines().filter_map(package).collect();
    let refused: Vec<String> = packages
        .iter()
        .filter(|(_, expression)| !satisfied(expression, allowed))
        .map(|(package, expression)| format!("{package}: `{expression}`"))
        .collect();
    if !refused.is_empty() {
        bail!("licences that deny.toml does not allow:\n  {}", refused.join("\n  "));
    }
    Ok(packages.len())
}

fn package(line: &str) -> Option<(&str, &str)> {
    let mut parts = line.split('|');
    Some((parts.next()?, parts.next()?))
}

/// Whether the allowed licences satisfy an SPDX expression (`/` is an old spelling of `OR`).
fn satisfied(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    // "X WITH Y" is one licence; joined, it stays one word.
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let joined = spaced.replace(" WITH ", "\u{1}");
    let words: Vec<String> =
        joined.split_whitespace().map(|word| word.replace('\u{1}', " WITH ")).collect();
    let mut at = 0;
    let holds = either(&words, &mut at, allowed);
    holds && at == words.len()
}

fn either(words: &[String], at: &mut usize, allowed: &BTreeSet<&str>) -> bool {
    let mut holds = both(words, at, allowed);
    while words.get(*at).is_some_and(|word| word == "OR") {
        *at += 1;
        // Evaluated before the `||`, since it also moves `at`.
        let other = both(words, at, allowed);
        holds = holds || other;
    }
    holds
}

fn both(words: &[String], at: &mut usize, allowed: &BTreeSet<&str>) -> bool {
    let mut holds = single(words, at, allowed);
    while words.get(*at).is_some_and(|word| word == "AND") {
        *at += 1;
        let other = single(words, at, allowed);
        holds = holds && other;
    }
    holds
}

fn single(words: &[String], at: &mut usize, allowed: &BTreeSet<&str>) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if word != "(" {
        return allowed.contains(word.as_str());
    }
    let holds = either(words, at, allowed);
    let closed = words.get(*at).is_some_and(|word| word == ")");
    *at += 1;
    holds && closed
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = "[licenses]\nversion = 2\nallow = [\n  \"MIT\", # why \"GPL\"\n  \"A\",\n  \
                        \"A WITH E\",\n]\n[bans]\nallow = [\"X\"]\n";

    #[test]
    fn the_list_is_read_without_its_comments() {
        let expected = BTreeSet::from(["A", "A WITH E", "MIT"]);
        assert_eq!(allowed(DENY).unwrap(), expected);
        assert!(allowed("[bans]").is_err());
    }

    #[test]
    fn expressions_are_judged() {
        let allowed = allowed(DENY).unwrap();
        for yes in ["MIT", "GPL OR MIT", "GPL/MIT", "A AND MIT", "(GPL OR A) AND MIT", "A WITH E"] {
            assert!(satisfied(yes, &allowed), "{yes}");
        }
        for no in ["GPL", "", "GPL AND MIT", "MIT WITH E", "(MIT", "MIT A", "MIT AND (GPL)"] {
            assert!(!satisfied(no, &allowed), "{no}");
        }
    }

    #[test]
    fn a_package_with_another_licence_is_named() {
        let allowed = allowed(DENY).unwrap();
        assert_eq!(check("a v1|MIT|\na v1|MIT| (*)\nb v2|A|\n\n", &allowed).unwrap(), 2);
        let refused = check("a v1|MIT|\nb v2|GPL|\nc v3||\n", &allowed).unwrap_err().to_string();
        assert!(refused.contains("b v2: `GPL`") && refused.contains("c v3: ``"), "{refused}");
        assert!(!refused.contains("a v1"));
    }
}
