//! Compares the databases of all services with each other, with the recorded responses, and with Stripe.

mod databases;
mod mails;
mod notification_checks;
mod report;
mod response_checks;
mod run;
mod state_checks;
mod stripe;

pub use databases::{DatabasePaths, SERVICES};
pub use mails::{StoredMail, stored_mails};
pub use report::{CheckReport, Violation};
pub use run::{AllowedLoss, NotificationChecks, run};
pub use stripe::{StripeIntent, payment_intents};
