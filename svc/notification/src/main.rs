//! `ticketing-notification`: see `--help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::main::<notification::Notification>()
}
