//! What may happen to the orders of a marketplace, and what may go wrong meanwhile. A script is printed as it is written.

use std::time::Duration;

use proptest::{collection::vec, prelude::*, sample::select};
use stripe_sim::{Target, WebhookFault};

pub(crate) use Call::*;
pub(crate) use Fault::*;
pub(crate) use Letters::*;
pub(crate) use Service::*;
pub(crate) use Step::*;
pub(crate) use stripe_sim::Timing::{self, *};

/// How many orders a script is about. Each has a buyer of its own, and is placed when it is named first.
pub(crate) const ORDERS: usize = 4;

/// How many listings they are of: the order decides by its number.
pub(crate) const LISTINGS: usize = 2;

/// One thing that happens. A number is an order's, or a listing's. Whatever makes no sense just then is refused, and that
/// is all that comes of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// The next one who acts does not wait for an answer.
    Hurry,
    /// With a card that Stripe has named already.
    Pays(usize, &'static str),
    /// The buyer opens the page on which a card is shown to Stripe.
    OpensBrowser(usize),
    /// And shows one.
    Shows(usize, &'static str),
    /// The bank asks whether it is the buyer, who proves it or not.
    Proves(usize, bool),
    Cancels(usize),
    /// The buyer wants some tickets to go back; all that are left, if nobody says how many.
    AsksBack(usize, Option<u32>),
    /// The seller decides.
    Decides(usize, bool),
    /// The seller takes tickets back.
    GivesBack(usize, Option<u32>),
    /// Somebody gives money back at Stripe, without telling anybody.
    GivesBackByHand(usize, i64),
    /// A refund ends so after all.
    RefundEnds(usize, bool),
    /// The buyer's bank takes the money back, or only asks.
    Disputes(usize, bool),
    /// And decides, for the seller or for the buyer.
    Rules(usize, bool),
    Withdraws(usize),
    /// What Stripe does some time later.
    Later,
    /// The deadline of whatever is open.
    WindowPasses,
    /// After which Stripe has forgotten every idempotency key.
    DayPasses,
    /// The next calls go wrong.
    Breaks(Call, Timing, Fault, u32),
    /// The next letters of Stripe do not come as they should.
    Post(Letters, u32),
    /// What is kept comes, the last first or not.
    PostComes(bool),
    /// A process dies, and is started again.
    Dies(Service),
    /// The same, as soon as Stripe has the next such call in hand.
    DiesAt(Service, Call, Timing),
    /// The broker is gone for so many steps.
    BrokerGoes(u32),
}

/// What is asked of Stripe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Call {
    Authorize,
    Find,
    Look,
    Capture,
    Void,
    Refund,
    ListRefunds,
    ListDisputes,
}

/// How a call goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Longer than is waited for.
    Hangs,
    /// This status, and nothing is kept.
    Says(u16),
    /// This status, for ever for this idempotency key.
    Keeps(u16),
    Cuts,
}

/// How letters come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Letters {
    Lost,
    Doubled,
    Late,
    Kept,
}

/// Who may die.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Service {
    Tickets,
    Orders,
    Timers,
    Payments,
}

impl Call {
    pub(crate) fn on(self) -> Target {
        match self {
            Authorize => Target::post("/v1/payment_intents"),
            Find => Target::get("/v1/payment_intents"),
            Look => Target::get("/v1/payment_intents/*"),
            Capture => Target::post("/v1/payment_intents/*/capture"),
            Void => Target::post("/v1/payment_intents/*/cancel"),
            Refund => Target::post("/v1/refunds"),
            ListRefunds => Target::get("/v1/refunds"),
            ListDisputes => Target::get("/v1/disputes"),
        }
    }
}

impl Fault {
    pub(crate) fn of_the_double(self) -> stripe_sim::Fault {
        match self {
            Hangs => stripe_sim::Fault::Delay(Duration::from_millis(1500)),
            Says(status) => stripe_sim::Fault::Answer(status),
            Keeps(status) => stripe_sim::Fault::Fail(status),
            Cuts => stripe_sim::Fault::Cut,
        }
    }
}

impl Letters {
    pub(crate) fn of_the_double(self) -> WebhookFault {
        match self {
            Lost => WebhookFault::Drop,
            Doubled => WebhookFault::Duplicate,
            Late => WebhookFault::Delay(Duration::from_millis(700)),
            Kept => WebhookFault::Hold,
        }
    }
}

impl Step {
    /// Whether it is something that goes wrong.
    pub(crate) const fn is_a_fault(&self) -> bool {
        matches!(self, Breaks(..) | Post(..) | Dies(_) | DiesAt(..) | BrokerGoes(_))
    }
}

/// Cards that are good, and stay so.
const GOOD: &[&str] = &["tok_visa", "tok_mastercard", "tok_amex", "tok_riskLevelElevated"];

