use std::time::Duration;

use chassis::Job;
use db::Db;
use sealing::EncryptionKeys;
use values::Clock;

use crate::{store, use_cases::decide_mails};

/// The longest time until a requested mail is on its way.
const DECISION_INTERVAL: Duration = Duration::from_secs(1);

/// Decides the mails that were requested for addresses, after the responses.
pub(crate) fn decide_mails_job(db: &Db, clock: &Clock, mail_keys: EncryptionKeys) -> Job {
    let (db, clock) = (db.clone(), clock.clone());
    Job::every(DECISION_INTERVAL, "decide mails", move || {
        decide_all(db.clone(), clock.clone(), mail_keys.clone())
    })
}

async fn decide_all(db: Db, clock: Clock, mail_keys: EncryptionKeys) {
    loop {
        let (now, keys) = (clock.now(), mail_keys.clone());
        // Most of the time there are none: then nothing is written.
        let decided = match db.read_internal(store::mail_requests).await {
            Ok(waiting) if waiting.is_empty() => return,
            Ok(_) => db.write(move |tx| decide_mails(tx, now, &keys)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = decided {
            tracing::warn!(%error, "requested mails could not be decided, will retry");
            return;
        }
    }
}
