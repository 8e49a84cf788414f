//! The auth service as a program of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::main::<auth::Auth>()
}
