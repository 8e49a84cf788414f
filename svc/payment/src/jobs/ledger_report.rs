//! `ticketing-payment ledger`: what each account has.

use std::fmt::Write;

use rusqlite::Connection;

use crate::store;

/// What each account has, by currency, and that all of it together is nothing.
pub(crate) fn report(conn: &Connection) -> Result<String, db::Error> {
    let mut report = String::new();
    let mut sums: Vec<(String, i64)> = Vec::new();
    for (currency, account, amount) in store::accounts(conn)? {
        let _infallible = writeln!(report, "{currency} {account:<12} {amount:>14}");
        match sums.last_mut() {
            Some((last, sum)) if *last == currency => *sum += amount,
            _ => sums.push((currency, amount)),
        }
    }
    for (currency, sum) in &sums {
        let _infallible = writeln!(report, "{currency} {:<12} {sum:>14}", "all");
    }
    if sums.is_empty() {
        report.push_str("nothing was taken yet");
    }
    Ok(report.trim_end().to_owned())
}
