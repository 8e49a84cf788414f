//! `POST /payments/webhook`: the letter box.

use poem::{Request, RequestBody, error::ReadBodyError, web::Data};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions, OpenApi,
    param::Header,
    registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef},
};
use problem::{Problem, statuses};

use super::app::{App, Tag};
use crate::use_cases::note;

/// The longest letter that is read, in bytes: an intent with all the metadata that Stripe allows, several times over.
const LIMIT: usize = 192 * 1024;

/// The HTTP operations for Stripe itself.
#[derive(Debug)]
pub struct WebhookApi;

#[derive(ApiResponse)]
enum Heard {
    /// Taken note of, or nothing that matters here. It need not be told again.
    #[oai(status = 204)]
    Heard,
}

statuses! {
    /// Why a letter is not taken.
    NotHeard {
        400 => "It is not signed by Stripe, not of these minutes, or no event.",
        404 => "No signing secret is configured, so that no letter can be believed.",
    }
}

#[OpenApi(prefix_path = "/api/v1/payments", tag = "Tag::Payments")]
impl WebhookApi {
    /// Hear of an event
    ///
    /// For Stripe: register this address as a webhook endpoint, for the events `payment_intent.*`, `charge.*` and
    /// `refund.*`, and configure its signing secret. An event only says which payment to look at; what has become of it
    /// is asked of Stripe.
    #[oai(path = "/webhook", method = "post", operation_id = "hearStripe")]
    async fn hear(
        &self,
        app: Data<&App>,
        /// When it was sent and what proves it: `t=…,v1=…`.
        #[oai(name = "Stripe-Signature")]
        signature: Header<Option<String>>,
        body: Raw,
    ) -> Result<Heard, NotHeard> {
        if !app.mailbox.is_open() {
            return Err(Problem::not_found("webhooks are not listened to: no signing secret is configured").into());
        }
        let now = app.clock.now();
        let letter = app.mailbox.open(&body.0, &signature.0.unwrap_or_default(), now);
        let letter = letter.map_err(|error| {
            tracing::warn!(%error, "a webhook was refused");
            Problem::malformed(error)
        })?;
        let kind = letter.kind.clone();
        let effect = app.db.write(move |tx| note(tx, now, &letter)).await?;
        app.mailbox.count(&kind, effect);
        tracing::debug!(kind, ?effect, "Stripe told of an event");
        Ok(Heard::Heard)
    }
}

/// A JSON body as it came, byte for byte: that is what is signed.
struct Raw(Vec<u8>);

impl<'a> ApiExtractor<'a> for Raw {
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
        if !request
            .content_type()
            .is_some_and(|kind| kind.starts_with("application/json"))
        {
            return Err(problem::unsupported(request.content_type()).into());
        }
        match body.take()?.into_bytes_limit(LIMIT).await {
            Ok(bytes) => Ok(Self(bytes.into())),
            Err(ReadBodyError::PayloadTooLarge) => Err(problem::too_large(LIMIT).into()),
            Err(other) => Err(Problem::malformed(format_args!("The body could not be read: {other}.")).into()),
        }
    }
}