/// Cards of which something becomes later.
const GOOD_AT_FIRST: &[&str] = &[
    "tok_createDispute",
    "tok_createDisputeProductNotReceived",
    "tok_createDisputeInquiry",
    "tok_pendingRefund",
    "tok_refundFail",
];

/// Cards whose bank asks.
const ASKED: &[&str] = &[
    "tok_threeDSecure2Required",
    "tok_threeDSecureRequired",
    "tok_authenticationRequired",
    "tok_authenticationRequiredOnSetup",
    "tok_authenticationRequiredChargeDeclinedInsufficientFunds",
    "tok_threeDSecureRequiredChargeDeclined",
    "tok_authenticationRequiredSetupForOffSession",
];

/// Cards that are refused.
const DECLINED: &[&str] = &[
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
        6 => select(GOOD),
        4 => select(GOOD_AT_FIRST),
        3 => select(ASKED),
        2 => select(DECLINED),
    ]
}

/// What is asked while somebody buys.
fn paying() -> impl Strategy<Value = Call> {
    prop_oneof![
        3 => Just(Authorize),
        1 => Just(Find),
        2 => Just(Look),
        3 => Just(Capture),
        2 => Just(Void),
    ]
}

/// What is asked afterwards.
fn looking_after() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => Just(Refund),
        2 => Just(ListRefunds),
        1 => Just(ListDisputes),
        2 => Just(Look),
    ]
}

fn when() -> impl Strategy<Value = Timing> {
    select(&[Before, After][..])
}

fn service() -> impl Strategy<Value = Service> {
    prop_oneof![3 => Just(Payments), 2 => Just(Orders), 1 => Just(Timers), 1 => Just(Tickets)]
}

fn quantity() -> impl Strategy<Value = Option<u32>> {
    select(&[None, Some(1), Some(1), Some(2)][..])
}

/// What people do to buy.
fn buying() -> impl Strategy<Value = Step> {
    let order = || 0..ORDERS;
    prop_oneof![
        3 => Just(Hurry),
        9 => (order(), card()).prop_map(|(order, card)| Pays(order, card)),
        2 => order().prop_map(OpensBrowser),
        5 => (order(), card()).prop_map(|(order, card)| Shows(order, card)),
        4 => (order(), prop::bool::weighted(0.8)).prop_map(|(order, passes)| Proves(order, passes)),
        1 => order().prop_map(Cancels),
        1 => Just(WindowPasses),
    ]
}

/// What people and banks do afterwards.
fn afterwards() -> impl Strategy<Value = Step> {
    let order = || 0..ORDERS;
    prop_oneof![
        2 => Just(Hurry),
        6 => (order(), quantity()).prop_map(|(order, quantity)| AsksBack(order, quantity)),
        5 => (order(), prop::bool::weighted(0.8)).prop_map(|(order, yes)| Decides(order, yes)),
        4 => (order(), quantity()).prop_map(|(order, quantity)| GivesBack(order, quantity)),
        1 => (order(), 1..=2500_i64).prop_map(|(order, amount)| GivesBackByHand(order, amount)),
        3 => (order(), any::<bool>()).prop_map(|(order, succeeds)| RefundEnds(order, succeeds)),
        2 => (order(), prop::bool::weighted(0.3)).prop_map(|(order, inquiry)| Disputes(order, inquiry)),
        2 => (order(), any::<bool>()).prop_map(|(order, won)| Rules(order, won)),
        1 => (0..LISTINGS).prop_map(Withdraws),
        3 => Just(Later),
        1 => Just(DayPasses),
    ]
}

/// What goes wrong while this is asked of Stripe.
fn fault<C: Strategy<Value = Call>>(call: impl Fn() -> C) -> impl Strategy<Value = Step> {
    let fault = select(&[Hangs, Says(429), Says(500), Says(503), Keeps(500), Cuts][..]);
    let letters = select(&[Lost, Doubled, Late, Kept][..]);
    prop_oneof![
        6 => (call(), when(), fault, 1..=3_u32).prop_map(|(call, when, fault, times)| Breaks(call, when, fault, times)),
        3 => (letters, 1..=6_u32).prop_map(|(letters, times)| Post(letters, times)),
        1 => any::<bool>().prop_map(PostComes),
        2 => service().prop_map(Dies),
        3 => (service(), call(), when()).prop_map(|(service, call, when)| DiesAt(service, call, when)),
        1 => (1..=4_u32).prop_map(BrokerGoes),
    ]
}

/// A day in a marketplace where much goes wrong: first most want to buy, then most want their money back.
pub(crate) fn script() -> impl Strategy<Value = Vec<Step>> {
    let day = vec(
        prop_oneof![10 => buying(), 1 => afterwards(), 4 => fault(paying)],
        5..20,
    );
    let evening = vec(
        prop_oneof![10 => afterwards(), 2 => buying(), 4 => fault(looking_after)],
        3..25,
    );
    (day, evening).prop_map(|(day, evening)| [day, evening].concat())
}
