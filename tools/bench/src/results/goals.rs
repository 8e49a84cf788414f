//! What the marketplace is to reach, as ratios to what the same run measured beside it, or as bounds.

use super::Results;
use crate::statistics::Spread;

/// A goal.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    /// What is measured.
    pub title: &'static str,
    /// The figure.
    pub figure: &'static str,
    /// What it is to reach.
    pub target: Target,
}

/// What a figure is to reach.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// At least so many times another figure.
    Times {
        /// How many times.
        at_least: f64,
        /// What the other figure is.
        of: &'static str,
        /// The other figure.
        figure: &'static str,
    },
    /// At most so many times another figure.
    TimesAtMost {
        /// The maximum ratio.
        at_most: f64,
        /// The name of the other figure.
        of: &'static str,
        /// The other figure.
        figure: &'static str,
    },
    /// At least this value.
    AtLeast(f64),
    /// At most this value.
    AtMost(f64),
    /// Only shown beside another figure.
    Beside {
        /// What the other figure is.
        of: &'static str,
        /// The other figure.
        figure: &'static str,
    },
}

/// A goal with what was measured.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Judgement {
    /// The figure.
    pub measured: Spread,
    /// The other figure.
    pub other: Option<Spread>,
    /// The ratio of both in each repetition.
    pub ratio: Option<Spread>,
    /// Whether the median reaches the goal; `None` where there is no goal.
    pub is_met: Option<bool>,
}

const fn times(
    title: &'static str,
    figure: &'static str,
    at_least: f64,
    of: &'static str,
    other: &'static str,
) -> Goal {
    let target = Target::Times {
        at_least,
        of,
        figure: other,
    };
    Goal { title, figure, target }
}

const fn times_at_most(
    title: &'static str,
    figure: &'static str,
    at_most: f64,
    of: &'static str,
    other: &'static str,
) -> Goal {
    let target = Target::TimesAtMost {
        at_most,
        of,
        figure: other,
    };
    Goal { title, figure, target }
}

const fn at_most(title: &'static str, figure: &'static str, bound: f64) -> Goal {
    let target = Target::AtMost(bound);
    Goal { title, figure, target }
}

const fn at_least(title: &'static str, figure: &'static str, bound: f64) -> Goal {
    let target = Target::AtLeast(bound);
    Goal { title, figure, target }
}

const fn beside(title: &'static str, figure: &'static str, of: &'static str, other: &'static str) -> Goal {
    let target = Target::Beside { of, figure: other };
    Goal { title, figure, target }
}

const NODE: &str = "Node.js";
const BARE: &str = "bare Poem, same bytes";
const BARE_HELLO: &str = "bare Poem, a small object";

