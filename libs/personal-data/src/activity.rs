use pagination::Limit;
use poem_openapi::{Object, types::Example};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use values::{Timestamp, UserId};

use crate::end_of_page;

/// What a user has done, as the audit log of a service has recorded it.
#[derive(Clone, PartialEq, Eq, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub struct Activity {
    /// When it happened.
    pub at: Timestamp,
    /// The action, such as `sign-in`.
    pub action: String,
    /// Whose, or which, it was done to.
    #[oai(skip_serializing_if_is_none)]
    pub subject: Option<String>,
    /// The network: an IPv4 address, or an IPv6 network of 64 bits.
    #[oai(skip_serializing_if_is_none)]
    pub network: Option<String>,
    /// `ok`, or why it was refused.
    pub result: String,
    /// The number of times, within a minute.
    pub count: u32,
}

/// A position in the activity of a user.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ActivityPosition(audit::ActorPosition);

/// Returns a page of the activity of a user after a position, sorted by action and time, and the position of the next page.
pub fn activity(
    conn: &Connection,
    user: UserId,
    after: Option<&ActivityPosition>,
    limit: Limit,
) -> Result<(Vec<Activity>, Option<ActivityPosition>), db::Error> {
    let after = after.map(|after| &after.0);
    let mut rows = audit::records_of_actor(conn, &user.to_string(), after, limit.rows())?;
    let next = end_of_page(
        &mut rows,
        limit,
        |(position, _)| ActivityPosition(position.clone()),
        None,
    );
    let view = |(_, record): (audit::ActorPosition, audit::Record)| Activity {
        at: record.at,
        action: record.action,
        subject: record.subject,
        network: record.network,
        result: record.result,
        count: record.count,
    };
    Ok((rows.into_iter().map(view).collect(), next))
}

impl Example for Activity {
    fn example() -> Self {
        Self {
            at: Timestamp::from_millis(1_811_878_200_000),
            action: "sign-in".to_owned(),
            subject: Some("01936f5e-8c1b-7a51-8f0e-5f1d2c3b4a59".to_owned()),
            network: Some("192.0.2.7/32".to_owned()),
            result: "ok".to_owned(),
            count: 1,
        }
    }
}
