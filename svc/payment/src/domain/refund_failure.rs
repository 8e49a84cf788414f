//! Why a refund failed, in texts for buyer and seller.

/// The payment was never captured.
pub(crate) const NOTHING_CAPTURED: &str = "The payment was not captured, so there is nothing to refund.";

/// The refund exceeds what is left of the payment.
pub(crate) const EXCEEDS_REMAINDER: &str = "The refund exceeds the amount that remains of the payment.";

/// Returns the text for Stripe's error code (<https://docs.stripe.com/error-codes>).
pub(super) fn refusal_message(code: &str) -> &'static str {
    match code {
        "charge_already_refunded" => "The payment has already been refunded in full.",
        "amount_too_large" => EXCEEDS_REMAINDER,
        "charge_disputed" => "The payment was disputed, so the buyer's bank has taken the money back.",
        "insufficient_funds" => "The Stripe account's balance does not cover the refund.",
        _ => "Stripe refused the refund.",
    }
}

/// Returns the text for Stripe's failure reason
/// (<https://docs.stripe.com/api/refunds/object#refund_object-failure_reason>).
pub(super) fn failure_message(reason: Option<&str>) -> &'static str {
    match reason {
        Some("lost_or_stolen_card") => "The buyer's card was reported lost or stolen.",
        Some("expired_or_canceled_card") => "The buyer's card has expired or was cancelled.",
        Some("charge_for_pending_refund_disputed") => {
            "The payment was disputed, so the buyer's bank has taken the money back."
        }
        Some("insufficient_funds") => "The Stripe account's balance does not cover the refund.",
        Some("merchant_request") => "The refund was cancelled.",
        _ => "The buyer's bank rejected the refund.",
    }
}
