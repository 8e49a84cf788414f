use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use audit::{Author, OK};
use bus::{
    AmqpUrl,
    parked::{self, Selection},
};
use db::{
    Db, Tx,
    admin::{self, Finding, Invariant, Progress},
};
use values::Clock;

use super::arguments::ParkedCommand;
use crate::{
    BusSettings, CommonSettings, OperatorError, Service,
    audit_log::{AuditFilter, record_command},
    openapi_document, printable, printable_lines, raise_file_limit, running,
    signals::Stop,
};

pub(super) async fn serve<S: Service>(
    database: PathBuf,
    common: CommonSettings,
    own: S::Settings,
) -> Result<String, OperatorError> {
    raise_file_limit();
    let mut stop = Stop::listen()?;
    let running = running::start::<S>(database, common, own, Clock::system()).await?;
    stop.requested().await?;
    running.stop().await;
    Ok(String::new())
}

pub(super) fn migrate<S: Service>(database: &Path) -> Result<String, OperatorError> {
    let report = admin::migrate(database, &S::SCHEMA).map_err(OperatorError::new)?;
    if report.from != report.to {
        record_command(database, "migrate", &report.to, OK)?;
    }
    Ok(format!(
        "{}: schema version {}, was {}",
        database.display(),
        report.to,
        report.from
    ))
}

pub(super) fn rehearse<S: Service>(
    database: &Path,
    copy_to: Option<&Path>,
    keep: bool,
) -> Result<String, OperatorError> {
    let rehearsal = admin::rehearse(database, &S::SCHEMA, S::INVARIANTS, copy_to, keep).map_err(OperatorError::new)?;
    let mut report = format!(
        "{}: rehearsed on a copy, from schema version {} to {}",
        database.display(),
        rehearsal.from,
        rehearsal.to
    );
    for migration in &rehearsal.migrations {
        let _ = write!(
            report,
            "\n  to {} in {} ms",
            migration.to,
            migration.duration.as_millis()
        );
    }
    let _ = write!(
        report,
        "\n  {} bytes before, {} after",
        rehearsal.bytes_before, rehearsal.bytes_after
    );
    if let Some(copy) = &rehearsal.copy {
        let _ = write!(report, "\n  the migrated copy is {}", copy.display());
    }
    if rehearsal.findings.is_empty() {
        let _ = write!(report, "\n  sound, {} invariants hold", S::INVARIANTS.len());
        return Ok(report);
    }
    report.push_str("\n  ");
    Err(failure(report, &rehearsal.findings))
}

pub(super) fn openapi<S: Service>() -> Result<String, OperatorError> {
    serde_json::to_string_pretty(&openapi_document::<S>()).map_err(OperatorError::new)
}

pub(super) fn backup(database: &Path, to: &Path) -> Result<String, OperatorError> {
    admin::backup(database, to).map_err(OperatorError::new)?;
    Ok(format!("{} is a copy of {}, checked", to.display(), database.display()))
}

pub(super) fn restore<S: Service>(from: &Path, database: &Path, force: bool) -> Result<String, OperatorError> {
    admin::restore(from, database, &S::SCHEMA, force).map_err(OperatorError::new)?;
    record_command(database, "restore", &from.display(), OK)?;
    Ok(format!(
        "{} is restored from {}, checked. Start the service: it catches up with the events since then by itself.",
        database.display(),
        from.display()
    ))
}

pub(super) fn check<S: Service>(database: &Path, full: bool) -> Result<String, OperatorError> {
    let check = if full { admin::check_full } else { admin::check_online };
    let checked = check(database, &S::SCHEMA, S::INVARIANTS, &mut print_progress).map_err(OperatorError::new)?;
    eprintln!("the longest read took {:.3} s", checked.longest_read.as_secs_f32());
    if !checked.findings.is_empty() {
        return Err(failure(format!("{}: ", database.display()), &checked.findings));
    }
    let is_unverified = |invariant: &&Invariant| checked.unverified.iter().any(|name| name == invariant.name);
    let verified = S::INVARIANTS.len() - S::INVARIANTS.iter().filter(is_unverified).count();
    let mut report = format!("{}: sound, {verified} invariants hold", database.display());
    for check in &checked.unverified {
        let _ = write!(report, "\n  not verified, needs check --full: {check}");
    }
    Ok(report)
}

fn print_progress(progress: Progress<'_>) {
    let (seconds, check) = (progress.elapsed.as_secs_f32(), progress.check);
    if progress.is_done {
        eprintln!("{seconds:>7.1} s  {check}");
    } else {
        eprintln!("{seconds:>7.1} s  {check}: {} rows so far", progress.rows);
    }
}

/// Appends the findings to a report, one a line.
fn failure(mut report: String, findings: &[Finding]) -> OperatorError {
    let _ = write!(report, "{} findings", findings.len());
    for finding in findings {
        let _ = write!(report, "\n  {}", printable(&finding.to_string()));
    }
    OperatorError(report)
}

pub(super) async fn republish<S: Service>(database: &Path) -> Result<String, OperatorError> {
    let db = Db::open(database, &S::SCHEMA).map_err(OperatorError::new)?;
    let (clock, recorded) = (Clock::system(), Author::operator().did("republish", S::NAME));
    let now = clock.now();
    db.write(move |tx| audit::append(tx, now, &recorded)).await?;
    let pages = bus::republish_all(&db, &clock, S::republish).await?;
    db.close().await;
    Ok(format!(
        "published again, in {pages} transactions: the service sends the events while it runs"
    ))
}

