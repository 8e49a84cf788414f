use db::Db;
use input::Query;
use pagination::{Cursor, CursorScope, Limit};
use personal_data::end_of_page;
use poem::web::Data;
use poem_openapi::{Object, OpenApi, Tags, payload::Json, types::Example};
use problem::problem_responses;
use rusqlite::Connection;
use token::SignedIn;
use values::{MailId, Timestamp};

use crate::{domain::Mail, store};

/// The state of the handlers.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) db: Db,
}

/// The HTTP operations of the notification service.
#[derive(Debug)]
pub struct Api;

#[derive(Tags)]
enum Tag {
    /// Mails to people.
    Notifications,
}

problem_responses! {
    /// Why personal data is not exported.
    GetPersonalDataProblem {
        400 => "A parameter is unknown, repeated or malformed, or the cursor belongs to another user; the response names it.",
    }
}

#[OpenApi(prefix_path = "/api/v1/notifications", tag = "Tag::Notifications")]
impl Api {
    /// Get your personal data in this service
    ///
    /// Your account as this service has it, and the mails to it, in pages until `nextCursor` is `null`. Mails are deleted after
    /// some weeks.
    #[oai(
        path = "/personal-data",
        method = "get",
        operation_id = "getNotificationPersonalData"
    )]
    async fn get_personal_data(
        &self,
        app: Data<&App>,
        user: SignedIn,
        /// The maximum number of items.
        limit: Query<Limit>,
        /// `nextCursor` of the previous page.
        cursor: Query<Option<Cursor<MailId>>>,
    ) -> Result<Json<NotificationData>, GetPersonalDataProblem> {
        let (user, limit) = (user.user_id, limit.0);
        let scope = CursorScope::new("getNotificationPersonalData", &user);
        let before = scope.position(cursor.0)?;
        let read = move |conn: &Connection| {
            Ok::<_, db::Error>((
                store::account(conn, user)?,
                store::mails_of_account(conn, user, before, limit.rows())?,
            ))
        };
        let (account, mut mails) = app.db.read(read).await?;
        let next = end_of_page(&mut mails, limit, |mail| mail.id, None);
        let (email, name, language) = account.map_or((None, None, None), |account| {
            (account.email, account.name, Some(account.language.to_string()))
        });
        Ok(Json(NotificationData {
            email,
            name,
            language,
            mails: mails.into_iter().map(Into::into).collect(),
            next_cursor: next.map(|next| scope.cursor(next)),
        }))
    }
}

/// The personal data that the notification service stores about a user.
#[derive(Object)]
#[oai(rename = "NotificationPersonalData", rename_all = "camelCase", example)]
struct NotificationData {
    /// The address that mails go to.
    #[oai(skip_serializing_if_is_none)]
    email: Option<String>,
    /// The name in mails.
    #[oai(skip_serializing_if_is_none)]
    name: Option<String>,
    /// The language of mails.
    #[oai(skip_serializing_if_is_none)]
    language: Option<String>,
    /// The mails, the newest first.
    #[oai(validator(max_items = "100"))]
    mails: Vec<StoredMail>,
    /// Send it as `cursor` for the next page; `null` on the last one.
    #[oai(nullable)]
    next_cursor: Option<String>,
}

/// A mail that is stored.
#[derive(Object)]
#[oai(rename_all = "camelCase", example)]
struct StoredMail {
    /// The mail.
    id: MailId,
    /// What it is about, such as `order-confirmed`.
    kind: String,
    /// Its state, such as `sent`.
    state: String,
    /// The address, if it is not that of the account.
    #[oai(skip_serializing_if_is_none)]
    address: Option<String>,
    /// When it was requested.
    created_at: Timestamp,
    /// When it was sent, or ended without being sent.
    #[oai(skip_serializing_if_is_none)]
    ended_at: Option<Timestamp>,
}

impl From<Mail> for StoredMail {
    fn from(mail: Mail) -> Self {
        Self {
            id: mail.id,
            kind: mail.kind.to_string(),
            state: mail.state.to_string(),
            address: mail.address,
            created_at: mail.created_at,
            ended_at: mail.ended_at,
        }
    }
}

impl Example for StoredMail {
    fn example() -> Self {
        let requested = Timestamp::from_millis(1_811_878_200_000);
        Self {
            id: MailId::example(),
            kind: "order-confirmed".to_owned(),
            state: "sent".to_owned(),
            address: None,
            created_at: requested,
            ended_at: Some(requested + std::time::Duration::from_secs(2)),
        }
    }
}

impl Example for NotificationData {
    fn example() -> Self {
        Self {
            email: Some("ada@example.com".to_owned()),
            name: Some("Ada Lovelace".to_owned()),
            language: Some("en".to_owned()),
            mails: vec![StoredMail::example()],
            next_cursor: None,
        }
    }
}
