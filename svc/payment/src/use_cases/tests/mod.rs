//! Use cases in any order, with repetition and loss.

mod payments;
mod refunds;
