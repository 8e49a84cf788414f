//! Webhook endpoints: the receivers of events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    error::StripeError,
    form::Params,
    id,
    store::{Object, Tx},
};

/// A receiver of events, by URL.
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

/// The part of an endpoint that the API shows only in the response to its creation.
#[derive(Debug, Serialize, Deserialize)]
struct SigningSecret {
    secret: String,
}

impl WebhookEndpoint {
    /// Returns an enabled endpoint without URL and events.
    pub(crate) fn new(id: String, created: i64) -> Self {
        Self {
            id,
            api_version: None,
            application: (),
            created,
            description: None,
            enabled_events: Vec::new(),
            livemode: false,
            metadata: BTreeMap::new(),
            status: "enabled".to_owned(),
            url: String::new(),
        }
    }

    /// Sets the version that `api_version` names.
    pub(crate) fn set_api_version(&mut self, version: Option<&str>) {
        self.api_version = version.map(str::to_owned);
    }

    /// Returns the signing secret, or `None` if the endpoint is disabled.
    pub(crate) fn active_secret(&self, tx: &Tx<'_>) -> Result<Option<String>, StripeError> {
        let secret: Option<SigningSecret> = tx.private(&self.id)?;
        Ok(secret.filter(|_| self.is_enabled()).map(|inner| inner.secret))
    }

    /// Applies the parameters of a creation or of an update.
    pub(crate) fn change(&mut self, params: &Params) -> Result<(), StripeError> {
        if let Some(text) = params.text("url")? {
            if !url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
                let message = "Invalid URL: An explicit scheme (such as https) must be provided.";
                return Err(StripeError::refused(Some("url_invalid"), message.to_owned()).with_param("url"));
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

    /// Stores the endpoint with its signing secret.
    pub(crate) fn save(&self, tx: &Tx<'_>, secret: &str) -> Result<(), StripeError> {
        tx.save(self)?;
        tx.save_private(
            &self.id,
            &SigningSecret {
                secret: secret.to_owned(),
            },
        )
    }

    fn is_enabled(&self) -> bool {
        self.status == "enabled"
    }

    fn is_subscribed_to(&self, kind: &str) -> bool {
        self.is_enabled() && self.enabled_events.iter().any(|event| event == "*" || event == kind)
    }
}

/// Returns the ids of the enabled endpoints that subscribe to events of this type.
pub(crate) fn subscribers(tx: &Tx<'_>, kind: &str) -> Result<Vec<String>, StripeError> {
    let endpoints = tx.all::<WebhookEndpoint>()?;
    Ok(endpoints
        .into_iter()
        .filter(|endpoint| endpoint.is_subscribed_to(kind))
        .map(|endpoint| endpoint.id)
        .collect())
}

/// Ensures that exactly one endpoint has this URL, with this secret and these events. Called for each configured
/// webhook at every start.
pub(crate) fn configure(tx: &Tx<'_>, url: &str, secret: &str, enabled_events: &[String]) -> Result<(), StripeError> {
    let mut same = tx
        .all::<WebhookEndpoint>()?
        .into_iter()
        .filter(|endpoint| endpoint.url == url);
    let id = same.next().map_or_else(|| id::new("we"), |endpoint| Ok(endpoint.id))?;
    let mut endpoint = WebhookEndpoint::new(id, tx.now.seconds());
    endpoint.enabled_events = enabled_events.to_vec();
    url.clone_into(&mut endpoint.url);
    endpoint.save(tx, secret)?;
    same.try_for_each(|duplicate| tx.delete(&duplicate.id))
}
