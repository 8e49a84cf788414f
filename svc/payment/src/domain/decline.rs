//! Why a bank declined a card, in texts for the buyer.
//!
//! Stripe's codes, and which of them a buyer may read: <https://docs.stripe.com/declines/codes>. A reason that would help
//! the holder of a stolen card is replaced by the generic decline.

/// Code and text of a decline whose reason is missing or not public.
const GENERIC: (&str, &str) = (
    "generic_decline",
    "Your card was declined. Try another card or contact your bank.",
);

/// Stripe's code, and the text. Every other code becomes [`GENERIC`].
const PUBLIC_REASONS: &[(&str, &str)] = &[
    (
        "approve_with_id",
        "The payment could not be authorised. Try again or contact your bank.",
    ),
    (
        "authentication_required",
        "Your bank requires you to confirm this payment. Try again and follow your bank's instructions.",
    ),
    (
        "payment_intent_authentication_failure",
        "Your bank could not confirm your identity. Try again or use another card.",
    ),
    (
        "card_not_supported",
        "Your card does not support this type of purchase. Use another card.",
    ),
    (
        "card_velocity_exceeded",
        "Your card has reached its limit. Use another card or contact your bank.",
    ),
    (
        "currency_not_supported",
        "Your card does not support this currency. Use another card.",
    ),
    (
        "duplicate_transaction",
        "A payment of the same amount was made with this card a moment ago. Check whether you have already paid.",
    ),
    ("expired_card", "Your card has expired. Use another card."),
    (
        "incorrect_address",
        "The billing address is incorrect. Correct it or use another card.",
    ),
    (
        "incorrect_cvc",
        "The card's security code is incorrect. Correct it or use another card.",
    ),
    (
        "incorrect_number",
        "The card number is incorrect. Correct it or use another card.",
    ),
    ("incorrect_pin", "The PIN is incorrect. Try again or use another card."),
    (
        "incorrect_zip",
        "The postal code is incorrect. Correct it or use another card.",
    ),
    (
        "insufficient_funds",
        "Your card has insufficient funds. Use another card.",
    ),
    (
        "invalid_account",
        "The card or its account is invalid. Use another card or contact your bank.",
    ),
    (
        "invalid_amount",
        "The amount exceeds what your card allows. Use another card or contact your bank.",
    ),
    (
        "invalid_cvc",
        "The card's security code is incorrect. Correct it or use another card.",
    ),
    (
        "invalid_expiry_month",
        "The expiry month is incorrect. Correct it or use another card.",
    ),
    (
        "invalid_expiry_year",
        "The expiry year is incorrect. Correct it or use another card.",
    ),
    (
        "invalid_number",
        "The card number is incorrect. Correct it or use another card.",
    ),
    ("invalid_pin", "The PIN is incorrect. Try again or use another card."),
    (
        "issuer_not_available",
        "Your bank could not be reached. Try again in a moment.",
    ),
    (
        "new_account_information_available",
        "The card or its account is invalid. Contact your bank.",
    ),
    (
        "not_permitted",
        "Your bank does not permit this payment. Contact your bank or use another card.",
    ),
    ("offline_pin_required", "Your card requires a PIN. Use another card."),
    (
        "online_or_offline_pin_required",
        "Your card requires a PIN. Use another card.",
    ),
    (
        "pin_try_exceeded",
        "The PIN was entered incorrectly too many times. Use another card.",
    ),
    (
        "processing_error",
        "The card could not be processed. Try again in a moment.",
    ),
    (
        "reenter_transaction",
        "Your bank could not process the payment. Try again.",
    ),
    ("testmode_decline", "This is a test card. Use a real card."),
    ("test_mode_live_card", "Only test cards are accepted here."),
    (
        "try_again_later",
        "Your bank could not process the payment. Try again in a moment.",
    ),
    (
        "withdrawal_count_limit_exceeded",
        "Your card has reached its limit. Use another card or contact your bank.",
    ),
];

fn public_reason(code: &str) -> (&str, &'static str) {
    PUBLIC_REASONS
        .iter()
        .find(|(known, _)| *known == code)
        .copied()
        .unwrap_or(GENERIC)
}

/// Returns the code that the buyer may read.
pub(crate) fn public_code(code: &str) -> &str {
    public_reason(code).0
}

/// Returns the reason in a sentence or two.
pub(crate) fn buyer_message(code: &str) -> &'static str {
    public_reason(code).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stolen_card_is_declined_without_a_reason() {
        for code in [
            "fraudulent",
            "lost_card",
            "merchant_blacklist",
            "pickup_card",
            "restricted_card",
            "security_violation",
            "stolen_card",
            "do_not_honor",
            "a_code_of_tomorrow",
        ] {
            assert_eq!((public_code(code), buyer_message(code)), GENERIC, "{code}");
        }
    }

    #[test]
    fn a_reason_that_the_buyer_can_act_on_is_public() {
        assert_eq!(public_code("insufficient_funds"), "insufficient_funds");
        assert!(buyer_message("expired_card").contains("expired"));
    }

    #[test]
    fn every_text_is_a_sentence_and_every_code_is_unique() {
        let mut codes: Vec<_> = PUBLIC_REASONS.iter().map(|(code, _)| code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), PUBLIC_REASONS.len());
        assert!(
            PUBLIC_REASONS
                .iter()
                .all(|(_, text)| text.ends_with('.') && text.starts_with(char::is_uppercase))
        );
    }
}
