//! Why money did not go back, in words that buyer and seller may read.

/// There is nothing to give back.
pub(crate) const NOTHING: &str = "Nothing was taken with this payment.";

/// More was asked for than is left.
pub(crate) const TOO_MUCH: &str = "More was asked for than is left of the payment.";

/// Why Stripe would not give it back (<https://docs.stripe.com/error-codes>).
pub(super) fn refused(code: &str) -> &'static str {
    match code {
        "charge_already_refunded" => "All of the payment has been given back already.",
        "amount_too_large" => TOO_MUCH,
        "charge_disputed" => "The buyer's bank has taken the payment back.",
        "insufficient_funds" => "There is not enough money at Stripe to give it back.",
        _ => "Stripe does not give the money back.",
    }
}

/// Why a refund did not arrive (<https://docs.stripe.com/api/refunds/object#refund_object-failure_reason>).
pub(super) fn failed(reason: Option<&str>) -> &'static str {
    match reason {
        Some("lost_or_stolen_card") => "The buyer's card was reported lost or stolen.",
        Some("expired_or_canceled_card") => "The buyer's card has expired or was cancelled.",
        Some("charge_for_pending_refund_disputed") => "The buyer's bank has taken the payment back.",
        Some("insufficient_funds") => "There is not enough money at Stripe to give it back.",
        Some("merchant_request") => "It was called off.",
        _ => "The buyer's bank does not take it.",
    }
}
