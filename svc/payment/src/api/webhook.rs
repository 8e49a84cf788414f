//! The webhook endpoint for Stripe.

use input::Header;
use poem::{FromRequest, Request, RequestBody, web::Data};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions, OpenApi,
    registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef},
};
use problem::{Problem, problem_responses};

use super::app::{App, Tag};
use crate::{domain::EventOutcome, use_cases::record_stripe_event};

/// The maximum size of an event: several times an intent with all the metadata that Stripe allows.
const MAX_BODY_BYTES: usize = 192 * 1024;

/// The operation for Stripe itself.
#[derive(Debug)]
pub struct WebhookApi;

#[derive(ApiResponse)]
enum EventResponse {
    /// The event is stored, or not relevant. Stripe need not repeat it.
    #[oai(status = 204)]
    Received,
}

problem_responses! {
    /// Why an event was refused.
    EventProblem {
        400 => "The body is not signed by Stripe, too old, or no event.",
        404 => "No signing secret is configured, so events cannot be verified.",
    }
}

#[OpenApi(prefix_path = "/api/v1/payments", tag = "Tag::Payments")]
impl WebhookApi {
    /// Receive a Stripe event
    ///
    /// For Stripe: register this URL as a webhook endpoint for the events `payment_intent.*`, `charge.*` and `refund.*`, and
    /// configure its signing secret. An event only names a payment to check; the service then reads its state from
    /// Stripe.
    #[oai(path = "/webhook", method = "post", operation_id = "hearStripe")]
    async fn receive_stripe_event(
        &self,
        app: Data<&App>,
        body: RawBody,
        /// Time and signatures: `t=…,v1=…`.
        #[oai(name = "Stripe-Signature")]
        signature: Header<String>,
    ) -> Result<EventResponse, EventProblem> {
        let now = app.clock.now();
        let event = app.webhook_receiver.read(&body.0, &signature.0, now).map_err(|error| {
            tracing::warn!(%error, "webhook refused");
            Problem::malformed(error)
        })?;
        let kind = event.kind().to_owned();
        // An endpoint that is registered for all events receives several of no interest for each purchase.
        let outcome = if event.is_handled() {
            app.db.write(move |tx| record_stripe_event(tx, now, &event)).await?
        } else {
            EventOutcome::Ignored
        };
        app.webhook_receiver.count(&kind, outcome);
        tracing::debug!(kind, ?outcome, "stripe event received");
        Ok(EventResponse::Received)
    }
}

/// A JSON body, byte for byte as it was signed. It is not read if no signing secret is configured.
struct RawBody(Vec<u8>);

impl<'a> ApiExtractor<'a> for RawBody {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn request_meta() -> Option<MetaRequest> {
        let mut schema = MetaSchema::new("object");
        schema.description = Some("An event of Stripe: <https://docs.stripe.com/api/events/object>");
        schema.example = Some(serde_json::json!({
            "id": "evt_1", "object": "event", "type": "payment_intent.amount_capturable_updated",
            "data": {"object": {"id": "pi_1", "object": "payment_intent", "status": "requires_capture"}},
        }));
        Some(MetaRequest {
            description: None,
            content: vec![MetaMediaType {
                content_type: "application/json",
                schema: MetaSchemaRef::Inline(Box::new(schema)),
            }],
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let app = Data::<&App>::from_request_without_body(request).await?;
        if !app.webhook_receiver.is_configured() {
            return Err(Problem::not_found("webhooks are disabled: no signing secret is configured").into());
        }
        Ok(Self(input::read_json(request, body, MAX_BODY_BYTES).await?.into()))
    }
}
