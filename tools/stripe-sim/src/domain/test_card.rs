//! Stripe's test cards, in one table (<https://docs.stripe.com/testing>): each number with its tokens, its ready-made
//! payment methods, and what happens when it is charged.

mod table;

use table::CARDS;

/// The reason for which a card is declined.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decline {
    pub(crate) code: &'static str,
    /// The `decline_code`.
    pub(crate) reason: &'static str,
    pub(crate) message: &'static str,
    /// Blocked by Stripe's own rules, without a request to the bank.
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
/// The decline of a payment off session that needs the cardholder.
pub(crate) static AUTHENTICATION_REQUIRED: Decline = decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
);
/// The decline of a number that is no test card.
pub(crate) static LIVE_CARD: Decline = decline(
    "card_declined",
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test (live) card. For a list of valid test \
     cards, visit: https://stripe.com/docs/testing.",
);

/// The reason for which a buyer's bank disputes a payment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DisputeReason {
    /// The `reason` of the dispute.
    pub(crate) name: &'static str,
    pub(crate) network_code: &'static str,
    /// The bank inquires, and withdraws no money yet.
    pub(crate) inquiry: bool,
}

static FRAUD: DisputeReason = DisputeReason {
    name: "fraudulent",
    network_code: "10.4",
    inquiry: false,
};
static NOT_RECEIVED: DisputeReason = DisputeReason {
    name: "product_not_received",
    network_code: "13.1",
    inquiry: false,
};
static INQUIRY: DisputeReason = DisputeReason {
    name: "general",
    network_code: "10.4",
    inquiry: true,
};

/// Returns a dispute reason by its name; an unknown name gives the general inquiry.
pub(crate) fn dispute_reason(name: &str, inquiry: bool) -> DisputeReason {
    let known = [&FRAUD, &NOT_RECEIVED].into_iter().find(|known| known.name == name);
    let known = known.unwrap_or(&INQUIRY);
    DisputeReason { inquiry, ..*known }
}

/// What happens to a payment with a card some time later.
#[derive(Debug)]
pub(crate) enum AfterPayment {
    Nothing,
    Dispute(&'static DisputeReason),
    /// A refund succeeds at first, and fails later.
    RefundFails,
    /// A refund is pending at first, and succeeds later.
    RefundPending,
}

/// What happens when a card is charged.
#[derive(Debug)]
pub(crate) enum Behaviour {
    Approve,
    Decline(&'static Decline),
    /// 3-D Secure on session; approved off session, like a card that was set up for that.
    ChallengeOnSession,
    /// 3-D Secure; once the cardholder agrees, the card is approved or, if given, declined.
    Challenge(Option<&'static Decline>),
}

/// One of Stripe's test cards.
#[derive(Debug)]
pub(crate) struct TestCard {
    pub(crate) number: &'static str,
    pub(crate) brand: &'static str,
    pub(crate) funding: &'static str,
    pub(crate) country: &'static str,
    tokens: &'static [&'static str],
    payment_methods: &'static [&'static str],
    pub(crate) behaviour: Behaviour,
    pub(crate) after_payment: AfterPayment,
}

impl TestCard {
    pub(crate) fn last4(&self) -> &'static str {
        &self.number[self.number.len() - 4..]
    }

    /// Returns the result of the check of the security code.
    pub(crate) fn cvc_check(&self) -> &'static str {
        if self.number == CVC_FAILS { "fail" } else { "pass" }
    }

    /// Returns sixteen characters that are the same for the same card.
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

pub(crate) fn by_payment_method(id: &str) -> Option<&'static TestCard> {
    CARDS.iter().find(|card| card.payment_methods.contains(&id))
}

/// Whether the check digit is right (ISO/IEC 7812, the Luhn formula).
pub(crate) fn is_card_number(number: &str) -> bool {
    let digits: Option<Vec<u32>> = number.chars().map(|digit| digit.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| (12..=19).contains(&digits.len())) else {
        return false;
    };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(position, digit)| {
            if position % 2 == 0 {
                *digit
            } else {
                digit * 2 / 10 + digit * 2 % 10
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The card whose security code never passes the check.
const CVC_FAILS: &str = "4000000000000101";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_test_card_has_a_valid_number_and_every_name_stands_for_one_card() {
        let mut names = HashSet::new();
        for card in CARDS {
            assert!(is_card_number(card.number), "{}", card.number);
            for name in [card.number].iter().chain(card.tokens).chain(card.payment_methods) {
                assert!(names.insert(*name), "{name}");
            }
        }
    }

    #[test]
    fn a_wrong_check_digit_is_detected() {
        assert!(!is_card_number("4242424242424241"));
        assert!(!is_card_number("4242"));
        assert!(!is_card_number("4242 4242 4242 4242"));
    }
}