/// The goals, in the order of the page.
pub const GOALS: [Goal; 46] = [
    times(
        "GET page of 20 tickets, 32 clients, per s",
        "page.32.rate",
        10.0,
        NODE,
        "node.page.32.rate",
    ),
    times(
        "GET page of 20 tickets, 32 clients, per s",
        "page.32.rate",
        0.5,
        BARE,
        "bare.page.32.rate",
    ),
    times(
        "GET one ticket, 32 clients, per s",
        "ticket.32.rate",
        6.0,
        NODE,
        "node.ticket.32.rate",
    ),
    times(
        "GET one ticket, 32 clients, per s",
        "ticket.32.rate",
        0.6,
        BARE,
        "bare.ticket.32.rate",
    ),
    at_least(
        "GET the start page for people, 32 clients, per s",
        "home.32.rate",
        5000.0,
    ),
    at_most(
        "Search of 1,000,000 tickets by filters, sort and words, 8 clients, no search repeated, p99 in ms",
        "search.unrepeated.8.p99",
        20.0,
    ),
    times(
        "POST order, 1 client, per s",
        "order.1.rate",
        1.5,
        NODE,
        "node.order.1.rate",
    ),
    times(
        "POST order, 32 clients, per s",
        "order.32.rate",
        10.0,
        NODE,
        "node.order.32.rate",
    ),
    at_most("POST order, 32 clients, p99 in ms", "order.32.p99", 15.0),
    // 8,000 a second where bare Poem does 90,000.
    times(
        "POST order, 32 clients, per s",
        "order.32.rate",
        0.088,
        BARE_HELLO,
        "bare.hello.32.rate",
    ),
    times(
        "POST order, 128 clients, per s",
        "order.128.rate",
        10.0,
        NODE,
        "node.order.128.rate",
    ),
    // 15,000 a second where bare Poem does 90,000.
    times(
        "POST order, 128 clients, per s",
        "order.128.rate",
        0.166,
        BARE_HELLO,
        "bare.hello.32.rate",
    ),
    beside(
        "POST order, 128 clients, per s",
        "order.128.rate",
        "SQLite alone, 64 per commit",
        "sqlite.order.64.rate",
    ),
    at_most(
        "Events applied everywhere after the last order of 32 clients, in s",
        "order.32.applied",
        2.0,
    ),
    beside(
        "… of 128 clients, in s",
        "order.128.applied",
        "Node.js, published only",
        "node.order.128.applied",
    ),
    times(
        "POST ticket, 32 clients, per s",
        "listing.32.rate",
        10.0,
        NODE,
        "node.listing.32.rate",
    ),
    at_most(
        "400 buyers at once for 100 tickets, the last response in ms",
        "at-once.max",
        50.0,
    ),
    at_most(
        "On-sale of 10,000 tickets to 100,000 buyers, sold out after s",
        "on-sale.sold-out",
        10.0,
    ),
    at_most("On-sale, p99 of the admitted in ms", "on-sale.p99", 250.0),
    beside(
        "GET page of 20 tickets beside 32 buyers, p99 in ms",
        "mixed.page.32.p99",
        "without them",
        "page.32.p99",
    ),
    at_least(
        "Events from an outbox to rows of another service, per s",
        "events.rate",
        12_000.0,
    ),
    times(
        "Events from an outbox to rows of another service, per s",
        "events.rate",
        0.5,
        "the broker alone",
        "broker.rate",
    ),
    at_least(
        "Purchases (order, authorised, confirmed, captured, complete), per s",
        "purchase.64.rate",
        1500.0,
    ),
    at_most("One purchase alone, p50 in ms", "purchase.1.p50", 25.0),
    at_most(
        "20,000 orders that expire in one second beside 1,000,000 pending ones, the last in s after its deadline",
        "expiration.late.max",
        3.0,
    ),
    at_most("… the median in s after its deadline", "expiration.late.p50", 1.0),
    beside("… memory meanwhile, MiB", "expiration.memory", "idle", "memory.idle"),
    at_most(
        "20,000 orders that expire in one millisecond, the last in s after its deadline",
        "expiration.at-once.late.max",
        3.0,
    ),
    at_most("Start with 1,000,000 open deadlines, in s", "start.pending", 2.0),
    at_most(
        "Start with the most rows and 1,000,000 open deadlines, in s",
        "size.start",
        2.0,
    ),
    at_most(
        "GET page of 20 tickets with the most rows, in times that with the fewest",
        "size.growth.page",
        1.2,
    ),
    at_most("… GET one ticket", "size.growth.ticket", 1.2),
    at_most("… POST order", "size.growth.order", 1.2),
    times(
        "Sign-in, 8 clients, per s",
        "sign-in.8.rate",
        0.9,
        "argon2id alone",
        "argon2id.all.rate",
    ),
    times_at_most(
        "GET page of 20 tickets beside 8 people who sign in, p99 in ms",
        "sign-in.page.p99",
        2.0,
        "without them",
        "page.open.p99",
    ),
    at_most("Memory idle, MiB", "memory.idle", 40.0),
    beside(
        "… of which not the program's file, MiB",
        "memory.idle.own",
        "idle",
        "memory.idle",
    ),
    at_most(
        "Memory with 1,000,000 tickets and 100,000 orders a minute, MiB",
        "memory.busy",
        256.0,
    ),
    beside("Memory after the load, MiB", "memory.loaded", "idle", "memory.idle"),
    at_most("Start with existing rows, in s", "start.time", 2.0),
    beside(
        "Start with existing rows, in s",
        "start.time",
        "without, in s",
        "start.empty",
    ),
    beside(
        "POST order, 1 client, per s",
        "order.1.rate",
        "SQLite alone, 1 per commit",
        "sqlite.order.1.rate",
    ),
    beside(
        "Access tokens verified on one processor, per s",
        "token.rate",
        "used before",
        "token.known.rate",
    ),
    at_most("Release build from nothing, in s", "build.release", 720.0),
    at_most(
        "From a changed line of the ticket service to its unit tests, in s",
        "build.changed.unit-tests",
        15.0,
    ),
    at_most("… to all its tests, in s", "build.changed.tests", 15.0),
];

