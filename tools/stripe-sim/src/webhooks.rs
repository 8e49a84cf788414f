//! `/v1/webhook_endpoints`, and which event is still to be told to whom.

use std::collections::BTreeMap;

use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    error::StripeError,
    events::Event,
    form::Params,
    id,
    routes::Answer,
    store::{Object, Tx},
};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "object", rename = "webhook_endpoint")]
pub(crate) struct WebhookEndpoint {
    id: String,
    api_version: Option<String>,
    application: (),
    created: i64,
    description: Option<String>,
    enabled_events: Vec<String>,
    livemode: bool,
    metadata: BTreeMap<String, String>,
    status: String,
    pub(crate) url: String,
}

impl Object for WebhookEndpoint {
    const KIND: &'static str = "webhook_endpoint";
    const NOUN: &'static str = "webhook endpoint";

    fn id(&self) -> &str {
        &self.id
    }
}

/// The signing secret, which is shown once: in the answer to the creation.
#[derive(Debug, Serialize, Deserialize)]
struct Inner {
    secret: String,
}

pub(crate) fn create(tx: &Tx<'_>, params: &Params) -> Result<Answer, StripeError> {
    params.only(&[
        "url",
        "enabled_events",
        "description",
        "metadata",
        "api_version",
        "connect",
    ])?;
    let secret = format!("whsec_{}", id::random(32)?);
    let mut endpoint = WebhookEndpoint {
        id: id::new("we")?,
        api_version: params.text("api_version")?.map(str::to_owned),
        application: (),
        created: tx.now.seconds(),
        description: None,
        enabled_events: Vec::new(),
        livemode: false,
        metadata: BTreeMap::new(),
        status: "enabled".to_owned(),
        url: String::new(),
    };
    params.required_text("url")?;
    if params.list("enabled_events")?.is_empty() {
        return Err(StripeError::missing("enabled_events"));
    }
    endpoint.change(params)?;
    endpoint.save(tx, &secret)?;
    let mut shown = serde_json::to_value(&endpoint)?;
    shown["secret"] = Value::String(secret);
    Answer::ok(&shown)
}

/// Makes sure that exactly one endpoint has this URL, with this secret: what a configuration says, at every start.
pub(crate) fn configure(tx: &Tx<'_>, url: &str, secret: &str, enabled_events: &[String]) -> Result<(), StripeError> {
    let mut same = tx
        .all::<WebhookEndpoint>()?
        .into_iter()
        .filter(|endpoint| endpoint.url == url);
    let endpoint = WebhookEndpoint {
        id: same.next().map_or_else(|| id::new("we"), |endpoint| Ok(endpoint.id))?,
        api_version: None,
        application: (),
        created: tx.now.seconds(),
        description: None,
        enabled_events: enabled_events.to_vec(),
        livemode: false,
        metadata: BTreeMap::new(),
        status: "enabled".to_owned(),
        url: url.to_owned(),
    };
    endpoint.save(tx, secret)?;
    same.try_for_each(|duplicate| tx.delete(&duplicate.id))
}

pub(crate) fn retrieve(tx: &Tx<'_>, id: &str) -> Result<Answer, StripeError> {
    Answer::ok(&tx.get_by_path::<WebhookEndpoint>(id, "id")?)
}

pub(crate) fn list(tx: &Tx<'_>, params: &Params) -> Result<Answer, StripeError> {
    params.only(&["limit", "starting_after", "ending_before"])?;
    Answer::ok(&tx.list::<WebhookEndpoint>("/v1/webhook_endpoints", params, &[])?)
}

pub(crate) fn update(tx: &Tx<'_>, id: &str, params: &Params) -> Result<Answer, StripeError> {
    params.only(&["url", "enabled_events", "description", "metadata", "disabled"])?;
    let mut endpoint: WebhookEndpoint = tx.get_by_path(id, "id")?;
    endpoint.change(params)?;
    tx.save(&endpoint)?;
    Answer::ok(&endpoint)
}

pub(crate) fn delete(tx: &Tx<'_>, id: &str) -> Result<Answer, StripeError> {
    let endpoint: WebhookEndpoint = tx.get_by_path(id, "id")?;
    tx.delete(&endpoint.id)?;
    tx.sql
        .execute("DELETE FROM delivery WHERE endpoint = ?1", [&endpoint.id])?;
    Answer::ok(&json!({ "id": endpoint.id, "object": WebhookEndpoint::KIND, "deleted": true }))
}

