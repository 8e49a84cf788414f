//! The payment intent and its state machine (<https://docs.stripe.com/payments/paymentintents/lifecycle>).

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use values::Timestamp;

use crate::{
    error::{ErrorBody, StripeError},
    store::{Object, Tx},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    /// A payment method that settles later. Cards never enter this state; its rules are here for completeness.
    Processing,
    RequiresCapture,
    Canceled,
    Succeeded,
}

use Status::{
    Canceled, Processing, RequiresAction, RequiresCapture, RequiresConfirmation, RequiresPaymentMethod, Succeeded,
};

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RequiresPaymentMethod => "requires_payment_method",
            RequiresConfirmation => "requires_confirmation",
            RequiresAction => "requires_action",
            Processing => "processing",
            RequiresCapture => "requires_capture",
            Canceled => "canceled",
            Succeeded => "succeeded",
        })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "object", rename = "payment_intent")]
pub(crate) struct PaymentIntent {
    pub(crate) id: String,
    pub(crate) allowed_payment_method_types: Option<Vec<String>>,
    pub(crate) amount: i64,
    pub(crate) amount_capturable: i64,
    amount_details: Value,
    pub(crate) amount_received: i64,
    application: (),
    application_fee_amount: (),
    pub(crate) automatic_payment_methods: Option<AutomaticPaymentMethods>,
    canceled_at: Option<i64>,
    cancellation_reason: Option<String>,
    pub(crate) capture_method: String,
    pub(crate) client_secret: String,
    confirmation_method: String,
    created: i64,
    pub(crate) currency: String,
    customer: (),
    pub(crate) description: Option<String>,
    excluded_payment_method_types: (),
    pub(crate) last_payment_error: Option<ErrorBody>,
    pub(crate) latest_charge: Option<String>,
    livemode: bool,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) next_action: Option<Value>,
    on_behalf_of: (),
    pub(crate) payment_method: Option<String>,
    payment_method_configuration_details: (),
    payment_method_options: Value,
    payment_method_types: Vec<String>,
    processing: (),
    pub(crate) receipt_email: Option<String>,
    review: (),
    setup_future_usage: (),
    shipping: (),
    pub(crate) statement_descriptor: Option<String>,
    pub(crate) statement_descriptor_suffix: Option<String>,
    pub(crate) status: Status,
    transfer_data: (),
    pub(crate) transfer_group: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AutomaticPaymentMethods {
    pub(crate) allow_redirects: String,
    pub(crate) enabled: bool,
}

impl Object for PaymentIntent {
    const KIND: &'static str = "payment_intent";
    const NOUN: &'static str = "payment_intent";

    fn id(&self) -> &str {
        &self.id
    }
}

impl PaymentIntent {
    /// Returns every intent, oldest first.
    pub(crate) fn all(tx: &Tx<'_>) -> Result<Vec<Self>, StripeError> {
        tx.all()
    }

    /// Returns an intent without a payment method.
    pub(crate) fn new(id: String, client_secret: String, amount: i64, currency: String, now: Timestamp) -> Self {
        Self {
            id,
            allowed_payment_method_types: None,
            amount,
            amount_capturable: 0,
            amount_details: json!({ "tip": {} }),
            amount_received: 0,
            application: (),
            application_fee_amount: (),
            automatic_payment_methods: None,
            canceled_at: None,
            cancellation_reason: None,
            capture_method: "automatic_async".to_owned(),
            client_secret,
            confirmation_method: "automatic".to_owned(),
            created: now.seconds(),
            currency,
            customer: (),
            description: None,
            excluded_payment_method_types: (),
            last_payment_error: None,
            latest_charge: None,
            livemode: false,
            metadata: BTreeMap::new(),
            next_action: None,
            on_behalf_of: (),
            payment_method: None,
            payment_method_configuration_details: (),
            payment_method_options: json!({
                "card": {
                    "installments": null, "mandate_options": null, "network": null,
                    "request_three_d_secure": "automatic",
                },
            }),
            payment_method_types: vec!["card".to_owned()],
            processing: (),
            receipt_email: None,
            review: (),
            setup_future_usage: (),
            shipping: (),
            statement_descriptor: None,
            statement_descriptor_suffix: None,
            status: RequiresPaymentMethod,
            transfer_data: (),
            transfer_group: None,
        }
    }

    /// Returns the intent as the API shows it.
    pub(crate) fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    pub(crate) fn has_manual_capture(&self) -> bool {
        self.capture_method == "manual"
    }

    /// Whether it waits for the cardholder.
    pub(crate) fn requires_action(&self) -> bool {
        self.status == RequiresAction
    }

