//! Which package may depend on which, by the table and the manifests.

use super::table::Package;
use super::{Finding, TextFile};

const WHY: &str = "packages point down only, so that each can be used without those above it";

/// Checks every package manifest among `files`.
#[must_use]
pub fn check(table: &[Package], files: &[TextFile]) -> Vec<Finding> {
    let is_manifest = |path: &str| path == "Cargo.toml" || path.ends_with("/Cargo.toml");
    files.iter().filter(|file| is_manifest(&file.path)).flat_map(|file| one(table, file)).collect()
}

fn one(table: &[Package], file: &TextFile) -> Vec<Finding> {
    // The root manifest names no package, and `bench` and `fuzz` are workspaces of their own.
    let Some(name) = package_name(&file.text) else { return Vec::new() };
    if file.text.lines().any(|line| line.trim() == "[workspace]") {
        return Vec::new();
    }
    let Some(package) = table.iter().find(|package| package.name == name) else {
        let what = format!("package `{name}` is not in the table");
        let mend = "say in xtask/src/tidy/table.rs what it may depend on";
        return vec![Finding::new(&file.path, 1, what).because(WHY, mend)];
    };
    let ours = |name: &str| table.iter().any(|package| package.name == name);
    dependencies(&file.text)
        .filter(|(_, dependency)| ours(dependency) && !package.may.contains(dependency))
        .map(|(line, dependency)| {
            let what = format!("`{name}` depends on `{dependency}`");
            let mend = "turn the arrow round, or move what is needed below both";
            Finding::new(&file.path, line, what).because(WHY, mend)
        })
        .collect()
}

fn package_name(manifest: &str) -> Option<&str> {
    let (_, rest) = manifest.split_once("[package]")?;
    let line = rest.lines().find(|line| line.trim_start().starts_with("name"))?;
    line.split('"').nth(1)
}

/// Line and name of each dependency, of every kind, in both ways of writing them.
fn dependencies(manifest: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    manifest.lines().enumerate().filter_map(move |(index, line)| {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            inside = header.ends_with("dependencies");
            let (table, name) = header.rsplit_once('.')?;
            return table.ends_with("dependencies").then_some((index + 1, name));
        }
        let end = line.find(['.', '=', ' '])?;
        inside.then_some((index + 1, &line[..end]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Package] =
        &[Package { name: "up", may: &["down"] }, Package { name: "down", may: &[] }];

    fn found(manifest: &str) -> Vec<(usize, String)> {
        let file = TextFile { path: "crates/x/Cargo.toml".to_owned(), text: manifest.to_owned() };
        check(TABLE, &[file]).into_iter().map(|finding| (finding.line, finding.what)).collect()
    }

    #[test]
    fn a_dependency_that_points_up_is_found() {
        let expected = |line| vec![(line, "`down` depends on `up`".to_owned())];
        let head = "[package]\nname = \"down\"\n";
        assert_eq!(found(&format!("{head}[dependencies]\nup.workspace = true\n")), expected(4));
        assert_eq!(found(&format!("{head}[dependencies.up]\npath = \"x\"\n")), expected(3));
        assert_eq!(found(&format!("{head}[dev-dependencies]\nup = {{}}\n")), expected(4));
        assert_eq!(
            found(&format!("{head}[target.'cfg(unix)'.dependencies]\nup = \"1\"\n")),
            expected(4)
        );
    }

    #[test]
    fn a_dependency_that_points_down_or_out_passes() {
        let manifest =
            "[package]\nname = \"up\"\n[dependencies]\ndown.workspace = true\nserde=\"1\"";
        assert!(found(manifest).is_empty());
        assert!(
            found("[workspace]\nmembers = []\n[workspace.dependencies]\nup = \"1\"").is_empty()
        );
    }

    #[test]
    fn a_package_outside_the_table_is_found() {
        let manifest = "[package]\nname = \"new\"\n";
        assert_eq!(found(manifest), [(1, "package `new` is not in the table".to_owned())]);
    }
}
