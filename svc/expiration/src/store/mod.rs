//! Every SQL statement of the service.

mod invariants;
mod timers;

pub(crate) use invariants::INVARIANTS;
pub(crate) use timers::{
    count_overdue, count_pending, earliest_deadline, find_timer, first_pending_between, newest_order, overdue_timers,
    save_timer, timers_after,
};
