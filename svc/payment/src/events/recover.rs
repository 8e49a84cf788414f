//! What a database that was put back from a backup has to catch up with.

use std::time::Duration;

use db::Db;
use values::Clock;

use crate::{domain::Amnesia, store};

/// How far before the newest payment that is known others may be missing.
const SLACK: Duration = Duration::from_mins(10);

/// An authorisation lives for seven days (<https://docs.stripe.com/payments/place-a-hold-on-a-payment-method>): what is
/// older moves no more. So far back is looked where not a single payment is known.
const LIFETIME: Duration = Duration::from_hours(7 * 24);

/// Remembers, should the database have been put back from a backup, that payments may be missing.
pub(crate) async fn begin_remembering(db: &Db, clock: &Clock) -> Result<(), db::Error> {
    let now = clock.now();
    let marked = db.read(|conn| Ok::<_, db::Error>((db::restored::is_marked(conn)?, store::newest(conn)?)));
    if let (true, newest) = marked.await? {
        let since = newest.map_or(now - LIFETIME, |newest| newest - SLACK);
        let amnesia = Amnesia { since, began_at: now };
        db.write(move |tx| store::keep_amnesia(tx, amnesia)).await?;
    }
    Ok(())
}

/// Has all money looked at that was taken lately, should the database have been put back from a backup: what was given back
/// or disputed since is not known here.
pub(crate) async fn begin_looking_after(db: &Db, clock: &Clock) -> Result<(), db::Error> {
    if db.read(db::restored::is_marked).await? {
        let now = clock.now();
        db.write(move |tx| store::look_after_all(tx, now)).await?;
    }
    Ok(())
}
