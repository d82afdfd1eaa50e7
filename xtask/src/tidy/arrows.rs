//! Which module may name which, by the table.
//!
//! Every `crate::x` and every `super::` that leaves its top-level module is an arrow. A name taken
//! from the root (`crate::Error`) is followed through the root's `pub use` to its owner. Tests may
//! reach anywhere.

use std::collections::BTreeMap;

use super::Finding;
use super::table::{Layout, Module};
use crate::source::Source;

const WHY: &str = "modules point one way only, so that a lower one can be read without the upper";

/// A name of the package's root, found at a byte of a file.
#[derive(Debug, PartialEq, Eq)]
struct Arrow<'a> {
    to: &'a str,
    at: usize,
}

/// Checks the files of one package.
#[must_use]
pub fn check(layout: &Layout, files: &[Source]) -> Vec<Finding> {
    let inside: Vec<(&Source, &str)> =
        files.iter().filter_map(|file| Some((file, relative(file, layout.folder)?))).collect();
    let exports = inside
        .iter()
        .find(|(_, path)| *path == "lib.rs")
        .map(|(root, _)| exports(root))
        .unwrap_or_default();
    let (mut findings, mut unlisted) = (Vec::new(), BTreeMap::new());
    for (file, path) in inside {
        let Some(name) = top_module(path) else { continue };
        match layout.modules.iter().find(|module| module.name == name) {
            Some(module) => findings.extend(check_file(layout, module, (file, path), &exports)),
            None => drop(unlisted.entry(name).or_insert(file)),
        }
    }
    // Once per module, not once per file of it.
    findings.extend(unlisted.into_iter().map(|(name, file)| not_in_table(file, name, layout)));
    findings
}

fn check_file(
    layout: &Layout,
    module: &Module,
    (file, path): (&Source, &str),
    exports: &BTreeMap<String, String>,
) -> Vec<Finding> {
    let mut arrows = from_crate(file);
    arrows.extend(from_super(file, module_depth(path)));
    arrows.retain(|arrow| !file.in_test(arrow.at));
    let mut findings = Vec::new();
    for arrow in arrows {
        let known = layout.modules.iter().any(|module| module.name == arrow.to);
        let owner = exports.get(arrow.to).map(String::as_str);
        let to = if known { Some(arrow.to) } else { owner };
        let line = file.line(arrow.at);
        match to {
            Some(to) if to == module.name || module.may.contains(&to) => {}
            Some(to) => findings.push(forbidden(file, line, module.name, to)),
            None => findings.push(lost(file, line, arrow.to)),
        }
    }
    findings.extend(module.never.iter().flat_map(|name| outside(file, module.name, name)));
    findings
}

fn not_in_table(file: &Source, name: &str, layout: &Layout) -> Finding {
    Finding::new(&file.path, 1, format!("module `{name}` is not in the table")).because(
        WHY,
        format!("say in xtask/src/tidy/table.rs, under {}, what `{name}` may name", layout.folder),
    )
}

fn forbidden(file: &Source, line: usize, from: &str, to: &str) -> Finding {
    Finding::new(&file.path, line, format!("`{from}` names `{to}`")).because(
        WHY,
        "move what both need below them, or take it as an argument; \
         if the arrow is right, add it in xtask/src/tidy/table.rs and say why",
    )
}

fn lost(file: &Source, line: usize, name: &str) -> Finding {
    Finding::new(&file.path, line, format!("`{name}` is taken from the package's root")).because(
        "the root stands above every module and hides who owns the name",
        "write the path of the module that defines it",
    )
}

fn outside(file: &Source, module: &str, package: &str) -> Vec<Finding> {
    let named = file.words(package).filter(|at| {
        let path = file.code[at + package.len()..].trim_start().starts_with("::");
        let imported = file.code[..*at].trim_end().ends_with("use");
        (path || imported) && !file.in_test(*at)
    });
    named
        .map(|at| {
            let what = format!("`{module}` names `{package}`");
            Finding::new(&file.path, file.line(at), what).because(
                "a protocol core does no I/O, so that any runtime, test or fuzzer can drive it",
                "pass bytes and time in, and let the module above do the rest",
            )
        })
        .collect()
}

fn relative<'a>(file: &'a Source, folder: &str) -> Option<&'a str> {
    file.path.strip_prefix(folder)?.strip_prefix('/')
}

/// `engine/session.rs` belongs to `engine`; the root files and other programs belong to nobody.
fn top_module(path: &str) -> Option<&str> {
    let first = path.split('/').next()?;
    if first == "bin" {
        return None;
    }
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (!matches!(path, "lib.rs" | "main.rs")).then_some(name)
}

/// How many modules deep a file stands: `a.rs` and `a/mod.rs` 1, `a/b.rs` 2.
fn module_depth(path: &str) -> usize {
    let parts = path.split('/').count();
    if path.ends_with("/mod.rs") { parts - 1 } else { parts }
}

/// What follows each `crate::`; a group counts once per member.
fn from_crate(file: &Source) -> Vec<Arrow<'_>> {
    let paths = file.words("crate").filter_map(|at| after_colons(file, at + "crate".len()));
    paths.flat_map(|at| heads(file, at)).collect()
}

/// What follows each chain of `super::` that is long enough to reach the root.
fn from_super(file: &Source, depth: usize) -> Vec<Arrow<'_>> {
    let mut arrows = Vec::new();
    let mut chain_ends_at = 0;
    for at in file.words("super") {
        if at < chain_ends_at {
            continue;
        }
        let (mut climbed, mut next) = (0, at);
        while file.word_at(next) == "super" {
            let word = next + file.code[next..].find("super").unwrap_or(0);
            let Some(after) = after_colons(file, word + "super".len()) else { break };
            climbed += 1;
            next = after;
        }
        chain_ends_at = next;
        if climbed > 0 && climbed == depth + inline_depth(file, at) {
            arrows.extend(heads(file, next));
        }
    }
    arrows
}

