//! What the suite has found, from the `index.json` of its reports.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

/// How the cases of one role went.
#[derive(Debug)]
pub struct Report {
    role: &'static str,
    cases: Vec<Case>,
    expected: usize,
    took: Duration,
    folder: PathBuf,
}

#[derive(Debug)]
struct Case {
    name: String,
    behavior: String,
    close: String,
}

impl Case {
    /// Behaviour first; where that is in order, how the connection closed.
    fn verdict(&self) -> String {
        match self.behavior.as_str() {
            "OK" if self.close != "OK" => format!("{} CLOSE", self.close),
            behavior => behavior.to_owned(),
        }
    }

    fn is_good(&self) -> bool {
        let good = |word: &str| matches!(word, "OK" | "INFORMATIONAL");
        good(&self.behavior) && good(&self.close)
    }
}

impl Report {
    pub(super) fn read(
        role: &'static str,
        folder: &Path,
        agent: &str,
        expected: usize,
        took: Duration,
    ) -> Result<Self> {
        let index = folder.join("index.json");
        let text = fs::read_to_string(&index)
            .with_context(|| format!("the suite has not written {}", index.display()))?;
        let cases = cases(&serde_json::from_str(&text)?, agent)?;
        Ok(Self { role, cases, expected, took, folder: folder.to_path_buf() })
    }

    /// Cases that did as they should, those without a right and a wrong included.
    #[must_use]
    pub fn good(&self) -> usize {
        self.cases.iter().filter(|case| case.is_good()).count()
    }

    /// Cases that did not, or did not happen.
    #[must_use]
    pub fn broken(&self) -> usize {
        let missing = self.expected.saturating_sub(self.cases.len());
        self.cases.len() - self.good() + missing
    }
}

fn cases(index: &Value, agent: &str) -> Result<Vec<Case>> {
    let found = index.get(agent).and_then(Value::as_object);
    let found = found.with_context(|| format!("the suite knows nothing of {agent}"))?;
    let word = |case: &Value, name| case.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut cases = Vec::new();
    for (name, case) in found {
        let behavior = word(case, "behavior").context("a case without behaviour")?;
        let close = word(case, "behaviorClose").context("a case without a way to close")?;
        cases.push(Case { name: name.clone(), behavior, close });
    }
    cases.sort_by_key(|case| numbers(&case.name));
    Ok(cases)
}

/// `12.1.10` comes behind `12.1.9`.
fn numbers(name: &str) -> Vec<u32> {
    name.split('.').filter_map(|part| part.parse().ok()).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut verdicts: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for case in &self.cases {
            verdicts.entry(case.verdict()).or_default().push(&case.name);
        }
        let counts: Vec<_> =
            verdicts.iter().map(|(verdict, names)| format!("{} {verdict}", names.len())).collect();
        let (role, took) = (self.role, self.took.as_secs_f64());
        writeln!(f, "autobahn: {role}: {} in {took:.1} s", counts.join(", "))?;
        for (verdict, names) in verdicts.iter().filter(|(verdict, _)| *verdict != "OK") {
            writeln!(f, "autobahn: {role}: {verdict}: {}", names.join(" "))?;
        }
        if self.cases.len() < self.expected {
            let missing = self.expected - self.cases.len();
            writeln!(f, "autobahn: {role}: {missing} cases did not happen")?;
        }
        if self.broken() > 0 {
            writeln!(f, "autobahn: {role}: see {}", self.folder.join("index.html").display())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report(behaviors: &[(&str, &str, &str)], expected: usize) -> Report {
        let cases = behaviors.iter().map(|(name, behavior, close)| {
            ((*name).to_owned(), json!({ "behavior": behavior, "behaviorClose": close }))
        });
        let index = json!({ "us": Value::Object(cases.collect()) });
        let cases = super::cases(&index, "us").unwrap();
        let took = Duration::from_secs(2);
        Report { role: "server", cases, expected, took, folder: PathBuf::from("reports") }
    }

    #[test]
    fn informational_is_good_and_all_else_is_not() {
        let all_good = report(&[("1.1.1", "OK", "OK"), ("7.1.6", "INFORMATIONAL", "OK")], 2);
        assert_eq!((all_good.good(), all_good.broken()), (2, 0));
        assert_eq!(
            all_good.to_string(),
            "autobahn: server: 1 INFORMATIONAL, 1 OK in 2.0 s\n\
             autobahn: server: INFORMATIONAL: 7.1.6\n"
        );
        for (behavior, close) in [
            ("FAILED", "OK"),
            ("NON-STRICT", "OK"),
            ("UNIMPLEMENTED", "OK"),
            ("OK", "UNCLEAN"),
            ("OK", "WRONG CODE"),
            ("OK", "FAILED"),
        ] {
            let bad = report(&[("1.1.1", behavior, close)], 1);
            assert_eq!((bad.good(), bad.broken()), (0, 1), "{behavior} {close}");
            assert!(bad.to_string().contains("index.html"));
        }
    }

    #[test]
    fn a_case_that_did_not_happen_is_broken() {
        let short = report(&[("1.1.1", "OK", "OK")], 3);
        assert_eq!(short.broken(), 2);
        assert!(short.to_string().contains("2 cases did not happen"));
        assert!(super::cases(&json!({ "others": {} }), "us").is_err());
    }

    #[test]
    fn cases_are_listed_as_numbers() {
        let info = "INFORMATIONAL";
        let report = report(&[("12.1.10", info, "OK"), ("12.1.9", info, "OK")], 2);
        assert!(report.to_string().contains(": 12.1.9 12.1.10\n"), "{report}");
    }
}
