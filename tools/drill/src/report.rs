//! What the record says of the answers themselves: how many, how fast, how many were none.

use std::{collections::BTreeMap, fmt::Write};

use serde::Serialize;
use serde_json::{Value, json};

use crate::record::{Answer, Line, answers};

/// Counts over some answers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// Requests; a second attempt is the same request.
    pub requests: usize,
    /// Those that somebody who tries once more would call failed.
    pub failed: usize,
    /// Those that were tried again.
    pub retried: usize,
    /// Milliseconds, of half, of 99 in 100, and of the slowest.
    pub p50: u64,
    #[serde(skip)]
    sorted: Vec<u64>,
    /// See `p50`.
    pub p99: u64,
    /// See `p50`.
    pub slowest: u64,
}

impl Tally {
    /// Counts.
    pub fn of<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> Self {
        let mut tally = Self::default();
        for answer in answers {
            tally.requests += 1;
            tally.failed += usize::from(answer.failed());
            tally.retried += usize::from(answer.attempts > 1);
            tally.sorted.push(answer.ms);
        }
        tally.sorted.sort_unstable();
        tally.p50 = tally.rank(50);
        tally.p99 = tally.rank(99);
        tally.slowest = tally.rank(100);
        tally
    }

    fn rank(&self, percent: usize) -> u64 {
        let place = (self.sorted.len() * percent).div_ceil(100).saturating_sub(1);
        self.sorted.get(place).copied().unwrap_or_default()
    }

    fn row(&self, name: &str) -> String {
        format!(
            "{name:<40} {:>9} {:>9} {:>7} {:>7} {:>8} {:>8} {:>8}",
            grouped(self.requests),
            grouped(self.requests - self.failed),
            grouped(self.retried),
            grouped(self.failed),
            milliseconds(self.p50),
            milliseconds(self.p99),
            milliseconds(self.slowest),
        )
    }

    /// One line for a step: `requests 2,345 · failed 0 · retried 3 · slowest 2.1 s`.
    pub fn line(&self) -> String {
        format!(
            "requests {} · failed {} · retried {} · slowest {}",
            grouped(self.requests),
            grouped(self.failed),
            grouped(self.retried),
            milliseconds(self.slowest)
        )
    }
}

/// The answers to what was asked within a stretch of time, both ends included: what was done then is to blame for them,
/// however late they came.
pub fn within(lines: &[Line], since: Option<i64>, until: Option<i64>) -> Vec<&Answer> {
    let inside = |asked| since.is_none_or(|since| since <= asked) && until.is_none_or(|until| asked <= until);
    answers(lines).filter(|answer| inside(answer.asked_at())).collect()
}

/// By step, in the order of the record, and by operation.
type Sorted<'a> = (Vec<(&'a str, Vec<&'a Answer>)>, BTreeMap<&'static str, Vec<&'a Answer>>);

fn sorted(lines: &[Line]) -> Sorted<'_> {
    let mut steps: Vec<(&str, Vec<&Answer>)> = vec![("before any step", Vec::new())];
    let mut operations = BTreeMap::<_, Vec<_>>::new();
    for line in lines {
        match line {
            Line::Step { step, .. } => steps.push((step, Vec::new())),
            Line::Answer(answer) => {
                operations.entry(answer.op.name()).or_default().push(&**answer);
                if let Some((_, last)) = steps.last_mut() {
                    last.push(answer);
                }
            }
        }
    }
    steps.retain(|(_, answers)| !answers.is_empty());
    (steps, operations)
}

/// The whole record as one table.
pub fn table(lines: &[Line]) -> String {
    let (steps, operations) = sorted(lines);
    let mut table = format!(
        "{:<40} {:>9} {:>9} {:>7} {:>7} {:>8} {:>8} {:>8}\n",
        "", "requests", "answered", "retried", "failed", "p50", "p99", "slowest"
    );
    let steps = steps.into_iter().map(|(name, answers)| (name, Tally::of(answers)));
    let operations = operations.into_iter().map(|(name, answers)| (name, Tally::of(answers)));
    for (name, tally) in steps.chain(operations) {
        let _ = writeln!(table, "{}", tally.row(name));
    }
    let _ = write!(table, "{}", Tally::of(answers(lines)).row("in all"));
    table
}

/// The same for programs.
pub fn document(lines: &[Line]) -> Value {
    let (steps, operations) = sorted(lines);
    let steps: Vec<_> = steps
        .into_iter()
        .map(|(step, answers)| json!({"step": step, "tally": Tally::of(answers)}))
        .collect();
    let operations: BTreeMap<_, _> = operations
        .into_iter()
        .map(|(name, answers)| (name, Tally::of(answers)))
        .collect();
    json!({"all": Tally::of(answers(lines)), "operations": operations, "steps": steps})
}

/// What failed, each kind once, with an example.
pub fn failures(of: &[&Answer]) -> Vec<String> {
    let mut kinds = BTreeMap::<_, (usize, &Answer)>::new();
    for &answer in of.iter().filter(|answer| answer.failed()) {
        kinds.entry((answer.op, answer.status)).or_insert((0, answer)).0 += 1;
    }
    let told = kinds.into_values().map(|(count, example)| {
        let status = example
            .status
            .map_or("no answer".to_owned(), |status| status.to_string());
        let (name, why) = (example.op.name(), example.fault.as_deref().unwrap_or_default());
        format!(
            "{count} × {name}: {status} {why} {} (at {} by {})",
            example.said, example.at, example.who
        )
    });
    told.collect()
}

/// `12,345`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `210 ms`, `2.1 s`.
pub fn milliseconds(ms: u64) -> String {
    if ms < 1000 {
        format!("{ms} ms")
    } else {
        format!("{}.{} s", ms / 1000, ms % 1000 / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Op;

    fn answer(ms: u64, status: Option<u16>, attempts: u32) -> Answer {
        Answer {
            at: 0,
            who: "buyer-1".to_owned(),
            user: None,
            op: Op::PlaceOrder,
            asked: json!({}),
            key: None,
            status,
            said: json!({}),
            ms,
            attempts,
            fault: None,
        }
    }

    #[test]
    fn a_step_is_told_in_one_line() {
        let answers = [
            answer(3, Some(201), 1),
            answer(2100, Some(409), 2),
            answer(30, Some(503), 2),
            answer(40, None, 2),
        ];
        assert_eq!(
            Tally::of(&answers).line(),
            "requests 4 · failed 2 · retried 3 · slowest 2.1 s"
        );
        assert_eq!(grouped(1_234_567), "1,234,567");
    }

    #[test]
    fn ranks_are_of_answers_that_were_given() {
        let answers: Vec<_> = (1..=200).map(|ms| answer(ms, Some(201), 1)).collect();
        let tally = Tally::of(&answers);
        assert_eq!((tally.p50, tally.p99, tally.slowest), (100, 198, 200));
    }
}
