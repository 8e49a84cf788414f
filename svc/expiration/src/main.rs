//! `ticketing-expiration`: see `--help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::main::<expiration::Expiration>()
}
