//! What the exports of personal data of all services have in common.
//!
//! An export is sent in pages. A page has items of one list; the lists follow each other in a fixed order, and the last one of
//! most services is the [activity] of the user: what the service's audit log has recorded about them.

mod activity;
mod paging;

pub use activity::{Activity, ActivityPosition, activity};
pub use paging::end_of_page;
