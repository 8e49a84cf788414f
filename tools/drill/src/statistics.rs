//! Statistics of the recorded responses: numbers, durations, failures.

use std::{collections::BTreeMap, fmt::Write};

use serde::Serialize;
use serde_json::{Value, json};

use crate::recording::{RecordLine, RecordedResponse, responses};

/// Statistics of some responses.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ResponseStats {
    /// Requests; a retry is the same request.
    pub requests: usize,
    /// Requests that failed in spite of their retries.
    pub failed: usize,
    /// Requests that were retried.
    pub retried: usize,
    /// The median of the durations, in milliseconds.
    pub p50: u64,
    #[serde(skip)]
    sorted: Vec<u64>,
    /// The 99th percentile of the durations, in milliseconds.
    pub p99: u64,
    /// The longest duration, in milliseconds.
    pub slowest: u64,
}

impl ResponseStats {
    /// Computes the statistics.
    pub fn of<'a>(responses: impl IntoIterator<Item = &'a RecordedResponse>) -> Self {
        let mut stats = Self::default();
        for response in responses {
            stats.requests += 1;
            stats.failed += usize::from(response.failed());
            stats.retried += usize::from(response.attempts > 1);
            stats.sorted.push(response.duration_ms);
        }
        stats.sorted.sort_unstable();
        stats.p50 = stats.percentile(50);
        stats.p99 = stats.percentile(99);
        stats.slowest = stats.percentile(100);
        stats
    }

    fn percentile(&self, percent: usize) -> u64 {
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

    /// Returns one line: `requests 2,345 · failed 0 · retried 3 · slowest 2.1 s`.
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

/// Returns the responses to the requests that started within a time range, both ends included. The range counts the
/// start because a step causes the failures of requests that start in it.
pub fn within(lines: &[RecordLine], since: Option<i64>, until: Option<i64>) -> Vec<&RecordedResponse> {
    let inside = |time| since.is_none_or(|since| since <= time) && until.is_none_or(|until| time <= until);
    responses(lines)
        .filter(|response| inside(response.requested_at()))
        .collect()
}

/// Responses by step, in the order of the record, and by operation.
type Groups<'a> = (
    Vec<(&'a str, Vec<&'a RecordedResponse>)>,
    BTreeMap<&'static str, Vec<&'a RecordedResponse>>,
);

fn grouped_responses(lines: &[RecordLine]) -> Groups<'_> {
    let mut steps: Vec<(&str, Vec<&RecordedResponse>)> = vec![("before any step", Vec::new())];
    let mut operations = BTreeMap::<_, Vec<_>>::new();
    for line in lines {
        match line {
            RecordLine::Step { step, .. } => steps.push((step, Vec::new())),
            RecordLine::Response(response) => {
                operations
                    .entry(response.operation.name())
                    .or_default()
                    .push(&**response);
                if let Some((_, last)) = steps.last_mut() {
                    last.push(response);
                }
            }
        }
    }
    steps.retain(|(_, responses)| !responses.is_empty());
    (steps, operations)
}

/// Returns a table of the whole record.
pub fn table(lines: &[RecordLine]) -> String {
    let (steps, operations) = grouped_responses(lines);
    let mut table = format!(
        "{:<40} {:>9} {:>9} {:>7} {:>7} {:>8} {:>8} {:>8}\n",
        "", "requests", "answered", "retried", "failed", "p50", "p99", "slowest"
    );
    let steps = steps
        .into_iter()
        .map(|(name, responses)| (name, ResponseStats::of(responses)));
    let operations = operations
        .into_iter()
        .map(|(name, responses)| (name, ResponseStats::of(responses)));
    for (name, stats) in steps.chain(operations) {
        let _ = writeln!(table, "{}", stats.row(name));
    }
    let _ = write!(table, "{}", ResponseStats::of(responses(lines)).row("in all"));
    table
}

/// Returns the statistics of the whole record as JSON.
pub fn document(lines: &[RecordLine]) -> Value {
    let (steps, operations) = grouped_responses(lines);
    let steps: Vec<_> = steps
        .into_iter()
        .map(|(step, responses)| json!({"step": step, "tally": ResponseStats::of(responses)}))
        .collect();
    let operations: BTreeMap<_, _> = operations
        .into_iter()
        .map(|(name, responses)| (name, ResponseStats::of(responses)))
        .collect();
    json!({"all": ResponseStats::of(responses(lines)), "operations": operations, "steps": steps})
}

/// Returns one line for each kind of failure, with an example.
pub fn failures(responses: &[&RecordedResponse]) -> Vec<String> {
    let mut kinds = BTreeMap::<_, (usize, &RecordedResponse)>::new();
    for &response in responses.iter().filter(|response| response.failed()) {
        kinds
            .entry((response.operation, response.status))
            .or_insert((0, response))
            .0 += 1;
    }
    let lines = kinds.into_values().map(|(count, example)| {
        let status = example
            .status
            .map_or("no response".to_owned(), |status| status.to_string());
        let (name, fault) = (example.operation.name(), example.fault.as_deref().unwrap_or_default());
        format!(
            "{count} × {name}: {status} {fault} {} (at {} by {})",
            example.response, example.at, example.account
        )
    });
    lines.collect()
}

/// Formats a number as `12,345`.
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

/// Formats a duration as `210 ms` or `2.1 s`.
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
    use crate::operation::Operation;

    fn response(duration_ms: u64, status: Option<u16>, attempts: u32) -> RecordedResponse {
        RecordedResponse {
            at: 0,
            account: "buyer-1".to_owned(),
            user_id: None,
            operation: Operation::PlaceOrder,
            request: json!({}),
            key: None,
            status,
            response: json!({}),
            duration_ms,
            attempts,
            fault: None,
        }
    }

    #[test]
    fn a_step_is_one_line() {
        let responses = [
            response(3, Some(201), 1),
            response(2100, Some(409), 2),
            response(30, Some(503), 2),
            response(40, None, 2),
        ];
        assert_eq!(
            ResponseStats::of(&responses).line(),
            "requests 4 · failed 2 · retried 3 · slowest 2.1 s"
        );
        assert_eq!(grouped(1_234_567), "1,234,567");
    }

    #[test]
    fn percentiles_are_durations_of_responses() {
        let responses: Vec<_> = (1..=200).map(|ms| response(ms, Some(201), 1)).collect();
        let stats = ResponseStats::of(&responses);
        assert_eq!((stats.p50, stats.p99, stats.slowest), (100, 198, 200));
    }
}
