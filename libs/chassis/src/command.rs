use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use bus::{AmqpUrl, Namespace, parked};
use db::{
    Db,
    admin::{self, Finding},
};
use tokio::signal::unix::{SignalKind, signal};
use values::Clock;

use crate::{CommonArgs, ConfigErrors, OperatorError, Service, cli::Parked, run, settings::BusArgs, spec};

pub(crate) async fn serve<S: Service>(
    database: PathBuf,
    common: CommonArgs,
    own: S::Args,
) -> Result<String, OperatorError> {
    let mut errors = ConfigErrors::default();
    let discovery = common.discovery(&mut errors);
    let settings = (common.settings::<S>(&mut errors), S::settings(&own, &mut errors));
    let (Some(common), Some(own)) = settings else {
        return Err(OperatorError::new(&errors));
    };
    if !errors.is_empty() {
        return Err(OperatorError::new(&errors));
    }
    let mut terminate = signal(SignalKind::terminate()).map_err(OperatorError::new)?;
    let running = run::start_among::<S>(database, common, discovery, own, Clock::system()).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        pressed = tokio::signal::ctrl_c() => pressed.map_err(OperatorError::new)?,
    }
    running.stop().await;
    Ok(String::new())
}

pub(crate) fn migrate<S: Service>(database: &Path) -> Result<String, OperatorError> {
    let report = admin::migrate(database, &S::SCHEMA).map_err(OperatorError::new)?;
    Ok(format!(
        "{}: schema version {}, was {}",
        database.display(),
        report.to,
        report.from
    ))
}

pub(crate) fn rehearse<S: Service>(
    database: &Path,
    copy_to: Option<&Path>,
    keep: bool,
) -> Result<String, OperatorError> {
    let rehearsal = admin::rehearse(database, &S::SCHEMA, S::INVARIANTS, copy_to, keep).map_err(OperatorError::new)?;
    let mut told = format!(
        "{}: rehearsed on a copy, from schema version {} to {}",
        database.display(),
        rehearsal.from,
        rehearsal.to
    );
    for step in &rehearsal.steps {
        let _ = write!(told, "\n  to {} in {} ms", step.to, step.took.as_millis());
    }
    let _ = write!(told, "\n  {} bytes before, {} after", rehearsal.before, rehearsal.after);
    if let Some(kept) = &rehearsal.kept {
        let _ = write!(told, "\n  the migrated copy is {}", kept.display());
    }
    if rehearsal.findings.is_empty() {
        let _ = write!(told, "\n  sound, {} invariants hold", S::INVARIANTS.len());
        return Ok(told);
    }
    told.push_str("\n  ");
    Err(found(told, &rehearsal.findings))
}

pub(crate) fn openapi<S: Service>() -> Result<String, OperatorError> {
    serde_json::to_string_pretty(&spec::<S>()).map_err(OperatorError::new)
}

pub(crate) fn backup(database: &Path, to: &Path) -> Result<String, OperatorError> {
    admin::backup(database, to).map_err(OperatorError::new)?;
    Ok(format!("{} is a copy of {}, checked", to.display(), database.display()))
}

pub(crate) fn restore<S: Service>(from: &Path, database: &Path, force: bool) -> Result<String, OperatorError> {
    admin::restore(from, database, &S::SCHEMA, force).map_err(OperatorError::new)?;
    Ok(format!(
        "{} is restored from {}, checked. Start the service: it catches up by itself with what it has said and heard since.",
        database.display(),
        from.display()
    ))
}

pub(crate) fn check<S: Service>(database: &Path) -> Result<String, OperatorError> {
    let findings = admin::check(database, &S::SCHEMA, S::INVARIANTS).map_err(OperatorError::new)?;
    if findings.is_empty() {
        return Ok(format!(
            "{}: sound, {} invariants hold",
            database.display(),
            S::INVARIANTS.len()
        ));
    }
    Err(found(format!("{}: ", database.display()), &findings))
}

