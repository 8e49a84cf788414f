//! The HTTP server: an accept loop with a limit of connections, and deadlines for everything that waits for a client. The
//! protocols themselves are hyper's.

mod accept;
mod activity;
mod body_budget;
mod closing;
mod connection;
mod connections;
mod exchange;
mod file_limit;
mod hang_up;
mod held_response;
mod io;
mod limits;
mod listener;
mod log_interval;
mod metrics;
mod refusal;
mod request_body;
mod response_body;
mod stream_tasks;

pub use accept::{Server, serve};
pub use closing::ServerShutdown;
pub use file_limit::raise_file_limit;
pub use limits::ServerLimits;
pub use listener::BoundListener;
