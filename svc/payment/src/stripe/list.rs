//! Stripe's list of all intents, which is how what nobody here remembers is found.

use serde::Serialize;
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::payment_intent::ListPaymentIntent;
use values::Timestamp;

use super::{
    client::{ARRIVAL, SKEW, Stripe},
    error::told,
    instrument::Operation,
};
use crate::domain::{Intent, Learned, Payment};

/// Some of the intents, the newest first.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) intents: Vec<Intent>,
    /// Where the list goes on, if it does.
    pub(crate) next: Option<String>,
}

/// The request for a page of intents (<https://docs.stripe.com/api/payment_intents/list>).
#[derive(Serialize)]
struct Intents<'a> {
    created: Created,
    limit: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    starting_after: Option<&'a str>,
    /// With the charge, which tells what was given back.
    expand: [&'static str; 1],
}

#[derive(Serialize)]
struct Created {
    gte: i64,
    lte: i64,
}

impl StripeRequest for Intents<'_> {
    type Output = <ListPaymentIntent as StripeRequest>::Output;

    fn build(&self) -> RequestBuilder {
        RequestBuilder::new(StripeMethod::Get, "/payment_intents").query(self)
    }
}

impl Stripe {
    /// A page of the intents that were made between two moments, whoever made them; or why there is none.
    pub(crate) async fn intents(
        &self,
        (from, to): (Timestamp, Timestamp),
        after: Option<&str>,
    ) -> Result<Page, String> {
        let request = Intents {
            created: Created {
                gte: from.seconds(),
                lte: to.seconds(),
            },
            limit: 100,
            starting_after: after,
            expand: ["data.latest_charge"],
        };
        let list = self
            .observed(Operation::Find, request.customize().send(&self.client))
            .await;
        let list = list.map_err(|error| told(&error))?;
        let end = list.data.last().map(|intent| intent.id.to_string());
        Ok(Page {
            intents: list.data.into_iter().map(Intent::from).collect(),
            next: end.filter(|_| list.has_more),
        })
    }

    /// Looks for the intent of a payment in the list of all that were made around its time.
    pub(super) async fn find(&self, payment: &Payment) -> Learned {
        let id = payment.id.to_string();
        let around = (payment.created_at - SKEW, payment.created_at + ARRIVAL);
        let mut after = None;
        loop {
            let page = match self.intents(around, after.as_deref()).await {
                Ok(page) => page,
                Err(reason) => return Learned::Unknown(reason),
            };
            let found = page
                .intents
                .into_iter()
                .find(|intent| intent.payment_id.as_ref() == Some(&id));
            match (found, page.next) {
                (Some(intent), _) => return intent.into(),
                (None, None) => return Learned::Absent,
                (None, next) => after = next,
            }
        }
    }
}