impl WebhookEndpoint {
    fn change(&mut self, params: &Params) -> Result<(), StripeError> {
        if let Some(text) = params.text("url")? {
            if !url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
                let message = "Invalid URL: An explicit scheme (such as https) must be provided.";
                return Err(StripeError::refused(Some("url_invalid"), message.to_owned()).about("url"));
            }
            text.clone_into(&mut self.url);
        }
        let events = params.list("enabled_events")?;
        if !events.is_empty() {
            self.enabled_events = events.into_iter().map(str::to_owned).collect();
        }
        if let Some(text) = params.text("description")? {
            self.description = Some(text.to_owned());
        }
        if let Some(disabled) = params.boolean("disabled")? {
            if disabled { "disabled" } else { "enabled" }.clone_into(&mut self.status);
        }
        params.merge_metadata(&mut self.metadata)
    }

    fn save(&self, tx: &Tx<'_>, secret: &str) -> Result<(), StripeError> {
        tx.save(self)?;
        tx.save_inner(
            &self.id,
            &Inner {
                secret: secret.to_owned(),
            },
        )
    }

    fn wants(&self, kind: &str) -> bool {
        self.status == "enabled" && self.enabled_events.iter().any(|event| event == "*" || event == kind)
    }
}

/// Who is to be told of an event of this kind.
pub(crate) fn listeners(tx: &Tx<'_>, kind: &str) -> Result<Vec<String>, StripeError> {
    let endpoints = tx.all::<WebhookEndpoint>()?;
    Ok(endpoints
        .into_iter()
        .filter(|endpoint| endpoint.wants(kind))
        .map(|endpoint| endpoint.id)
        .collect())
}

pub(crate) fn enqueue(tx: &Tx<'_>, event: &str, endpoints: &[String]) -> Result<(), StripeError> {
    for endpoint in endpoints {
        tx.sql
            .prepare_cached("INSERT INTO delivery (event, endpoint) VALUES (?1, ?2)")?
            .execute(params![event, endpoint])?;
    }
    Ok(())
}

/// Tells an event once more to everybody who wants it, as the dashboard's "Resend" does.
pub(crate) fn resend(tx: &Tx<'_>, id: &str) -> Result<Answer, StripeError> {
    let event: Event = tx.get_by_path(id, "id")?;
    enqueue(tx, &event.id, &listeners(tx, &event.kind)?)?;
    Answer::ok(&event)
}

/// One event for one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Delivery {
    id: i64,
    pub(crate) event: String,
    /// The type of the event.
    pub(crate) kind: String,
    endpoint: String,
}

/// What is still to be told, oldest first.
pub(crate) fn pending(tx: &Tx<'_>) -> Result<Vec<Delivery>, StripeError> {
    let mut query = tx.sql.prepare_cached(
        "SELECT delivery.id, event, endpoint, body ->> '$.type' FROM delivery JOIN object ON object.id = event
             WHERE state = 'pending' ORDER BY delivery.id",
    )?;
    let rows = query.query_map([], |row| {
        Ok(Delivery {
            id: row.get(0)?,
            event: row.get(1)?,
            endpoint: row.get(2)?,
            kind: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What an attempt needs: where to, signed with what, saying what; `None` once the endpoint is gone or disabled.
pub(crate) fn letter(tx: &Tx<'_>, delivery: &Delivery) -> Result<Option<(String, String, String)>, StripeError> {
    let endpoint: Option<WebhookEndpoint> = tx.find(&delivery.endpoint)?;
    let inner: Option<Inner> = tx.inner(&delivery.endpoint)?;
    let event = tx.show(&delivery.event)?;
    Ok(match (endpoint, inner, event) {
        (Some(endpoint), Some(inner), Some(event)) if endpoint.status == "enabled" => {
            Some((endpoint.url, inner.secret, event.to_string()))
        }
        _ => None,
    })
}

/// Records an attempt, and how it ended.
pub(crate) fn attempted(tx: &Tx<'_>, delivery: &Delivery, state: &str) -> Result<(), StripeError> {
    tx.sql
        .prepare_cached("UPDATE delivery SET attempts = attempts + 1, state = ?2 WHERE id = ?1")?
        .execute(params![delivery.id, state])?;
    if state == "delivered"
        && let Some(mut event) = tx.find::<Event>(&delivery.event)?
    {
        event.pending_webhooks = (event.pending_webhooks - 1).max(0);
        tx.save(&event)?;
    }
    Ok(())
}
