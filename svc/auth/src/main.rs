//! The program `ticketing-auth`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::main::<auth::Auth>()
}
