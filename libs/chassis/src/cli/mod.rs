//! The command line of a service.

mod arguments;
mod commands;
mod main;

pub use arguments::command_line;
pub use main::main;
pub(crate) use main::main_of;
