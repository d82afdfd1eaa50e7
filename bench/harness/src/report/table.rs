//! Markdown tables: words to the left, numbers to the right.

use std::fmt;

/// A table that grows by rows.
pub(super) struct Table(Vec<Vec<String>>);

impl Table {
    /// A table with its heads.
    pub(super) fn new(first: &str, heads: impl IntoIterator<Item: Into<String>>) -> Self {
        let heads = heads.into_iter().map(Into::into);
        Self(vec![std::iter::once(first.to_owned()).chain(heads).collect()])
    }

    /// One more row.
    pub(super) fn row(&mut self, first: &str, cells: impl IntoIterator<Item = String>) {
        self.0.push(std::iter::once(first.to_owned()).chain(cells).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, row) in self.0.iter().enumerate() {
            writeln!(f, "| {} |", row.join(" | "))?;
            if index == 0 {
                writeln!(f, "| --- |{}", " --: |".repeat(row.len().saturating_sub(1)))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_markdown() {
        let mut table = Table::new("a", ["b", "c"]);
        table.row("x", ["1".to_owned(), "2".to_owned()]);
        let expected = "| a | b | c |\n| --- | --: | --: |\n| x | 1 | 2 |\n";
        assert_eq!(table.to_string(), expected);
    }
}