    /// Attaches a payment method. The intent then needs confirmation.
    pub(crate) fn attach(&mut self, method: &str) -> Result<(), StripeError> {
        self.check_editable("payment_method")?;
        self.payment_method = Some(method.to_owned());
        self.next_action = None;
        self.status = RequiresConfirmation;
        Ok(())
    }

    /// Fails unless the amount, currency and payment method can still change; `what` names the field.
    pub(crate) fn check_editable(&self, what: &str) -> Result<(), StripeError> {
        if matches!(
            self.status,
            RequiresPaymentMethod | RequiresConfirmation | RequiresAction
        ) {
            return Ok(());
        }
        Err(self.state_error(format!(
            "This PaymentIntent's {what} could not be updated because it has a status of {}. You may only update the \
             {what} of a PaymentIntent with one of the following statuses: requires_payment_method, \
             requires_confirmation, requires_action.",
            self.status
        )))
    }

    pub(crate) fn check_confirmable(&self) -> Result<(), StripeError> {
        match self.status {
            RequiresPaymentMethod | RequiresConfirmation | RequiresAction => Ok(()),
            Succeeded => Err(self.state_error(
                "You cannot confirm this PaymentIntent because it has already succeeded after being previously \
                 confirmed."
                    .to_owned(),
            )),
            status => Err(self.state_error(format!(
                "You cannot confirm this PaymentIntent because it has a status of {status}. Only a PaymentIntent with \
                 one of the following statuses may be confirmed: requires_confirmation, requires_action."
            ))),
        }
    }

    /// Returns the error of an operation that the status forbids. It shows the intent.
    pub(crate) fn state_error(&self, message: String) -> StripeError {
        StripeError::unexpected_state(message).with_intent(self.to_json())
    }

    /// Starts an attempt with a payment method and clears the result of an earlier one.
    pub(crate) fn start_attempt(&mut self, method: &str) {
        self.payment_method = Some(method.to_owned());
        self.last_payment_error = None;
        self.next_action = None;
    }

    /// Waits for the cardholder.
    pub(crate) fn require_action(&mut self, action: Value) {
        self.status = RequiresAction;
        self.next_action = Some(action);
    }

    /// Records an approved charge: authorised if the capture is manual, else captured.
    pub(crate) fn approve(&mut self, charge: &str) {
        self.latest_charge = Some(charge.to_owned());
        self.next_action = None;
        if self.has_manual_capture() {
            self.amount_capturable = self.amount;
            self.status = RequiresCapture;
        } else {
            self.amount_received = self.amount;
            self.status = Succeeded;
        }
    }

    /// Records a failed attempt. The intent loses its payment method and needs another.
    pub(crate) fn decline(&mut self, error: ErrorBody) {
        self.latest_charge = error.charge.clone().or(self.latest_charge.take());
        self.last_payment_error = Some(error);
        self.payment_method = None;
        self.next_action = None;
        self.status = RequiresPaymentMethod;
    }

    /// Captures `amount`, or all when `None`, and releases the rest. Returns the captured amount.
    pub(crate) fn capture(&mut self, amount: Option<i64>) -> Result<i64, StripeError> {
        match self.status {
            RequiresCapture => {}
            Succeeded => {
                let text = "This PaymentIntent could not be captured because it has already been captured.";
                return Err(self.state_error(text.to_owned()));
            }
            status => {
                return Err(self.state_error(format!(
                    "This PaymentIntent could not be captured because it has a status of {status}. Only a \
                     PaymentIntent with one of the following statuses may be captured: requires_capture."
                )));
            }
        }
        let amount = amount.unwrap_or(self.amount_capturable);
        if amount > self.amount_capturable {
            let text = format!(
                "The requested capture amount is greater than the amount you can capture ({}) for this charge.",
                self.amount_capturable
            );
            return Err(StripeError::refused(Some("amount_too_large"), text).with_param("amount_to_capture"));
        }
        self.amount_capturable = 0;
        self.amount_received = amount;
        self.status = Succeeded;
        Ok(amount)
    }

    /// Cancels the intent. Returns whether it had an authorisation, which the caller voids.
    pub(crate) fn cancel(&mut self, reason: Option<&str>, now: Timestamp) -> Result<bool, StripeError> {
        if matches!(self.status, Succeeded | Canceled) {
            return Err(self.state_error(format!(
                "You cannot cancel this PaymentIntent because it has a status of {}. Only a PaymentIntent with one of \
                 the following statuses may be canceled: requires_payment_method, requires_capture, \
                 requires_confirmation, requires_action, processing.",
                self.status
            )));
        }
        let authorised = self.status == RequiresCapture;
        self.status = Canceled;
        self.amount_capturable = 0;
        self.next_action = None;
        self.canceled_at = Some(now.seconds());
        self.cancellation_reason = reason.map(str::to_owned);
        Ok(authorised)
    }
}

#[cfg(test)]
mod tests;