/// How many inline `mod x { .. }` enclose a byte.
fn inline_depth(file: &Source, at: usize) -> usize {
    let modules = file.words("mod").take_while(|start| *start < at);
    modules.filter_map(|start| file.body(start)).filter(|body| body.contains(&at)).count()
}

fn after_colons(file: &Source, at: usize) -> Option<usize> {
    let rest = &file.code[at..];
    let blanks = rest.len() - rest.trim_start().len();
    rest.trim_start().starts_with("::").then_some(at + blanks + 2)
}

/// The first names of a path or of a group of paths: of `{a::B, c}`, `a` and `c`.
fn heads(file: &Source, at: usize) -> Vec<Arrow<'_>> {
    let rest = &file.code[at..];
    let open = at + rest.len() - rest.trim_start().len();
    if !file.code[open..].starts_with('{') {
        return vec![head(file, open)];
    }
    let (mut depth, mut found, mut expected) = (0_usize, Vec::new(), true);
    for (offset, byte) in file.code[open..file.closing_brace(open)].bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 1 => expected = true,
            byte if byte.is_ascii_whitespace() => {}
            _ if expected => {
                found.push(head(file, open + offset));
                expected = false;
            }
            _ => {}
        }
    }
    found
}

fn head(file: &Source, at: usize) -> Arrow<'_> {
    let word = file.word_at(at);
    Arrow { to: if word.is_empty() { "*" } else { word }, at }
}

/// What the root file re-exports: public name to owning module.
fn exports(root: &Source) -> BTreeMap<String, String> {
    let mut owners = BTreeMap::new();
    for at in root.words("use").filter(|at| root.code[..*at].trim_end().ends_with("pub")) {
        let rest = &root.code[at + "use".len()..];
        let tree = rest.split(';').next().unwrap_or_default();
        let tree = tree.trim().trim_start_matches("crate::").trim_start_matches("self::");
        let Some((owner, names)) = tree.split_once("::") else { continue };
        for name in names.split([',', '{', '}']) {
            // `a::B as C` is known outside as `C`.
            let name = name.rsplit("::").next().unwrap_or_default();
            let name = name.split_whitespace().last().unwrap_or_default();
            owners.insert(name.to_owned(), owner.trim().to_owned());
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULES: &[Module] = &[
        Module { name: "upper", may: &["lower"], never: &[] },
        Module { name: "lower", may: &[], never: &["tokio"] },
    ];
    const LAYOUT: Layout = Layout { folder: "crates/x/src", modules: MODULES };

    /// The findings for one file of module `lower`, beside a root that exports both.
    fn found(path: &str, text: &str) -> Vec<String> {
        let root = "pub use lower::{Low, deep::{Deep as Deeper}};\npub use crate::upper::Up;";
        let files = [
            Source::new("crates/x/src/lib.rs", root),
            Source::new(&format!("crates/x/src/{path}"), text),
        ];
        check(&LAYOUT, &files).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn an_arrow_that_points_up_is_found() {
        let up = ["`lower` names `upper`"];
        assert_eq!(found("lower.rs", "use crate::upper::Up;"), up);
        assert_eq!(found("lower.rs", "use crate::{lower::A, upper::{B, C}};"), up);
        assert_eq!(found("lower/deep.rs", "fn f() { super::super::upper::go() }"), up);
        assert_eq!(found("lower/mod.rs", "use super::upper;"), up);
        assert_eq!(found("lower.rs", "mod inner { use super::super::upper::Up; }"), up);
        assert_eq!(found("lower.rs", "use crate::Up;"), up);
    }

    #[test]
    fn arrows_that_point_down_or_stay_inside_pass() {
        assert!(
            found("upper.rs", "use crate::lower::{A, B}; use crate::{Low, Deeper};").is_empty()
        );
        assert!(found("lower/deep.rs", "use super::Low; use crate::lower::A;").is_empty());
        assert!(found("lower.rs", "mod inner { use super::A; }").is_empty());
        assert!(found("lower.rs", "// crate::upper\nconst S: &str = \"crate::upper\";").is_empty());
        assert!(found("lower.rs", "pub(crate) fn f() {}\npub(super) fn g() {}").is_empty());
    }

    #[test]
    fn tests_may_reach_anywhere() {
        let text = "#[cfg(test)]\nmod tests { use crate::upper::Up; use tokio::test; }";
        assert!(found("lower.rs", text).is_empty());
    }

    #[test]
    fn names_of_nobody_and_modules_outside_the_table_are_found() {
        let lost = ["`Other` is taken from the package's root"];
        assert_eq!(found("lower.rs", "use crate::Other;"), lost);
        assert_eq!(found("lower.rs", "use crate::*;"), ["`*` is taken from the package's root"]);
        assert_eq!(found("third.rs", ""), ["module `third` is not in the table"]);
    }

    #[test]
    fn a_core_names_no_runtime() {
        let named = ["`lower` names `tokio`"];
        assert_eq!(found("lower/a.rs", "use tokio::net::TcpStream;"), named);
        assert_eq!(found("lower.rs", "fn f() { tokio::spawn(x) }"), named);
        assert!(found("lower.rs", "/// As `tokio::spawn` does.\nfn f() {}").is_empty());
        assert!(found("upper.rs", "use tokio::net::TcpStream;").is_empty());
    }
}
