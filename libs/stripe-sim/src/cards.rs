//! Stripe's test cards, in one table (<https://docs.stripe.com/testing>): each number with its tokens, its ready-made
//! payment methods, and what happens when it is charged.

/// Why a card is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decline {
    pub(crate) code: &'static str,
    /// The `decline_code`.
    pub(crate) reason: &'static str,
    pub(crate) message: &'static str,
    /// Refused by Stripe's own rules, so that the bank was never asked.
    pub(crate) blocked: bool,
}

const fn decline(code: &'static str, reason: &'static str, message: &'static str) -> Decline {
    Decline {
        code,
        reason,
        message,
        blocked: false,
    }
}

const DECLINED: &str = "Your card was declined.";

static GENERIC: Decline = decline("card_declined", "generic_decline", DECLINED);
static INSUFFICIENT: Decline = decline(
    "card_declined",
    "insufficient_funds",
    "Your card has insufficient funds.",
);
static LOST: Decline = decline("card_declined", "lost_card", DECLINED);
static STOLEN: Decline = decline("card_declined", "stolen_card", DECLINED);
static EXPIRED: Decline = decline("expired_card", "expired_card", "Your card has expired.");
static WRONG_CVC: Decline = decline(
    "incorrect_cvc",
    "incorrect_cvc",
    "Your card's security code is incorrect.",
);
static PROCESSING: Decline = decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
);
static VELOCITY: Decline = decline(
    "card_declined",
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
);
static FRAUDULENT: Decline = Decline {
    blocked: true,
    ..decline("card_declined", "fraudulent", DECLINED)
};
/// A payment without its owner that needs the owner.
pub(crate) static NEEDS_OWNER: Decline = decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
);
/// A number that is no test card.
pub(crate) static LIVE_CARD: Decline = decline(
    "card_declined",
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test (live) card. For a list of valid test \
     cards, visit: https://stripe.com/docs/testing.",
);

/// What happens when a card is charged.
#[derive(Debug)]
pub(crate) enum Behaviour {
    Approve,
    Decline(&'static Decline),
    /// 3-D Secure: the owner is asked first, and then it is approved, or declined all the same.
    Challenge(Option<&'static Decline>),
}

#[derive(Debug)]
pub(crate) struct TestCard {
    pub(crate) number: &'static str,
    pub(crate) brand: &'static str,
    pub(crate) funding: &'static str,
    pub(crate) country: &'static str,
    tokens: &'static [&'static str],
    methods: &'static [&'static str],
    pub(crate) behaviour: Behaviour,
}

impl TestCard {
    pub(crate) fn last4(&self) -> &'static str {
        &self.number[self.number.len() - 4..]
    }

    /// The same sixteen characters for the same card, as a fingerprint is.
    pub(crate) fn fingerprint(&self) -> String {
        let digits = self
            .number
            .bytes()
            .fold(7_u64, |sum, digit| sum.wrapping_mul(1_000_003) ^ u64::from(digit));
        format!("{digits:016x}")
    }
}

pub(crate) fn by_number(number: &str) -> Option<&'static TestCard> {
    CARDS.iter().find(|card| card.number == number)
}

pub(crate) fn by_token(token: &str) -> Option<&'static TestCard> {
    CARDS.iter().find(|card| card.tokens.contains(&token))
}

pub(crate) fn by_method(method: &str) -> Option<&'static TestCard> {
    CARDS.iter().find(|card| card.methods.contains(&method))
}

