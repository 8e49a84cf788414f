//! Writes the list of passwords that are refused: `cargo run -p auth --example common_passwords -- LIST FILE`.
//!
//! `LIST` is `Passwords/Common-Credentials/10-million-password-list-top-100000.txt` of
//! <https://github.com/danielmiessler/SecLists> (MIT licence), SHA-256
//! `84f9f01da3323b41cdc030f89f7fab65bf76a7e0d5265acabb715c2b3795f148`; `FILE` is
//! `svc/auth/src/domain/common_passwords.bin`. Passwords of less than 8 characters are refused anyway and left out.

use std::{env, error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(list), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: common_passwords LIST FILE".into());
    };
    let passwords = fs::read_to_string(list)?;
    let long = passwords.lines().filter(|password| password.chars().count() >= 8);
    let mut digests: Vec<_> = long.map(auth::common_password_digest).collect();
    digests.sort_unstable();
    digests.dedup();
    fs::write(file, digests.concat())?;
    println!("{} passwords", digests.len());
    Ok(())
}
