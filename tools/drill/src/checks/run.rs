//! Runs every check.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::{
    CheckReport, DatabasePaths, StripeIntent, databases, notification_checks, report::Mismatch, response_checks,
    state_checks,
};
use crate::{DrillError, recording::RecordLine};

/// Responses that may be lost, because their service was restored from a backup.
#[derive(Clone, Debug, Default)]
pub struct AllowedLoss {
    /// The services; without one, no loss is allowed.
    pub services: Vec<String>,
    /// The start of the time range, in milliseconds since 1970.
    pub from: Option<i64>,
    /// The end of the time range, in milliseconds since 1970.
    pub until: Option<i64>,
}

impl AllowedLoss {
    fn covers(&self, mismatch: &Mismatch) -> bool {
        self.services.contains(&mismatch.service)
            && self.from.is_none_or(|from| from <= mismatch.at)
            && self.until.is_none_or(|until| mismatch.at <= until)
    }
}

/// Whether the notification service is compared with the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotificationChecks {
    /// It is.
    Run,
    /// It does not run, or another service was restored and lost what a mail may have been sent about. Its database exists.
    LeftOut,
}

/// Runs every check. The services may run meanwhile; each database is read at one point in time.
pub fn run(
    paths: &DatabasePaths,
    lines: &[RecordLine],
    intents: Option<&[StripeIntent]>,
    allowed_loss: &AllowedLoss,
    notification: NotificationChecks,
) -> Result<CheckReport, DrillError> {
    let (mut report, conn) = (CheckReport::default(), databases::attach(paths)?);
    report.responses = databases::insert_responses(&conn, lines).map_err(DrillError::new)?;
    if let Some(intents) = intents {
        databases::insert_intents(&conn, intents).map_err(DrillError::new)?;
    }
    let stripe_checks = intents.iter().flat_map(|_| state_checks::STRIPE);
    let notification_checks: &[_] = match notification {
        NotificationChecks::Run => notification_checks::ALL,
        NotificationChecks::LeftOut => &[],
    };
    for check in state_checks::ALL.iter().chain(notification_checks).chain(stripe_checks) {
        report.checks += 1;
        let rows = query_texts(&conn, check.sql).map_err(|error| DrillError(format!("{}: {error}", check.name)))?;
        report.add(check.name, rows);
    }
    let (mut lost, mut contradicted) = (Vec::new(), BTreeSet::new());
    for check in response_checks::ALL {
        report.checks += 1;
        let mismatches =
            query_mismatches(&conn, check.sql).map_err(|error| DrillError(format!("{}: {error}", check.name)))?;
        let (allowed, rows): (Vec<_>, Vec<_>) = mismatches
            .into_iter()
            .partition(|mismatch| allowed_loss.covers(mismatch));
        lost.extend(allowed);
        contradicted.extend(rows.iter().map(|mismatch| mismatch.number));
        report.add(check.name, rows.into_iter().map(|mismatch| mismatch.reason).collect());
    }
    report.false_responses = contradicted.len();
    report.set_lost(&lost, &contradicted);
    let count = |sql| conn.query_row(sql, [], |row| row.get(0)).map_err(DrillError::new);
    report.counts = [
        count(r#"SELECT count(*) FROM "order"."order""#)?,
        count("SELECT count(*) FROM payment.payment")?,
        count("SELECT count(*) FROM intent")?,
        count("SELECT count(*) FROM ticket.admission WHERE used_at IS NOT NULL")?,
        count("SELECT count(*) FROM notification.mail WHERE state = 'sent'")?,
    ];
    Ok(report)
}

fn query_texts(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut query = conn.prepare(sql)?;
    let rows = query.query_map([], |row| row.get(0))?;
    rows.collect()
}

fn query_mismatches(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<Mismatch>> {
    let mut query = conn.prepare(sql)?;
    let rows = query.query_map([], |row| {
        Ok(Mismatch {
            number: row.get(0)?,
            at: row.get(1)?,
            service: row.get(2)?,
            reason: row.get(3)?,
        })
    })?;
    rows.collect()
}
