//! What was measured: figures with a value for each repetition, curves, and the terms of the run.

mod comparison;
mod figure;
mod goals;
mod terms;

pub use comparison::{Change, Comparison, compare};
pub use figure::{Better, Curve, Figure, Results, Series};
pub use goals::{GOALS, Goal, Judgement, Target, judge};
pub use terms::{Terms, version_of_own_broker};
