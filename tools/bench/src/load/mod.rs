//! Load on one server: closed loop (each client waits for its response) and open loop (requests are due by a schedule,
//! whatever the server does).

mod closed_loop;
mod open_loop;
mod outcome;
mod pacer;
mod schedule;

pub use closed_loop::{ClosedLoop, at_once, run_closed};
pub use open_loop::{OpenLoop, run_open};
pub use outcome::{Latencies, LoadOutcome};
pub use schedule::Schedule;
