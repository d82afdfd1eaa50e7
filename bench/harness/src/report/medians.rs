//! The median of a server's rounds under one load.

use crate::load::Outcome;
use crate::run::Row;
use std::collections::HashMap;

/// Rounds that differ by more than this share of their median are marked.
const UNSTEADY: f64 = 0.2;

/// The medians of all that ran.
pub(super) struct Medians(HashMap<(String, &'static str), Median>);

/// One server under one load.
pub(super) struct Median {
    /// CPU ns per message, or bytes per connection after traffic.
    pub(super) value: f64,
    /// Messages that never came back, in the worst round.
    pub(super) lost: u64,
    /// Share of a core that a server had while its clients rested.
    pub(super) busy: Option<f64>,
    /// Bytes of a message that came back.
    pub(super) bytes: Option<f64>,
    /// Bytes per connection: open, after a small echo, after a large one.
    pub(super) idle: Option<[f64; 3]>,
    unsteady: bool,
}

impl Medians {
    pub(super) fn new(rows: &[Row]) -> Self {
        let mut outcomes: HashMap<_, Vec<&Outcome>> = HashMap::new();
        for row in rows {
            if let Ok(outcome) = &row.outcome {
                outcomes.entry((row.server.clone(), row.scenario)).or_default().push(outcome);
            }
        }
        Self(outcomes.into_iter().map(|(key, rounds)| (key, Median::new(&rounds))).collect())
    }

    /// That server under that load, if it ran and did not fail every time.
    pub(super) fn of(&self, server: &str, scenario: &'static str) -> Option<&Median> {
        self.0.get(&(server.to_owned(), scenario))
    }

    /// What one server needs as a multiple of what another needs.
    pub(super) fn ratio(&self, one: &str, other: &str, scenario: &'static str) -> Option<f64> {
        let (one, other) = (self.of(one, scenario)?, self.of(other, scenario)?);
        // Memory that the allocator gave back can make a server's growth zero or less.
        (other.value > 0.0).then(|| one.value / other.value)
    }
}

impl Median {
    fn new(rounds: &[&Outcome]) -> Self {
        let pick = |value: &dyn Fn(&Outcome) -> Option<f64>| {
            let values: Vec<f64> = rounds.iter().filter_map(|outcome| value(outcome)).collect();
            median(values)
        };
        let value = |outcome: &Outcome| match outcome {
            Outcome::Cost(cost) => Some(cost.nanos),
            Outcome::Idle(idle) => Some(idle.large),
        };
        let cost = |outcome: &Outcome| match outcome {
            Outcome::Cost(cost) => Some(cost.bytes),
            Outcome::Idle(_) => None,
        };
        let busy = |outcome: &Outcome| match outcome {
            Outcome::Idle(idle) => idle.busy,
            Outcome::Cost(_) => None,
        };
        let lost = rounds.iter().map(|outcome| match outcome {
            Outcome::Cost(cost) => cost.lost,
            Outcome::Idle(_) => 0,
        });
        let idle = |at: usize| {
            pick(&|outcome| match outcome {
                Outcome::Idle(idle) => [idle.open, idle.small, idle.large].get(at).copied(),
                Outcome::Cost(_) => None,
            })
        };
        let idle =
            idle(0).zip(idle(1)).zip(idle(2)).map(|((open, small), large)| [open, small, large]);
        let values: Vec<f64> = rounds.iter().filter_map(|outcome| value(outcome)).collect();
        let most = values.iter().copied().fold(f64::MIN, f64::max);
        let least = values.iter().copied().fold(f64::MAX, f64::min);
        let value = median(values).unwrap_or(0.0);
        let unsteady = most - least > UNSTEADY * value.abs();
        let lost = lost.max().unwrap_or(0);
        Self { value, lost, busy: pick(&busy), bytes: pick(&cost), idle, unsteady }
    }

    /// As it stands in a table of microseconds, or of KiB for memory.
    pub(super) fn large_cell(&self) -> String {
        let number = self.large();
        let number = if self.unsteady { format!("{number}~") } else { number };
        if self.lost > 0 { format!("{number}, **{} lost**", self.lost) } else { number }
    }

    /// Microseconds, or KiB, in three digits or so.
    pub(super) fn large(&self) -> String {
        let value = self.value / if self.idle.is_some() { 1024.0 } else { 1000.0 };
        match value.abs() {
            0.0..10.0 => format!("{value:.2}"),
            10.0..100.0 => format!("{value:.1}"),
            _ => format!("{value:.0}"),
        }
    }

    /// As it stands in the table.
    pub(super) fn cell(&self) -> String {
        let value = self.value;
        let number = match value.abs() {
            0.0..1e4 => format!("{value:.0}"),
            1e4..1e6 => format!("{:.1}k", value / 1e3),
            _ => format!("{:.2}M", value / 1e6),
        };
        if self.unsteady { format!("{number}~") } else { number }
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Cost;

    fn row(round: usize, server: &str, nanos: f64) -> Row {
        let cost = Cost {
            messages: 1,
            lost: 0,
            seconds: 1.0,
            nanos,
            kernel: 0.5,
            bytes: 4.0,
            server_busy: 1.0,
            clients_busy: 1.0,
        };
        let outcome = Ok(Outcome::Cost(cost));
        Row { round, scenario: "x", server: server.into(), outcome }
    }

    #[test]
    fn one_bad_round_moves_no_median_and_is_marked() {
        let mut rows: Vec<Row> = (0..3).map(|round| row(round, "a", 100.0)).collect();
        rows.extend([row(0, "b", 200.0), row(1, "b", 9000.0), row(2, "b", 210.0)]);
        rows.push(Row {
            round: 3,
            scenario: "x",
            server: "a".into(),
            outcome: Err(anyhow::anyhow!("no")),
        });
        let medians = Medians::new(&rows);
        assert_eq!(medians.of("a", "x").unwrap().cell(), "100");
        assert_eq!(medians.of("b", "x").unwrap().cell(), "210~");
        assert!((medians.ratio("b", "a", "x").unwrap() - 2.1).abs() < 1e-9);
        assert!(medians.of("a", "y").is_none());
    }

    #[test]
    fn losses_stand_beside_the_time() {
        let mut rows = [row(0, "a", 1_234.0), row(1, "a", 1_236.0), row(0, "b", 45_600.0)];
        let Ok(Outcome::Cost(cost)) = &mut rows[1].outcome else { panic!("it worked") };
        cost.lost = 7094;
        let medians = Medians::new(&rows);
        assert_eq!(medians.of("a", "x").unwrap().large_cell(), "1.24, **7094 lost**");
        assert_eq!(medians.of("b", "x").unwrap().large_cell(), "45.6");
    }

    #[test]
    fn an_even_number_of_rounds_has_a_middle() {
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }
}
