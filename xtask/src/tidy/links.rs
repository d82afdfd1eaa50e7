//! Relative links in Markdown: the file must exist, and so must the heading.

use std::collections::BTreeSet;

use super::{Finding, TextFile, has_extension};

/// Checks every Markdown file; `paths` are all files of the project, binary ones too.
#[must_use]
pub fn check(paths: &[String], files: &[TextFile]) -> Vec<Finding> {
    let places = places(paths);
    let pages = files.iter().filter(|file| has_extension(&file.path, &["md"]));
    pages.flat_map(|page| check_page(page, &places, files)).collect()
}

/// Every file and every folder.
fn places(paths: &[String]) -> BTreeSet<&str> {
    let mut places: BTreeSet<&str> = paths.iter().map(String::as_str).collect();
    for path in paths {
        places.extend(path.match_indices('/').map(|(at, _)| &path[..at]));
    }
    places
}

fn check_page(page: &TextFile, places: &BTreeSet<&str>, files: &[TextFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, target) in links(&page.text) {
        let (path, heading) = target.split_once('#').unwrap_or((target, ""));
        let Some(path) = resolve(&page.path, path) else { continue };
        let place = |what: String| Finding::new(&page.path, line, what);
        if !path.is_empty() && !places.contains(path.as_str()) {
            findings.push(place(format!("link to `{target}` leads nowhere")).because(
                "a reader who follows it is lost",
                "name an existing file, relative to this one",
            ));
            continue;
        }
        let other = files.iter().find(|file| file.path == path);
        if !heading.is_empty() && other.is_some_and(|file| !has_heading(file, heading)) {
            findings.push(place(format!("link to `{target}` names no heading")).because(
                "a reader who follows it lands at the top of the page",
                "use the heading's words in lower case, joined by hyphens",
            ));
        }
    }
    findings
}

/// The project's path that a link means; nothing where it leaves the project.
fn resolve(page: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    if target.is_empty() {
        return Some(page.to_owned());
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                // Above the project there is nothing to link to: such a path is never found.
                if parts.pop().is_none() {
                    return Some(target.to_owned());
                }
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// Line and target of each link outside code: `[words](target)` and `[name]: target`.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (line, text) in prose(text) {
        // Between a pair of backticks is code: every second part.
        let words = text.split('`').step_by(2);
        found.extend(words.flat_map(inline_links).map(|target| (line, target)));
        let definition = text.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        let target = definition.and_then(|(_, target)| target.split_whitespace().next());
        found.extend(target.map(|target| (line, target)));
    }
    found
}

fn inline_links(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("](").filter_map(|(at, _)| {
        let rest = &text[at + 2..];
        let target = &rest[..rest.find(')')?];
        target.split_whitespace().next()
    })
}

/// Numbered lines outside fenced code.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            return None;
        }
        (!fenced).then_some((index + 1, line))
    })
}

fn has_heading(page: &TextFile, wanted: &str) -> bool {
    let headings = prose(&page.text).filter(|(_, line)| line.starts_with('#'));
    let mut slugs = headings.map(|(_, line)| slug(line.trim_start_matches('#').trim()));
    slugs.any(|slug| slug == wanted)
}

/// The anchor that forges make of a heading.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let page = TextFile { path: "docs/a.md".to_owned(), text: text.to_owned() };
        let other = TextFile { path: "README.md".to_owned(), text: "# One, two!\n".to_owned() };
        let paths = ["README.md", "docs/a.md", "docs/x.png"].map(str::to_owned);
        check(&paths, &[page, other]).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        for target in ["b.md", "../docs/b.md", "../../README.md", "/etc/passwd"] {
            let expected = [format!("link to `{target}` leads nowhere")];
            assert_eq!(found(&format!("see [it]({target}).")), expected);
            assert_eq!(found(&format!("[it]: {target}")), expected);
        }
    }

    #[test]
    fn a_heading_that_is_not_there_is_found() {
        let expected = ["link to `../README.md#three` names no heading"];
        assert_eq!(found("[it](../README.md#three)"), expected);
        assert_eq!(found("[it](#here)"), ["link to `#here` names no heading"]);
    }

    #[test]
    fn links_that_hold_and_links_that_leave_pass() {
        let text = "# Here\n[a](../README.md) [b](x.png \"title\") [c](#here)\n\
                    [d](../README.md#one-two) [e](https://example.org/x)\n\
                    [f](mailto:a@example.org) [g](../docs)\n";
        assert!(found(text).is_empty());
    }

    #[test]
    fn code_is_not_read_for_links() {
        assert!(found("`[a](b.md)`\n```\n[a](b.md)\n```\n").is_empty());
    }
}
