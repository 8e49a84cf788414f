//! Why a refund failed, in texts for buyer and seller.

/// The payment was never captured.
pub(crate) const NOTHING_CAPTURED: &str = "Nothing was taken with this payment.";

/// The refund exceeds what is left of the payment.
pub(crate) const EXCEEDS_REMAINDER: &str = "More was asked for than is left of the payment.";

/// Returns the text for Stripe's error code (<https://docs.stripe.com/error-codes>).
pub(super) fn refusal_message(code: &str) -> &'static str {
    match code {
        "charge_already_refunded" => "All of the payment has been given back already.",
        "amount_too_large" => EXCEEDS_REMAINDER,
        "charge_disputed" => "The buyer's bank has taken the payment back.",
        "insufficient_funds" => "There is not enough money at Stripe to give it back.",
        _ => "Stripe does not give the money back.",
    }
}

/// Returns the text for Stripe's failure reason
/// (<https://docs.stripe.com/api/refunds/object#refund_object-failure_reason>).
pub(super) fn failure_message(reason: Option<&str>) -> &'static str {
    match reason {
        Some("lost_or_stolen_card") => "The buyer's card was reported lost or stolen.",
        Some("expired_or_canceled_card") => "The buyer's card has expired or was cancelled.",
        Some("charge_for_pending_refund_disputed") => "The buyer's bank has taken the payment back.",
        Some("insufficient_funds") => "There is not enough money at Stripe to give it back.",
        Some("merchant_request") => "It was called off.",
        _ => "The buyer's bank does not take it.",
    }
}
