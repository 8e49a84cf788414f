//! Why a card was declined, in the language of the buyer.

/// Returns the id of the text for a decline code that the payment service shows to buyers.
pub(super) fn text(code: &str) -> &'static str {
    match code {
        "insufficient_funds" => "order-declined-funds",
        "expired_card" | "invalid_expiry_month" | "invalid_expiry_year" => "order-declined-expired",
        "incorrect_number" | "invalid_number" => "order-declined-number",
        "incorrect_cvc" | "invalid_cvc" => "order-declined-cvc",
        "card_velocity_exceeded" | "withdrawal_count_limit_exceeded" | "invalid_amount" => "order-declined-limit",
        "authentication_required" | "payment_intent_authentication_failure" => "order-declined-authentication",
        "card_not_supported" | "currency_not_supported" | "offline_pin_required" | "online_or_offline_pin_required" => {
            "order-declined-unsupported"
        }
        "approve_with_id" | "issuer_not_available" | "processing_error" | "reenter_transaction" | "try_again_later" => {
            "order-declined-temporary"
        }
        "testmode_decline" | "test_mode_live_card" => "order-declined-test",
        "duplicate_transaction" => "order-declined-duplicate",
        "authorization_lapsed" | "not_reached" => "order-declined-lapsed",
        _ => "order-declined-generic",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_the_buyer_can_act_on_has_a_text_and_any_other_the_generic_one() {
        assert_eq!(text("insufficient_funds"), "order-declined-funds");
        assert_eq!(text("incorrect_cvc"), text("invalid_cvc"));
        for code in ["generic_decline", "not_permitted", "a_code_of_tomorrow", ""] {
            assert_eq!(text(code), "order-declined-generic", "{code}");
        }
    }
}