/// Returns what was measured for a goal; `None` if it was not measured.
pub fn judge(goal: &Goal, results: &Results) -> Option<Judgement> {
    let figure = results.figure(goal.figure)?;
    let measured = figure.spread()?;
    let of_bound = |is_met| Judgement {
        measured,
        other: None,
        ratio: None,
        is_met: Some(is_met),
    };
    let other_figure = match goal.target {
        Target::AtMost(bound) => return Some(of_bound(measured.median <= bound)),
        Target::AtLeast(bound) => return Some(of_bound(measured.median >= bound)),
        Target::Times { figure, .. } | Target::TimesAtMost { figure, .. } | Target::Beside { figure, .. } => figure,
    };
    let Some(other) = results.figure(other_figure) else {
        return Some(Judgement {
            measured,
            other: None,
            ratio: None,
            is_met: None,
        });
    };
    // Both were measured shortly after one another in each repetition, so the ratio is the steadier figure.
    let pairs = figure.samples.iter().zip(&other.samples);
    let ratios: Vec<_> = pairs
        .filter(|(_, other)| **other > 0.0)
        .map(|(own, other)| own / other)
        .collect();
    let ratio = Spread::of(&ratios);
    Some(Judgement {
        measured,
        other: other.spread(),
        ratio,
        is_met: ratio.and_then(|ratio| match goal.target {
            Target::Times { at_least, .. } => Some(ratio.median >= at_least),
            Target::TimesAtMost { at_most, .. } => Some(ratio.median <= at_most),
            _ => None,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Better, Terms};

    fn results(figures: &[(&str, [f64; 3])]) -> Results {
        let mut results = Results::new(Terms::of_this_machine().unwrap());
        for (id, samples) in figures {
            for sample in samples {
                results.add(id, "per s", Better::More, *sample);
            }
        }
        results
    }

    #[test]
    fn a_ratio_is_that_of_the_same_repetition() {
        // The machine was half as fast in the second repetition.
        let results = results(&[("own", [200.0, 100.0, 220.0]), ("other", [10.0, 5.0, 10.0])]);
        let goal = |at_least| times("", "own", at_least, "", "other");
        let judgement = judge(&goal(20.0), &results).unwrap();
        assert_eq!(judgement.ratio, Spread::of(&[20.0, 20.0, 22.0]));
        assert_eq!(judgement.is_met, Some(true));
        assert_eq!(judge(&goal(21.0), &results).unwrap().is_met, Some(false));
        let goal = |at_most| times_at_most("", "own", at_most, "", "other");
        assert_eq!(judge(&goal(20.0), &results).unwrap().is_met, Some(true));
        assert_eq!(judge(&goal(19.0), &results).unwrap().is_met, Some(false));
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        let results = results(&[("own", [1.0, 2.0, 3.0])]);
        assert_eq!(
            judge(&times("", "own", 1.0, "", "other"), &results).unwrap().is_met,
            None
        );
        assert_eq!(judge(&at_most("", "missing", 1.0), &results), None);
        assert_eq!(judge(&at_most("", "own", 2.0), &results).unwrap().is_met, Some(true));
        assert_eq!(judge(&at_most("", "own", 1.9), &results).unwrap().is_met, Some(false));
        assert_eq!(judge(&at_least("", "own", 2.0), &results).unwrap().is_met, Some(true));
        assert_eq!(judge(&at_least("", "own", 2.1), &results).unwrap().is_met, Some(false));
    }
}
