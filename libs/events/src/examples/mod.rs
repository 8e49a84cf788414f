//! Example payloads and events: fixtures for tests, and the examples of the AsyncAPI document.
//!
//! A fixture is a valid first state with new ids. A test changes what it is about by struct update:
//!
//! ```
//! use events::{Order, OrderStatus, examples};
//!
//! let now = "2027-06-01T19:30:00Z".parse().unwrap();
//! let order = examples::order(now);
//! let confirmed = Order { version: 2, status: OrderStatus::AwaitingPayment, ..order.clone() };
//! assert_eq!(confirmed.total, order.total);
//! ```

mod fixtures;
mod sequence;

pub use fixtures::{
    ORDER_WINDOW, account, account_mail, admission, closure, order, order_event, payment, payment_event, refund,
    reversal, session, signing_key, ticket, transfer, usd,
};
pub use sequence::events;
