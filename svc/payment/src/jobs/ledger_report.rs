//! `ticketing-payment ledger`: the balance of each account.

use std::fmt::Write;

use rusqlite::Connection;

use crate::store;

/// Returns the balance of each account, by currency, and their sum, which is zero.
pub(crate) fn ledger_report(conn: &Connection) -> Result<String, db::Error> {
    let mut report = String::new();
    let mut sums: Vec<(String, i64)> = Vec::new();
    for (currency, account, balance) in store::account_balances(conn)? {
        let _infallible = writeln!(report, "{currency} {account:<12} {balance:>14}");
        match sums.last_mut() {
            Some((last, sum)) if *last == currency => *sum += balance,
            _ => sums.push((currency, balance)),
        }
    }
    for (currency, sum) in &sums {
        let _infallible = writeln!(report, "{currency} {:<12} {sum:>14}", "all");
    }
    if sums.is_empty() {
        report.push_str("no payment was captured yet");
    }
    Ok(report.trim_end().to_owned())
}
