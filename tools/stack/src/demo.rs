//! A demo over HTTP: tickets are listed, found, ordered and paid; one admits once at the door; an order expires and its ticket is sold to another buyer; a
//! declined card is not charged.

mod runner;
mod scenarios;

use std::time::Duration;

use runner::Runner;
pub use runner::StepFailed;

/// Runs the demo against the stack at `url` (`http://127.0.0.1:4000`) and prints each step with its response. `timeout` bounds
/// the wait for each effect that takes a moment, in addition to the order window that has to pass.
///
/// # Errors
///
/// The first step whose outcome differs from the expected one.
pub async fn run(url: &str, timeout: Duration, print: impl Fn(&str) + Send + Sync) -> Result<(), StepFailed> {
    let runner = Runner::new(url, timeout, &print)?;
    let participants = scenarios::sign_up(&runner).await?;
    scenarios::a_ticket_is_sold(&runner, &participants).await?;
    scenarios::an_order_expires(&runner, &participants).await?;
    scenarios::a_card_is_declined(&runner, &participants).await
}
