//! The storefront as a program of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    chassis::site::main::<storefront::Storefront>()
}
