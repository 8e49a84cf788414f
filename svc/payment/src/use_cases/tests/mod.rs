//! Use cases in any order, with repetition and loss.

mod card_attempts;
mod payments;
mod refunds;
