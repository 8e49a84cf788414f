//! Random scripts.

use proptest::{collection::vec, prelude::*, sample::select};

use crate::script::*;

/// Cards whose payments succeed.
const VALID_CARDS: &[&str] = &["tok_visa", "tok_mastercard", "tok_amex", "tok_riskLevelElevated"];

/// Cards whose payments succeed, and are disputed or cannot be refunded later.
const CARDS_WITH_LATER_EVENTS: &[&str] = &[
    "tok_createDispute",
    "tok_createDisputeProductNotReceived",
    "tok_createDisputeInquiry",
    "tok_pendingRefund",
    "tok_refundFail",
];

/// Cards whose bank requires authentication.
const AUTHENTICATED_CARDS: &[&str] = &[
    "tok_threeDSecure2Required",
    "tok_threeDSecureRequired",
    "tok_authenticationRequired",
    "tok_authenticationRequiredOnSetup",
    "tok_authenticationRequiredChargeDeclinedInsufficientFunds",
    "tok_threeDSecureRequiredChargeDeclined",
    "tok_authenticationRequiredSetupForOffSession",
];

/// Cards that are declined.
const DECLINED_CARDS: &[&str] = &[
    "tok_chargeDeclined",
    "tok_chargeDeclinedInsufficientFunds",
    "tok_chargeDeclinedLostCard",
    "tok_chargeDeclinedStolenCard",
    "tok_chargeDeclinedExpiredCard",
    "tok_chargeDeclinedIncorrectCvc",
    "tok_chargeDeclinedProcessingError",
    "tok_visa_chargeDeclinedVelocityLimitExceeded",
    "tok_chargeDeclinedFraudulent",
    "tok_riskLevelHighest",
    "tok_threeDSecureRequiredProcessingError",
];

fn card() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        6 => select(VALID_CARDS),
        4 => select(CARDS_WITH_LATER_EVENTS),
        3 => select(AUTHENTICATED_CARDS),
        2 => select(DECLINED_CARDS),
    ]
}

/// The calls of Stripe for a purchase.
fn purchase_call() -> impl Strategy<Value = StripeCall> {
    prop_oneof![
        3 => Just(CreateIntent),
        1 => Just(ListIntents),
        2 => Just(GetIntent),
        3 => Just(CaptureIntent),
        2 => Just(CancelIntent),
    ]
}

/// The calls of Stripe for refunds and disputes.
fn follow_up_call() -> impl Strategy<Value = StripeCall> {
    prop_oneof![
        4 => Just(CreateRefund),
        2 => Just(ListRefunds),
        1 => Just(ListDisputes),
        2 => Just(GetIntent),
    ]
}

fn timing() -> impl Strategy<Value = Timing> {
    select(&[Before, After][..])
}

fn service() -> impl Strategy<Value = Service> {
    prop_oneof![3 => Just(Payments), 2 => Just(Orders), 1 => Just(Expirations), 1 => Just(Tickets)]
}

fn quantity() -> impl Strategy<Value = Option<u32>> {
    select(&[None, Some(1), Some(1), Some(2)][..])
}

/// Steps of buyers before a purchase is complete.
fn purchase_step() -> impl Strategy<Value = Step> {
    let order = || 0..ORDERS;
    prop_oneof![
        3 => Just(DoNotWait),
        9 => (order(), card()).prop_map(|(order, card)| Pay(order, card)),
        2 => order().prop_map(StartBrowserPayment),
        5 => (order(), card()).prop_map(|(order, card)| ConfirmInBrowser(order, card)),
        4 => (order(), prop::bool::weighted(0.8)).prop_map(|(order, passes)| Authenticate(order, passes)),
        1 => order().prop_map(CancelOrder),
        1 => Just(PassOrderWindow),
    ]
}

/// Steps of users and banks after a purchase.
fn follow_up_step() -> impl Strategy<Value = Step> {
    let order = || 0..ORDERS;
    prop_oneof![
        2 => Just(DoNotWait),
        6 => (order(), quantity()).prop_map(|(order, quantity)| RequestRefund(order, quantity)),
        5 => (order(), prop::bool::weighted(0.8)).prop_map(|(order, approve)| DecideRefunds(order, approve)),
        4 => (order(), quantity()).prop_map(|(order, quantity)| RefundAsSeller(order, quantity)),
        1 => (order(), 1..=2500_i64).prop_map(|(order, amount)| RefundAtStripe(order, amount)),
        3 => (order(), any::<bool>()).prop_map(|(order, succeeds)| EndRefund(order, succeeds)),
        2 => (order(), prop::bool::weighted(0.3)).prop_map(|(order, inquiry)| OpenDispute(order, inquiry)),
        2 => (order(), any::<bool>()).prop_map(|(order, won)| DecideDispute(order, won)),
        1 => (0..LISTINGS).prop_map(WithdrawListing),
        3 => Just(RunScheduledEvents),
        1 => Just(ExpireIdempotencyKeys),
    ]
}

/// Faults of Stripe at some calls, of webhooks, services and the broker.
fn fault_step<C: Strategy<Value = StripeCall>>(call: impl Fn() -> C) -> impl Strategy<Value = Step> {
    let fault = select(
        &[
            TimeOut,
            Status(429),
            Status(500),
            Status(503),
            StoredStatus(500),
            CutConnection,
        ][..],
    );
    let delivery = select(&[Lost, Duplicated, Delayed, Held][..]);
    prop_oneof![
        6 => (call(), timing(), fault, 1..=3_u32)
            .prop_map(|(call, timing, fault, times)| FailCalls(call, timing, fault, times)),
        3 => (delivery, 1..=6_u32).prop_map(|(fault, times)| FailDeliveries(fault, times)),
        1 => any::<bool>().prop_map(DeliverHeldEvents),
        2 => service().prop_map(CrashService),
        3 => (service(), call(), timing())
            .prop_map(|(service, call, timing)| CrashServiceDuringCall(service, call, timing)),
        1 => (1..=4_u32).prop_map(DisconnectBroker),
    ]
}

/// Scripts with many faults: mainly purchases first, mainly refunds and disputes then.
pub(crate) fn script() -> impl Strategy<Value = Vec<Step>> {
    let purchases = vec(
        prop_oneof![10 => purchase_step(), 1 => follow_up_step(), 4 => fault_step(purchase_call)],
        5..20,
    );
    let follow_ups = vec(
        prop_oneof![10 => follow_up_step(), 2 => purchase_step(), 4 => fault_step(follow_up_call)],
        3..25,
    );
    (purchases, follow_ups).prop_map(|(purchases, follow_ups)| [purchases, follow_ups].concat())
}
