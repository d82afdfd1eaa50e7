//! Files, functions and lines that have grown beyond one look.

use super::table::{COLUMNS, FILE_LINES, FUNCTION_LINES, GENERATED};
use super::{Finding, TextFile, has_extension};
use crate::source::Source;

const WHY: &str = "what does not fit one look is not read";

/// Checks a Rust file: its length, its functions' lengths (tests aside), its lines' widths.
#[must_use]
pub fn check(file: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = if file.is_test_file() { file.text.lines().count() } else { file.product_lines() };
    findings.extend(too_long(&file.path, lines));
    for function in file.functions() {
        if function.lines > FUNCTION_LINES && !file.in_test(function.at) {
            let (name, lines) = (function.name, function.lines);
            let what = format!("function `{name}` has {lines} lines, over {FUNCTION_LINES}");
            let line = file.line(function.at);
            let mend = "give its steps names of their own";
            findings.push(Finding::new(&file.path, line, what).because(WHY, mend));
        }
    }
    findings.extend(file.text.lines().enumerate().filter_map(|(index, line)| {
        let width = line.chars().count();
        // An address cannot be broken, and stands in comments only.
        let address = line.trim_start().starts_with("//") && line.contains("://");
        (width > COLUMNS && !address).then(|| {
            Finding::new(&file.path, index + 1, format!("{width} columns, over {COLUMNS}"))
                .because("two files must fit side by side", "break the line")
        })
    }));
    findings
}

/// Checks the length of a script, style sheet or page that was written by hand.
#[must_use]
pub fn check_script(file: &TextFile) -> Option<Finding> {
    let by_hand = !GENERATED.iter().any(|prefix| file.path.starts_with(prefix));
    let kinds = ["js", "mjs", "ts", "css", "html"];
    if !by_hand || !has_extension(&file.path, &kinds) {
        return None;
    }
    too_long(&file.path, file.text.lines().count())
}

fn too_long(path: &str, lines: usize) -> Option<Finding> {
    (lines > FILE_LINES).then(|| {
        Finding::new(path, 1, format!("{lines} lines, over {FILE_LINES}"))
            .because(WHY, "look for a noun inside that wants a file of its own")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Source::new(path, text)).into_iter().map(|finding| finding.what).collect()
    }

    fn function(body: usize) -> String {
        format!("fn long() {{\n{}}}\n", "    go();\n".repeat(body))
    }

    #[test]
    fn a_function_one_line_over_is_found() {
        assert!(found("a.rs", &function(FUNCTION_LINES - 2)).is_empty());
        let over = found("a.rs", &function(FUNCTION_LINES - 1));
        assert_eq!(over, ["function `long` has 71 lines, over 70"]);
        assert!(found("crates/x/tests/a.rs", &function(FUNCTION_LINES)).is_empty());
    }

    #[test]
    fn a_file_one_line_over_is_found_and_test_modules_do_not_count() {
        let text = "// x\n".repeat(FILE_LINES);
        assert!(found("a.rs", &text).is_empty());
        assert_eq!(found("a.rs", &format!("{text}// x\n")), ["701 lines, over 700"]);
        let tests = format!("{text}#[cfg(test)]\nmod tests {{\n{text}}}\n");
        assert!(found("a.rs", &tests).is_empty());
    }

    #[test]
    fn a_script_one_line_over_is_found() {
        let script =
            |path: &str| TextFile { path: path.to_owned(), text: "x;\n".repeat(FILE_LINES + 1) };
        assert!(check_script(&script("web/client/src/a.js")).is_some());
        assert!(check_script(&script("crates/rialto/client/a.js")).is_none());
        assert!(check_script(&script("docs/a.md")).is_none());
    }

    #[test]
    fn a_line_one_column_over_is_found() {
        let line = |columns: usize| format!("// {}", "é".repeat(columns - 3));
        assert!(found("a.rs", &line(COLUMNS)).is_empty());
        assert_eq!(found("a.rs", &line(COLUMNS + 1)), ["101 columns, over 100"]);
        assert!(found("a.rs", &format!("// https://x/{}", "y".repeat(100))).is_empty());
    }
}
