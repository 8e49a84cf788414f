//! The table of test cards.

use super::{
    AfterPayment::{self, Dispute, RefundFails, RefundPending},
    Behaviour::{self, Approve, Challenge, ChallengeOnSession, Decline as Declined},
    CVC_FAILS, EXPIRED, FRAUD, FRAUDULENT, GENERIC, INQUIRY, INSUFFICIENT, LOST, NOT_RECEIVED, PROCESSING, STOLEN,
    TestCard, VELOCITY, WRONG_CVC,
};

type Names = &'static [&'static str];

const fn approve(
    number: &'static str,
    brand: &'static str,
    funding: &'static str,
    country: &'static str,
    tokens: Names,
    payment_methods: Names,
) -> TestCard {
    TestCard {
        number,
        brand,
        funding,
        country,
        tokens,
        payment_methods,
        behaviour: Behaviour::Approve,
        after_payment: AfterPayment::Nothing,
    }
}

const fn visa(number: &'static str, tokens: Names, payment_methods: Names, behaviour: Behaviour) -> TestCard {
    TestCard {
        number,
        brand: "visa",
        funding: "credit",
        country: "US",
        tokens,
        payment_methods,
        behaviour,
        after_payment: AfterPayment::Nothing,
    }
}

/// A card that is approved, and has an effect later.
const fn approved_with_effect(
    number: &'static str,
    tokens: Names,
    payment_methods: Names,
    after_payment: AfterPayment,
) -> TestCard {
    TestCard {
        after_payment,
        ..approve(number, "visa", "credit", "US", tokens, payment_methods)
    }
}

#[rustfmt::skip] // A table: one card a line, its ready-made methods on the next where they are long.
pub(super) static CARDS: &[TestCard] = &[
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
        &["pm_card_threeDSecure2Required"], Challenge(None)),
    visa("4000000000003063", &["tok_threeDSecureRequired"], &["pm_card_threeDSecureRequired"], Challenge(None)),
    visa("4000002760003184", &["tok_authenticationRequired"], &["pm_card_authenticationRequired"], Challenge(None)),
    visa("4000002500003155", &["tok_authenticationRequiredOnSetup"],
        &["pm_card_authenticationRequiredOnSetup"], Challenge(None)),
    visa("4000008260003178", &["tok_authenticationRequiredChargeDeclinedInsufficientFunds"],
        &["pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"], Challenge(Some(&INSUFFICIENT))),
    visa("4000008400001629", &["tok_threeDSecureRequiredChargeDeclined"],
        &["pm_card_threeDSecureRequiredChargeDeclined"], Challenge(Some(&GENERIC))),
    visa("4000008400001280", &["tok_threeDSecureRequiredProcessingError"],
        &["pm_card_threeDSecureRequiredProcessingError"], Declined(&PROCESSING)),
    visa("4000003800000446", &["tok_authenticationRequiredSetupForOffSession"],
        &["pm_card_authenticationRequiredSetupForOffSession"], ChallengeOnSession),
    // It supports 3-D Secure and does not ask for it.
    visa("4000000000003055", &["tok_threeDSecureOptional"], &["pm_card_threeDSecureOptional"], Approve),
    // Approved, with an effect later.
    approved_with_effect("4000000000000259", &["tok_createDispute"], &["pm_card_createDispute"], Dispute(&FRAUD)),
    approved_with_effect("4000000000002685", &["tok_createDisputeProductNotReceived"],
        &["pm_card_createDisputeProductNotReceived"], Dispute(&NOT_RECEIVED)),
    approved_with_effect("4000000000001976", &["tok_createDisputeInquiry"], &["pm_card_createDisputeInquiry"],
        Dispute(&INQUIRY)),
    approved_with_effect("4000000000007726", &["tok_pendingRefund"], &["pm_card_pendingRefund"], RefundPending),
    approved_with_effect("4000000000005126", &["tok_refundFail"], &["pm_card_refundFail"], RefundFails),
    // Approved although a check fails: Radar might block it, and the simulator has no Radar.
    visa(CVC_FAILS, &["tok_cvcCheckFail"], &["pm_card_cvcCheckFail"], Approve),
    visa("4000000000004954", &["tok_riskLevelHighest"], &["pm_card_riskLevelHighest"], Declined(&FRAUDULENT)),
];