pub(super) async fn catch_up<S: Service>(database: &Path) -> Result<String, OperatorError> {
    let db = Db::open(database, &S::SCHEMA).map_err(OperatorError::new)?;
    let (now, recorded) = (Clock::system().now(), Author::operator().did("rehear", S::NAME));
    let mark = move |tx: &Tx| -> Result<(), db::Error> {
        db::restored::mark(tx)?;
        audit::append(tx, now, &recorded)
    };
    let marked = db.write(mark).await;
    db.close().await;
    marked?;
    Ok("the next start of the service catches up from the journal, as after a restore".to_owned())
}

pub(super) async fn parked<S: Service>(
    bus: &BusSettings,
    command: ParkedCommand,
    database: &Path,
) -> Result<String, OperatorError> {
    let (url, namespace) = (&broker_url(bus).await?, &bus.namespace);
    match command {
        ParkedCommand::List => {
            let messages = parked::list(url, namespace, S::NAME)
                .await
                .map_err(OperatorError::new)?;
            let lines = messages.iter().map(line).collect::<Vec<_>>();
            Ok([vec![format!("{} parked", messages.len())], lines].concat().join("\n"))
        }
        ParkedCommand::Show { id } => {
            let messages = parked::show(url, namespace, S::NAME, &id)
                .await
                .map_err(OperatorError::new)?;
            let shown = messages
                .iter()
                .map(|message| format!("{}\n{}", line(message), printable(&message.body)));
            let shown = shown.collect::<Vec<_>>().join("\n");
            if shown.is_empty() {
                Err(not_parked(&id))
            } else {
                Ok(shown)
            }
        }
        ParkedCommand::Redrive { which } => {
            let redrive = async { removed(parked::redrive(url, namespace, S::NAME, &which).await, &which) };
            let count = recorded(database, "parked-redrive", &which, redrive).await?;
            Ok(format!("{count} delivered to the service again"))
        }
        ParkedCommand::Discard { which } => {
            let discard = async { removed(parked::discard(url, namespace, S::NAME, &which).await, &which) };
            let count = recorded(database, "parked-discard", &which, discard).await?;
            Ok(format!("{count} deleted"))
        }
    }
}

/// Records the start and the end of what an operator does to parked messages: the broker has no part in a transaction.
async fn recorded(
    database: &Path,
    action: &'static str,
    which: &Selection,
    work: impl Future<Output = Result<usize, OperatorError>>,
) -> Result<usize, OperatorError> {
    let subject = match which {
        Selection::Id(id) => id,
        Selection::All => "all",
    };
    record_command(database, action, subject, "started")?;
    let outcome = work.await;
    let result = if outcome.is_ok() { OK } else { "failed" };
    record_command(database, action, subject, result)?;
    outcome
}

/// Prints the rows of the audit log while it reads them. It ends when the reader does.
pub(super) async fn audit<S: Service>(database: &Path, filter: AuditFilter) -> Result<String, OperatorError> {
    let db = Db::open(database, &S::SCHEMA).map_err(OperatorError::new)?;
    let print = move |conn: &rusqlite::Connection| -> Result<io::Result<()>, db::Error> {
        let (mut out, mut printed) = (io::stdout().lock(), Ok(()));
        audit::read(conn, &filter.into(), |record| {
            if printed.is_ok() {
                printed = writeln!(out, "{}", printable_lines(&record.to_json()));
            }
        })?;
        Ok(printed)
    };
    let printed = db.read_internal(print).await;
    db.close().await;
    match printed? {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(OperatorError::new(error)),
        _ => Ok(String::new()),
    }
}

/// Returns the number of removed messages: a message that was named by its id must be among them.
fn removed(count: Result<usize, bus::Error>, which: &Selection) -> Result<usize, OperatorError> {
    match (count.map_err(OperatorError::new)?, which) {
        (0, Selection::Id(id)) => Err(not_parked(id)),
        (count, _) => Ok(count),
    }
}

fn not_parked(id: &str) -> OperatorError {
    OperatorError(format!("no message {} is parked", printable(id)))
}

/// Returns the address of the broker.
async fn broker_url(bus: &BusSettings) -> Result<AmqpUrl, OperatorError> {
    let consul = bus.consul.agent().map_err(OperatorError::new)?;
    let url = bus.broker_url().map_err(OperatorError::new)?;
    match (consul, &bus.amqp_service) {
        (Some(consul), Some(service)) => {
            let address = consul.locate(service).await.map_err(OperatorError)?;
            Ok(url.with_address(&address.host, address.port))
        }
        _ => Ok(url),
    }
}

/// Returns one line: nothing in a message controls the terminal or begins another line.
fn line(message: &parked::ParkedMessage) -> String {
    format!(
        "{} {} of {}, parked {} after {} attempts: {}",
        printable(&message.id),
        printable(&message.event_type),
        message
            .subject
            .as_deref()
            .map_or_else(|| "unknown".to_owned(), printable),
        message
            .parked_at
            .map_or_else(|| "at an unknown time".to_owned(), |at| at.to_string()),
        message.attempts,
        printable(&message.reason)
    )
}

pub(super) async fn own<S: Service>(command: S::Command, database: &Path) -> Result<String, OperatorError> {
    let db = Db::open(database, &S::SCHEMA).map_err(OperatorError::new)?;
    let outcome = S::command(command, db.clone(), Clock::system()).await;
    db.close().await;
    outcome
}
