use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use bus::{AmqpUrl, Namespace, parked};
use db::{
    Db,
    admin::{self, Finding},
};
use ids::Clock;
use tokio::signal::unix::{SignalKind, signal};

use crate::{CommonArgs, Mistakes, Service, StartError, cli::Parked, run, settings::BusArgs, spec};

pub(crate) async fn serve<S: Service>(
    database: PathBuf,
    common: CommonArgs,
    own: S::Args,
) -> Result<String, StartError> {
    let mut mistakes = Mistakes::default();
    let discovery = common.discovery(&mut mistakes);
    let settings = (common.settings::<S>(&mut mistakes), S::settings(&own, &mut mistakes));
    let (Some(common), Some(own)) = settings else {
        return Err(StartError::new(&mistakes));
    };
    if !mistakes.is_empty() {
        return Err(StartError::new(&mistakes));
    }
    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::new)?;
    let running = run::start_among::<S>(database, common, discovery, own, Clock::system()).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        pressed = tokio::signal::ctrl_c() => pressed.map_err(StartError::new)?,
    }
    running.stop().await;
    Ok(String::new())
}

pub(crate) fn migrate<S: Service>(database: &Path) -> Result<String, StartError> {
    let report = admin::migrate(database, &S::SCHEMA).map_err(StartError::new)?;
    Ok(format!(
        "{}: schema version {}, was {}",
        database.display(),
        report.to,
        report.from
    ))
}

pub(crate) fn rehearse<S: Service>(database: &Path, copy_to: Option<&Path>, keep: bool) -> Result<String, StartError> {
    let rehearsal = admin::rehearse(database, &S::SCHEMA, S::INVARIANTS, copy_to, keep).map_err(StartError::new)?;
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

pub(crate) fn openapi<S: Service>() -> Result<String, StartError> {
    serde_json::to_string_pretty(&spec::<S>()).map_err(StartError::new)
}

pub(crate) fn backup(database: &Path, to: &Path) -> Result<String, StartError> {
    admin::backup(database, to).map_err(StartError::new)?;
    Ok(format!("{} is a copy of {}, checked", to.display(), database.display()))
}

pub(crate) fn restore<S: Service>(from: &Path, database: &Path, force: bool) -> Result<String, StartError> {
    admin::restore(from, database, &S::SCHEMA, force).map_err(StartError::new)?;
    Ok(format!(
        "{} is restored from {}, checked. Start the service: it catches up by itself with what it has said and heard since.",
        database.display(),
        from.display()
    ))
}

pub(crate) fn check<S: Service>(database: &Path) -> Result<String, StartError> {
    let findings = admin::check(database, &S::SCHEMA, S::INVARIANTS).map_err(StartError::new)?;
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
fn found(mut told: String, findings: &[Finding]) -> StartError {
    let _ = write!(told, "{} findings", findings.len());
    for finding in findings {
        let _ = write!(told, "\n  {finding}");
    }
    StartError(told)
}

pub(crate) async fn republish<S: Service>(database: &Path) -> Result<String, StartError> {
    let db = Db::open(database, &S::SCHEMA).map_err(StartError::new)?;
    let pages = bus::say_again(&db, &Clock::system(), S::republish, |_| Ok(())).await?;
    db.close().await;
    Ok(format!(
        "announced again, in {pages} transactions: the service sends it while it runs"
    ))
}

pub(crate) async fn rehear<S: Service>(database: &Path) -> Result<String, StartError> {
    let db = Db::open(database, &S::SCHEMA).map_err(StartError::new)?;
    let marked = db.write(db::restored::mark).await;
    db.close().await;
    marked.map_err(|error: db::Error| StartError::new(error))?;
    Ok("the next start of the service catches up from the journal, as after a restore".to_owned())
}

pub(crate) async fn parked<S: Service>(bus: &BusArgs, what: Parked) -> Result<String, StartError> {
    let (url, namespace) = &broker(bus).await?;
    match what {
        Parked::List => {
            let messages = parked::list(url, namespace, S::NAME).await.map_err(StartError::new)?;
            let lines = messages.iter().map(line).collect::<Vec<_>>();
            Ok([vec![format!("{} parked", messages.len())], lines].concat().join("\n"))
        }
        Parked::Show { id } => {
            let messages = parked::show(url, namespace, S::NAME, &id)
                .await
                .map_err(StartError::new)?;
            let shown = messages
                .iter()
                .map(|message| format!("{}\n{}", line(message), message.body));
            let shown = shown.collect::<Vec<_>>().join("\n");
            if shown.is_empty() {
                Err(StartError(format!("no message {id} is parked")))
            } else {
                Ok(shown)
            }
        }
        Parked::Redrive { which } => {
            let count = parked::redrive(url, namespace, S::NAME, &which)
                .await
                .map_err(StartError::new)?;
            Ok(format!("{count} handed to the service again"))
        }
        Parked::Discard { which } => {
            let count = parked::discard(url, namespace, S::NAME, &which)
                .await
                .map_err(StartError::new)?;
            Ok(format!("{count} deleted"))
        }
    }
}

/// Where the broker is at this moment, and what all names there begin with.
async fn broker(args: &BusArgs) -> Result<(AmqpUrl, Namespace), StartError> {
    let mut mistakes = Mistakes::default();
    let (consul, service) = args.discovery(&mut mistakes);
    let bus = args
        .settings(&mut mistakes)
        .filter(|_| mistakes.is_empty())
        .ok_or_else(|| StartError::new(&mistakes))?;
    let url = match (consul, service) {
        (Some(consul), Some(service)) => {
            let address = consul.locate(&service).await.map_err(StartError)?;
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

pub(crate) async fn own<S: Service>(command: S::Command, database: &Path) -> Result<String, StartError> {
    let db = Db::open(database, &S::SCHEMA).map_err(StartError::new)?;
    let said = S::command(command, db.clone(), Clock::system()).await;
    db.close().await;
    said
}