/// Goes on with how many findings there are, and each in a line of its own.
fn found(mut told: String, findings: &[Finding]) -> OperatorError {
    let _ = write!(told, "{} findings", findings.len());
    for finding in findings {
        let _ = write!(told, "\n  {finding}");
    }
    OperatorError(told)
}

pub(crate) async fn republish<S: Service>(database: &Path) -> Result<String, OperatorError> {
    let db = Db::open(database, &S::SCHEMA).map_err(OperatorError::new)?;
    let pages = bus::republish_all(&db, &Clock::system(), S::republish, |_| Ok(())).await?;
    db.close().await;
    Ok(format!(
        "announced again, in {pages} transactions: the service sends it while it runs"
    ))
}

pub(crate) async fn rehear<S: Service>(database: &Path) -> Result<String, OperatorError> {
    let db = Db::open(database, &S::SCHEMA).map_err(OperatorError::new)?;
    let marked = db.write(db::restored::mark).await;
    db.close().await;
    marked.map_err(|error: db::Error| OperatorError::new(error))?;
    Ok("the next start of the service catches up from the journal, as after a restore".to_owned())
}

pub(crate) async fn parked<S: Service>(bus: &BusArgs, what: Parked) -> Result<String, OperatorError> {
    let (url, namespace) = &broker(bus).await?;
    match what {
        Parked::List => {
            let messages = parked::list(url, namespace, S::NAME)
                .await
                .map_err(OperatorError::new)?;
            let lines = messages.iter().map(line).collect::<Vec<_>>();
            Ok([vec![format!("{} parked", messages.len())], lines].concat().join("\n"))
        }
        Parked::Show { id } => {
            let messages = parked::show(url, namespace, S::NAME, &id)
                .await
                .map_err(OperatorError::new)?;
            let shown = messages
                .iter()
                .map(|message| format!("{}\n{}", line(message), message.body));
            let shown = shown.collect::<Vec<_>>().join("\n");
            if shown.is_empty() {
                Err(OperatorError(format!("no message {id} is parked")))
            } else {
                Ok(shown)
            }
        }
        Parked::Redrive { which } => {
            let count = parked::redrive(url, namespace, S::NAME, &which)
                .await
                .map_err(OperatorError::new)?;
            Ok(format!("{count} handed to the service again"))
        }
        Parked::Discard { which } => {
            let count = parked::discard(url, namespace, S::NAME, &which)
                .await
                .map_err(OperatorError::new)?;
            Ok(format!("{count} deleted"))
        }
    }
}

/// Where the broker is at this moment, and what all names there begin with.
async fn broker(args: &BusArgs) -> Result<(AmqpUrl, Namespace), OperatorError> {
    let mut errors = ConfigErrors::default();
    let (consul, service) = args.discovery(&mut errors);
    let bus = args
        .settings(&mut errors)
        .filter(|_| errors.is_empty())
        .ok_or_else(|| OperatorError::new(&errors))?;
    let url = match (consul, service) {
        (Some(consul), Some(service)) => {
            let address = consul.locate(&service).await.map_err(OperatorError)?;
            bus.url.at(&address.host, address.port)
        }
        _ => bus.url,
    };
    Ok((url, bus.namespace))
}

fn line(message: &parked::Parked) -> String {
    format!(
        "{} {} of {}, parked {} after {} attempts: {}",
        message.id,
        message.event_type,
        message.subject.as_deref().unwrap_or("unknown"),
        message
            .parked_at
            .map_or_else(|| "at an unknown time".to_owned(), |at| at.to_string()),
        message.attempts,
        message.reason
    )
}

pub(crate) async fn own<S: Service>(command: S::Command, database: &Path) -> Result<String, OperatorError> {
    let db = Db::open(database, &S::SCHEMA).map_err(OperatorError::new)?;
    let said = S::command(command, db.clone(), Clock::system()).await;
    db.close().await;
    said
}
