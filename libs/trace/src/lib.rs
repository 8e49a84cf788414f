//! Which request caused this: a [W3C trace context](https://www.w3.org/TR/trace-context/) that follows the work
//! through tasks, onto the database's writer thread and into the events that it emits.
//!
//! Work runs in a [`Context`]: whose it is, and which step of which trace. [`span`] begins a step, whose beginning, end
//! and circumstances are handed to an [`Outlet`] if the process has one; without one a step costs next to nothing.

mod context;
mod outlet;
mod span;
mod traceparent;

pub use context::{Context, context, current, scope, span, sync_scope};
pub use outlet::{AlreadyRecording, Outlet, dropped, record_to};
pub use span::{Kind, Recorded, Span, Value};
pub use traceparent::{NotATraceparent, Trace};
