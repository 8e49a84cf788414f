//! What happens by itself some time after a request: a refund fails, a bank disputes a charge, a dispute is decided.

use std::{collections::HashSet, sync::Arc};

use rusqlite::params;

use crate::{disputes, error::StripeError, refunds, sim::Inner, store::Tx};

/// Something that is still to happen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Event {
    id: i64,
    what: String,
    object: String,
}

/// Writes down that something is to happen to an object, in the transaction of its cause.
pub(crate) fn plan(tx: &Tx<'_>, what: &str, object: &str) -> Result<(), StripeError> {
    tx.sql
        .prepare_cached("INSERT INTO later (what, object) VALUES (?1, ?2)")?
        .execute(params![what, object])?;
    Ok(())
}

/// What is still to happen, in the order in which it was planned.
pub(crate) fn planned(tx: &Tx<'_>) -> Result<Vec<Event>, StripeError> {
    let mut query = tx
        .sql
        .prepare_cached("SELECT id, what, object FROM later ORDER BY id")?;
    let rows = query.query_map([], |row| {
        Ok(Event {
            id: row.get(0)?,
            what: row.get(1)?,
            object: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Lets one thing happen, unless it has happened already.
fn happen(tx: &Tx<'_>, event: &Event) -> Result<(), StripeError> {
    let taken = tx.sql.execute("DELETE FROM later WHERE id = ?1", [event.id])?;
    if taken == 0 {
        return Ok(());
    }
    let happened = match event.what.as_str() {
        "refund" => refunds::settle(tx, &event.object),
        "dispute" => disputes::planned(tx, &event.object),
        "verdict" => disputes::verdict(tx, &event.object),
        other => Err(StripeError::internal(format!("{other} is not known to happen"))),
    };
    match happened {
        // The money has gone another way meanwhile.
        Err(refused) if refused.status.is_client_error() => Ok(()),
        happened => happened,
    }
}

/// Lets everything happen that is planned. What comes of it may be planned, too: that is for the next time.
pub(crate) fn all(tx: &Tx<'_>) -> Result<usize, StripeError> {
    let planned = planned(tx)?;
    planned.iter().try_for_each(|event| happen(tx, event))?;
    Ok(planned.len())
}

/// Lets each thing happen when its time has come, counted from when this process first saw it.
pub(crate) async fn run(sim: Arc<Inner>) {
    let Some(pause) = sim.later else { return };
    let mut seen = HashSet::new();
    sim.plans.notify_one();
    loop {
        tokio::select! {
            () = sim.stop.cancelled() => return,
            () = sim.plans.notified() => {}
        }
        let planned = sim.blocking(|sim| sim.transact(planned)).await;
        let Ok(planned) = planned.inspect_err(|error| tracing::error!(cause = error.cause, "plans cannot be read"))
        else {
            continue;
        };
        seen.retain(|event| planned.contains(event));
        for event in planned {
            if seen.insert(event.clone()) {
                let inner = sim.clone();
                sim.tasks.spawn(async move {
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = inner.stop.cancelled() => return,
                    }
                    if let Err(error) = inner.within(move |tx| happen(tx, &event)).await {
                        tracing::error!(cause = error.cause, "what was planned did not happen");
                    }
                });
            }
        }
    }
}
