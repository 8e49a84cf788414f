use std::{sync::Arc, time::Instant};

use db::{Db, Tx};
use events::Envelope;
use lapin::{Connection, message::Delivery};
use tokio::sync::watch;
use values::{Clock, Timestamp};

use crate::{
    ConsumeError, Error, EventHandler, Namespace, Queue, consumer::Subscriber, in_order::all_in_order, journal::Reader,
};

/// How a service whose database was put back catches up, from the journal, before it consumes or publishes anything.
///
/// First it takes back what it had said itself, then it hears again what others have said: a reaction before that could
/// contradict what was already said. At last it announces everything again. Whatever breaks off on the way begins anew
/// with the next connection: all of it bears repetition.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// Takes the state in which the service had announced one of its own aggregates, if the database knows none as new,
    /// and says whether it did. It is shown everything that anybody said, in that order, and says nothing itself.
    pub adopt: Adopt,
    /// Announces one page of everything, those after the given place, and says where the next one begins.
    pub republish: Republish,
    /// From when on the journal is heard; `None` is from its beginning.
    pub since: Option<Timestamp>,
    /// Becomes true when all of it is done.
    pub done: watch::Sender<bool>,
}

/// See [`Recovery::adopt`].
pub type Adopt = fn(&Tx, Timestamp, &Envelope) -> Result<bool, ConsumeError>;

/// See [`Recovery::republish`].
pub type Republish = fn(&Tx, Timestamp, Option<String>) -> Result<Option<String>, db::Error>;

/// What a recovery works with.
pub(crate) struct Catching<'a> {
    pub(crate) plan: &'a Recovery,
    pub(crate) connection: &'a Connection,
    pub(crate) namespace: &'a Namespace,
    pub(crate) service: &'static str,
    pub(crate) subscribers: &'a [Subscriber],
    pub(crate) db: &'a Db,
    pub(crate) clock: &'a Clock,
}

impl Catching<'_> {
    /// Catches up, and takes the mark of a restored database away.
    pub(crate) async fn up(&self) -> Result<(), Error> {
        let (began, since) = (Instant::now(), self.plan.since);
        let from = since.map_or_else(|| "its beginning".to_owned(), |since| since.to_string());
        tracing::info!(from, "the database was restored: catching up from the journal");
        self.warn_of_a_gap().await?;
        let adopted = self.take_back().await?;
        let heard = self.hear_again().await?;
        self.republish_all().await?;
        let millis = began.elapsed().as_millis();
        tracing::info!(adopted, heard, from, millis, "the database has caught up");
        Ok(())
    }

    /// What was said before the journal begins, and after the backup, is not brought back from here.
    async fn warn_of_a_gap(&self) -> Result<(), Error> {
        let mut journal = self.journal(None).await?;
        let mut oldest = None;
        while oldest.is_none()
            && let Some(batch) = journal.next().await?
        {
            oldest = batch.iter().find_map(|delivery| Some(read(delivery)?.time));
        }
        if self
            .plan
            .since
            .is_none_or(|since| oldest.is_none_or(|oldest| oldest > since))
        {
            let oldest = oldest.map_or_else(|| "empty".to_owned(), |oldest| format!("kept since {oldest}"));
            tracing::warn!(
                journal = oldest,
                "the journal may not reach back to the backup: what was said before is not heard again"
            );
        }
        Ok(())
    }

    /// First what the service had said itself.
    async fn take_back(&self) -> Result<u64, Error> {
        let mut journal = self.journal(self.plan.since).await?;
        let (adopt, mut adopted) = (self.plan.adopt, 0);
        while let Some(batch) = journal.next().await? {
            let envelopes: Vec<_> = batch.iter().filter_map(read).collect();
            let taking = envelopes.into_iter().map(|envelope| async {
                let (id, kind, now) = (envelope.id, envelope.event.name(), self.clock.now());
                match self.db.write(move |tx| adopt(tx, now, &envelope)).await {
                    Err(error) if !error.is_transient() => {
                        tracing::error!(%id, kind, %error, "what was said cannot be taken back");
                        Ok(false)
                    }
                    taken => taken,
                }
            });
            for taken in all_in_order(taking).await {
                adopted += u64::from(taken.map_err(failed)?);
            }
        }
        Ok(adopted)
    }

    /// Then what it had heard, or would have.
    async fn hear_again(&self) -> Result<u64, Error> {
        let listener = self.subscribers.iter().find(|listener| listener.kind == Queue::Events);
        let Some(listener) = listener else { return Ok(0) };
        let types: Vec<_> = events::subscriptions(self.service).collect();
        let mut journal = self.journal(self.plan.since).await?;
        let mut heard = 0;
        while let Some(mut batch) = journal.next().await? {
            batch.retain(|delivery| types.contains(&delivery.routing_key.as_str()));
            // What cannot be read is parked when it comes out of the service's queue.
            let messages: Vec<_> = batch.iter().filter_map(|one| Some((one, read(one)?))).collect();
            let hearing = messages
                .into_iter()
                .map(|(delivery, envelope)| async move { (delivery, self.apply(&listener.reaction, envelope).await) });
            for (delivery, outcome) in all_in_order(hearing).await {
                match outcome {
                    Ok(()) => heard += 1,
                    Err(error) if error.is_transient() => return Err(failed(error)),
                    // As ever: it comes back to the service's queue after a while, and is parked in the end.
                    Err(error) => {
                        let reason = error.to_string();
                        listener.put_aside(journal.channel(), delivery, &reason).await?;
                    }
                }
            }
        }
        Ok(heard)
    }

    async fn apply(&self, reaction: &EventHandler, envelope: Envelope) -> Result<(), ConsumeError> {
        let (reaction, now) = (Arc::clone(reaction), self.clock.now());
        self.db.write(move |tx| reaction(tx, now, &envelope)).await
    }

    /// At last what it knows now; the mark goes with the last page.
    async fn republish_all(&self) -> Result<(), Error> {
        let said = republish_all(self.db, self.clock, self.plan.republish, db::restored::clear);
        said.await.map(drop).map_err(failed)
    }

    async fn journal(&self, since: Option<Timestamp>) -> Result<Reader, Error> {
        Reader::open(self.connection, self.namespace, self.clock, since).await
    }
}

/// Announces everything again, page by page, each in a transaction, and does `last` in that of the last page; says how
/// many pages there were.
pub async fn republish_all(
    db: &Db,
    clock: &Clock,
    republish: Republish,
    last: fn(&Tx) -> Result<(), db::Error>,
) -> Result<u64, db::Error> {
    let (mut after, mut pages) = (None, 0);
    loop {
        let now = clock.now();
        let page = db.write(move |tx| {
            let next = republish(tx, now, after)?;
            if next.is_none() {
                last(tx)?;
            }
            Ok::<_, db::Error>(next)
        });
        after = page.await?;
        pages += 1;
        if after.is_none() {
            return Ok(pages);
        }
    }
}

fn read(delivery: &Delivery) -> Option<Envelope> {
    Envelope::parse(&delivery.data).ok()
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::CatchingUp(error.to_string())
}