/// Whether the last digit is right (ISO/IEC 7812, the Luhn formula).
pub(crate) fn is_card_number(number: &str) -> bool {
    let digits: Option<Vec<u32>> = number.chars().map(|digit| digit.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| (12..=19).contains(&digits.len())) else {
        return false;
    };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            if at % 2 == 0 {
                *digit
            } else {
                digit * 2 / 10 + digit * 2 % 10
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

type Names = &'static [&'static str];

const fn approve(
    number: &'static str,
    brand: &'static str,
    funding: &'static str,
    country: &'static str,
    tokens: Names,
    methods: Names,
) -> TestCard {
    TestCard {
        number,
        brand,
        funding,
        country,
        tokens,
        methods,
        behaviour: Behaviour::Approve,
    }
}

const fn visa(number: &'static str, tokens: Names, methods: Names, behaviour: Behaviour) -> TestCard {
    TestCard {
        number,
        brand: "visa",
        funding: "credit",
        country: "US",
        tokens,
        methods,
        behaviour,
    }
}

use Behaviour::{Approve, Challenge, Decline as Declined};

#[rustfmt::skip] // A table: one card a line, its ready-made methods on the next where they are long.
static CARDS: &[TestCard] = &[
    // By brand.
    approve("4242424242424242", "visa", "credit", "US", &["tok_visa", "tok_us"], &["pm_card_visa", "pm_card_us"]),
    approve("4000056655665556", "visa", "debit", "US", &["tok_visa_debit"], &["pm_card_visa_debit"]),
    approve("5555555555554444", "mastercard", "credit", "US", &["tok_mastercard"], &["pm_card_mastercard"]),
    approve("2223003122003222", "mastercard", "credit", "US", &[], &[]),
    approve("5200828282828210", "mastercard", "debit", "US", &["tok_mastercard_debit"], &["pm_card_mastercard_debit"]),
    approve("5105105105105100", "mastercard", "prepaid", "US", &["tok_mastercard_prepaid"],
        &["pm_card_mastercard_prepaid"]),
    approve("378282246310005", "amex", "credit", "US", &["tok_amex"], &["pm_card_amex"]),
    approve("371449635398431", "amex", "credit", "US", &[], &[]),
    approve("6011111111111117", "discover", "credit", "US", &["tok_discover"], &["pm_card_discover"]),
    approve("6011000990139424", "discover", "credit", "US", &[], &[]),
    approve("3056930009020004", "diners", "credit", "US", &["tok_diners"], &["pm_card_diners"]),
    approve("36227206271667", "diners", "credit", "US", &[], &[]),
    approve("3566002020360505", "jcb", "credit", "JP", &["tok_jcb"], &["pm_card_jcb"]),
    approve("6200000000000005", "unionpay", "credit", "CN", &["tok_unionpay"], &["pm_card_unionpay"]),
    // By country.
    approve("4000000760000002", "visa", "credit", "BR", &["tok_br"], &["pm_card_br"]),
    approve("4000001240000000", "visa", "credit", "CA", &["tok_ca"], &["pm_card_ca"]),
    approve("4000004840008001", "visa", "credit", "MX", &["tok_mx"], &["pm_card_mx"]),
    approve("4000000400000008", "visa", "credit", "AT", &["tok_at"], &["pm_card_at"]),
    approve("4000000560000004", "visa", "credit", "BE", &["tok_be"], &["pm_card_be"]),
    approve("4000002500000003", "visa", "credit", "FR", &["tok_fr"], &["pm_card_fr"]),
    approve("4000002760000016", "visa", "credit", "DE", &["tok_de"], &["pm_card_de"]),
    approve("4000003800000008", "visa", "credit", "IT", &["tok_it"], &["pm_card_it"]),
    approve("4000005280000002", "visa", "credit", "NL", &["tok_nl"], &["pm_card_nl"]),
    approve("4000007240000007", "visa", "credit", "ES", &["tok_es"], &["pm_card_es"]),
    approve("4000007560000009", "visa", "credit", "CH", &["tok_ch"], &["pm_card_ch"]),
    approve("4000008260000000", "visa", "credit", "GB", &["tok_gb"], &["pm_card_gb"]),
    approve("4000000360000006", "visa", "credit", "AU", &["tok_au"], &["pm_card_au"]),
    approve("4000003920000003", "visa", "credit", "JP", &["tok_jp"], &["pm_card_jp"]),
    // Declined. The short names without a brand are the older ones; both are in use.
    visa("4000000000000002", &["tok_chargeDeclined", "tok_visa_chargeDeclined"],
        &["pm_card_chargeDeclined", "pm_card_visa_chargeDeclined"], Declined(&GENERIC)),
    visa("4000000000009995", &["tok_chargeDeclinedInsufficientFunds", "tok_visa_chargeDeclinedInsufficientFunds"],
        &["pm_card_chargeDeclinedInsufficientFunds", "pm_card_visa_chargeDeclinedInsufficientFunds"],
        Declined(&INSUFFICIENT)),
    visa("4000000000009987", &["tok_chargeDeclinedLostCard", "tok_visa_chargeDeclinedLostCard"],
        &["pm_card_chargeDeclinedLostCard", "pm_card_visa_chargeDeclinedLostCard"], Declined(&LOST)),
    visa("4000000000009979", &["tok_chargeDeclinedStolenCard", "tok_visa_chargeDeclinedStolenCard"],
        &["pm_card_chargeDeclinedStolenCard", "pm_card_visa_chargeDeclinedStolenCard"], Declined(&STOLEN)),
    visa("4000000000000069", &["tok_chargeDeclinedExpiredCard"],
        &["pm_card_chargeDeclinedExpiredCard"], Declined(&EXPIRED)),
    visa("4000000000000127", &["tok_chargeDeclinedIncorrectCvc"],
        &["pm_card_chargeDeclinedIncorrectCvc"], Declined(&WRONG_CVC)),
    visa("4000000000000119", &["tok_chargeDeclinedProcessingError"],
        &["pm_card_chargeDeclinedProcessingError"], Declined(&PROCESSING)),
    visa("4000000000006975", &["tok_visa_chargeDeclinedVelocityLimitExceeded"],
        &["pm_card_visa_chargeDeclinedVelocityLimitExceeded"], Declined(&VELOCITY)),
    // It can be attached to a customer and is declined when charged.
    visa("4000000000000341", &["tok_chargeCustomerFail"], &["pm_card_chargeCustomerFail"], Declined(&GENERIC)),
    visa("4100000000000019", &["tok_chargeDeclinedFraudulent", "tok_radarBlock"],
        &["pm_card_chargeDeclinedFraudulent", "pm_card_radarBlock"], Declined(&FRAUDULENT)),
    visa("4000000000009235", &["tok_riskLevelElevated"], &["pm_card_riskLevelElevated"], Approve),
    // 3-D Secure.
    visa("4000000000003220", &["tok_threeDSecure2Required"],
        &["pm_card_threeDSecure2Required", "pm_card_threeDSecureRequired"], Challenge(None)),
    visa("4000002760003184", &["tok_authenticationRequired"], &["pm_card_authenticationRequired"], Challenge(None)),
    visa("4000002500003155", &["tok_authenticationRequiredOnSetup"],
        &["pm_card_authenticationRequiredOnSetup"], Challenge(None)),
    visa("4000008260003178", &["tok_authenticationRequiredChargeDeclinedInsufficientFunds"],
        &["pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"], Challenge(Some(&INSUFFICIENT))),
    visa("4000008400001629", &["tok_threeDSecureRequiredChargeDeclined"],
        &["pm_card_threeDSecureRequiredChargeDeclined"], Challenge(Some(&GENERIC))),
    visa("4000008400001280", &["tok_threeDSecureRequiredProcessingError"],
        &["pm_card_threeDSecureRequiredProcessingError"], Declined(&PROCESSING)),
    // It supports 3-D Secure and does not ask for it.
    visa("4000000000003055", &["tok_threeDSecureOptional"], &["pm_card_threeDSecureOptional"], Approve),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_test_card_has_a_valid_number_and_no_name_stands_for_two() {
        let mut names = HashSet::new();
        for card in CARDS {
            assert!(is_card_number(card.number), "{}", card.number);
            for name in [card.number].iter().chain(card.tokens).chain(card.methods) {
                assert!(names.insert(*name), "{name}");
            }
        }
    }

    #[test]
    fn a_wrong_digit_is_noticed() {
        assert!(!is_card_number("4242424242424241"));
        assert!(!is_card_number("4242"));
        assert!(!is_card_number("4242 4242 4242 4242"));
    }
}
