//! Stripe's list of payment intents, and its search: how payments are found that the service has no record of.

use std::time::Duration;

use serde::Serialize;
use stripe::StripeError;
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::payment_intent::{ListPaymentIntent, SearchPaymentIntent};
use values::Timestamp;

use super::{
    client::StripeClient,
    error::{log_text, read_failure},
    transport::Operation,
};
use crate::domain::{Intent, Payment, StripeResult};

/// The possible difference between Stripe's clock and the service's.
const CLOCK_SKEW: Duration = Duration::from_mins(5);

/// How long after its start a payment can reach Stripe.
const ARRIVAL_PERIOD: Duration = Duration::from_hours(24);

/// The most intents that a page may have.
const PAGE_SIZE: u8 = 100;

/// The pause before each page of a list that is read to its end: far below Stripe's rate limit
/// (<https://docs.stripe.com/rate-limits>).
const PAGE_PAUSE: Duration = Duration::from_millis(100);

/// The pauses before repeated requests for a page of that list.
const PAGE_RETRY_PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(16)];

/// A page of intents, newest first.
#[derive(Debug)]
pub(crate) struct IntentPage {
    pub(crate) intents: Vec<Intent>,
    /// The cursor of the next page.
    pub(crate) next: Option<String>,
}

/// The request for a page of intents (<https://docs.stripe.com/api/payment_intents/list>).
#[derive(Serialize)]
struct ListIntents<'a> {
    created: CreatedBetween,
    limit: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    starting_after: Option<&'a str>,
    /// Includes the charge, which contains the refunded amount.
    expand: [&'static str; 1],
}

#[derive(Serialize)]
struct CreatedBetween {
    gte: i64,
    lte: i64,
}

impl StripeRequest for ListIntents<'_> {
    type Output = <ListPaymentIntent as StripeRequest>::Output;

    fn build(&self) -> RequestBuilder {
        RequestBuilder::new(StripeMethod::Get, "/payment_intents").query(self)
    }
}

impl StripeClient {
    /// Returns a page of all intents of the account that were created in a period; on failure the reason, for the log.
    pub(crate) async fn list_intents(
        &self,
        period: (Timestamp, Timestamp),
        after: Option<&str>,
    ) -> Result<IntentPage, String> {
        let page = self.intent_page(period, after).await;
        page.map_err(|error| log_text(&error))
    }

    async fn intent_page(
        &self,
        (from, to): (Timestamp, Timestamp),
        after: Option<&str>,
    ) -> Result<IntentPage, StripeError> {
        let request = ListIntents {
            created: CreatedBetween {
                gte: from.seconds(),
                lte: to.seconds(),
            },
            limit: PAGE_SIZE,
            starting_after: after,
            expand: ["data.latest_charge"],
        };
        let request = request.customize();
        let response = request.send(self.transport.client());
        let list = self.transport.observe(Operation::ListIntents, response).await?;
        let end = list.data.last().map(|intent| intent.id.to_string());
        Ok(IntentPage {
            intents: list.data.into_iter().map(Intent::from).collect(),
            next: end.filter(|_| list.has_more),
        })
    }

    /// Finds the intent that names a payment: among the newest of its period, then in Stripe's search, which takes one request
    /// however many there are. Where an account has no search, the whole list is read if it `reads_list`.
    pub(super) async fn find_intent(&self, payment: &Payment, reads_list: bool) -> StripeResult {
        let id = payment.id().to_string();
        let period = (
            payment.state().created_at - CLOCK_SKEW,
            payment.state().created_at + ARRIVAL_PERIOD,
        );
        let newest = match self.intent_page(period, None).await {
            Ok(page) => page,
            Err(error) => return read_failure(&error),
        };
        let next = match (find_named(newest.intents, &id), newest.next) {
            (Some(intent), _) => return intent.into(),
            (None, None) => return StripeResult::NotFound,
            (None, Some(next)) => next,
        };
        match Box::pin(self.search_intent(&id)).await {
            Some(result) => result,
            None if reads_list => Box::pin(self.read_list(&id, period, next)).await,
            None => StripeResult::NotShown,
        }
    }

    /// Finds the intent that names a payment in the list after the newest page, which was read just before. New intents come
    /// before that page, so the end of the list shows that the intent is missing.
    async fn read_list(&self, payment_id: &str, period: (Timestamp, Timestamp), newest: String) -> StripeResult {
        let mut after = newest;
        loop {
            let page = match self.next_page(period, &after).await {
                Ok(page) => page,
                Err(error) => return read_failure(&error),
            };
            after = match (find_named(page.intents, payment_id), page.next) {
                (Some(intent), _) => return intent.into(),
                (None, Some(next)) => next,
                (None, None) => return StripeResult::NotFound,
            };
        }
    }

    /// Returns the next page of a list that is read to its end. A failed request is repeated, because the list would have to be
    /// read anew.
    async fn next_page(&self, period: (Timestamp, Timestamp), after: &str) -> Result<IntentPage, StripeError> {
        tokio::time::sleep(PAGE_PAUSE).await;
        let mut page = self.intent_page(period, Some(after)).await;
        for pause in PAGE_RETRY_PAUSES {
            if page.is_ok() {
                break;
            }
            tokio::time::sleep(pause).await;
            page = self.intent_page(period, Some(after)).await;
        }
        page
    }

    /// Searches the intent that names a payment. `None` if the account has no search.
    async fn search_intent(&self, payment_id: &str) -> Option<StripeResult> {
        // Ids have nothing that a query would have to escape.
        let request = SearchPaymentIntent::new(format!("metadata['payment_id']:'{payment_id}'"));
        let response = request.send(self.transport.client());
        let found = match self.transport.observe(Operation::SearchIntents, response).await {
            Ok(list) => find_named(list.data.into_iter().map(Intent::from).collect(), payment_id),
            Err(StripeError::Stripe(_, 400 | 403 | 404)) => return None,
            Err(error) => return Some(read_failure(&error)),
        };
        let Some(found) = found else {
            return Some(StripeResult::NotShown);
        };
        // Search may show a former state of it.
        Some(self.retrieve_intent(&found.id).await.or_not_shown())
    }
}

fn find_named(intents: Vec<Intent>, payment_id: &str) -> Option<Intent> {
    let names = |intent: &Intent| intent.payment_id.as_deref() == Some(payment_id);
    intents.into_iter().find(names)
}
