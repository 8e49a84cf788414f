//! Stripe's list of payment intents: how payments are found that the service has no record of.

use std::time::Duration;

use serde::Serialize;
use stripe::StripeError;
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::payment_intent::{ListPaymentIntent, SearchPaymentIntent};
use values::Timestamp;

use super::{
    client::StripeClient,
    error::{log_text, unanswered},
    transport::Operation,
};
use crate::domain::{Intent, Payment, StripeResult};

/// The possible difference between Stripe's clock and the service's.
const CLOCK_SKEW: Duration = Duration::from_mins(5);

/// How long after its start a payment can reach Stripe.
const ARRIVAL_PERIOD: Duration = Duration::from_hours(24);

/// The most intents that a page may have.
const PAGE_SIZE: u8 = 100;

/// The most pages in which one intent is looked for.
const MAX_PAGES: u32 = 50;

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
        (from, to): (Timestamp, Timestamp),
        after: Option<&str>,
    ) -> Result<IntentPage, String> {
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
        let list = self.transport.observe(Operation::ListIntents, response).await;
        let list = list.map_err(|error| log_text(&error))?;
        let end = list.data.last().map(|intent| intent.id.to_string());
        Ok(IntentPage {
            intents: list.data.into_iter().map(Intent::from).collect(),
            next: end.filter(|_| list.has_more),
        })
    }

    /// Finds the intent that names a payment, in a bounded number of requests: among the newest of its period, then in Stripe's
    /// search, which shows an intent up to an hour late (<https://docs.stripe.com/search#data-freshness>), or, where an account
    /// has no search, in more of its list.
    pub(super) async fn find_intent(&self, payment: &Payment) -> StripeResult {
        let id = payment.id().to_string();
        let period = (
            payment.state().created_at - CLOCK_SKEW,
            payment.state().created_at + ARRIVAL_PERIOD,
        );
        let mut after = None;
        for number in 0..MAX_PAGES {
            let page = match self.list_intents(period, after.as_deref()).await {
                Ok(page) => page,
                Err(reason) => return StripeResult::Unknown(reason),
            };
            match (find_named(page.intents, &id), page.next) {
                (Some(intent), _) => return intent.into(),
                (None, None) => return StripeResult::NotFound,
                (None, next) => after = next,
            }
            if number == 0
                && let Some(result) = self.search_intent(&id).await
            {
                return result;
            }
        }
        StripeResult::Unknown("Stripe has too many intents of that day to list".to_owned())
    }

    /// Searches the intent that names a payment. `None` if the account has no search.
    async fn search_intent(&self, payment_id: &str) -> Option<StripeResult> {
        // Ids have nothing that a query would have to escape.
        let request = SearchPaymentIntent::new(format!("metadata['payment_id']:'{payment_id}'"))
            .expand(["data.latest_charge".to_owned()]);
        let response = request.send(self.transport.client());
        match self.transport.observe(Operation::SearchIntents, response).await {
            Ok(list) => {
                let intents = list.data.into_iter().map(Intent::from).collect();
                Some(find_named(intents, payment_id).map_or(StripeResult::NotFound, StripeResult::from))
            }
            Err(StripeError::Stripe(_, 400 | 403 | 404)) => None,
            Err(error) => Some(unanswered(&error)),
        }
    }
}

fn find_named(intents: Vec<Intent>, payment_id: &str) -> Option<Intent> {
    let names = |intent: &Intent| intent.payment_id.as_deref() == Some(payment_id);
    intents.into_iter().find(names)
}
