//! The steps of a script: actions of users and banks, and faults. Its `Debug` output is valid Rust.

use std::time::Duration;

use stripe_sim::{Target, WebhookFault};

pub(crate) use CallFault::*;
pub(crate) use DeliveryFault::*;
pub(crate) use Service::*;
pub(crate) use Step::*;
pub(crate) use StripeCall::*;
pub(crate) use stripe_sim::Timing::{self, *};

/// The number of orders in a script. Each has its own buyer, and is placed by the first step that names it.
pub(crate) const ORDERS: usize = 4;

/// The number of listings. Order `n` is of listing `n % LISTINGS`.
pub(crate) const LISTINGS: usize = 2;

/// A step of a script. The first number is the index of an order or a listing. A step that is impossible in the current
/// state is refused, and has no effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// The next action runs in the background from the start.
    DoNotWait,
    /// The buyer pays with a card token.
    Pay(usize, &'static str),
    /// The buyer starts a payment without a card.
    StartBrowserPayment(usize),
    /// The buyer confirms the payment with a card at Stripe, as Stripe.js does.
    ConfirmInBrowser(usize, &'static str),
    /// The buyer passes or fails the authentication of the bank.
    Authenticate(usize, bool),
    CancelOrder(usize),
    /// The buyer requests a refund of a quantity, or of all remaining tickets.
    RequestRefund(usize, Option<u32>),
    /// The seller approves or declines the requested refunds.
    DecideRefunds(usize, bool),
    /// The seller refunds a quantity, or all remaining tickets.
    RefundAsSeller(usize, Option<u32>),
    /// An amount is refunded at Stripe, without the services.
    RefundAtStripe(usize, i64),
    /// The newest refund at Stripe succeeds or fails.
    EndRefund(usize, bool),
    /// The buyer's bank opens a dispute, or an inquiry.
    OpenDispute(usize, bool),
    /// The bank decides for the seller or for the buyer.
    DecideDispute(usize, bool),
    WithdrawListing(usize),
    /// Stripe does what it has scheduled.
    RunScheduledEvents,
    /// The clock advances by the order window.
    PassOrderWindow,
    /// The clock advances until Stripe has deleted all idempotency keys.
    ExpireIdempotencyKeys,
    /// The next calls of Stripe fail, so many times.
    FailCalls(StripeCall, Timing, CallFault, u32),
    /// The next webhook deliveries fail, so many times.
    FailDeliveries(DeliveryFault, u32),
    /// The held webhook deliveries arrive, newest first or oldest first.
    DeliverHeldEvents(bool),
    /// A service process dies, and is started again.
    CrashService(Service),
    /// A service process dies when Stripe has the next such call, and is started again.
    CrashServiceDuringCall(Service, StripeCall, Timing),
    /// The broker is unreachable for a number of steps.
    DisconnectBroker(u32),
}

/// A request to Stripe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StripeCall {
    CreateIntent,
    ListIntents,
    GetIntent,
    CaptureIntent,
    CancelIntent,
    CreateRefund,
    ListRefunds,
    ListDisputes,
}

/// A failure of a request to Stripe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CallFault {
    /// The response takes longer than the client's timeout.
    TimeOut,
    /// The response has this status, and Stripe stores nothing.
    Status(u16),
    /// The response has this status, and Stripe stores it under the idempotency key.
    StoredStatus(u16),
    CutConnection,
}

/// A failure of webhook deliveries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DeliveryFault {
    Lost,
    Duplicated,
    Delayed,
    /// Until [`DeliverHeldEvents`].
    Held,
}

/// A service process that can crash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Service {
    Tickets,
    Orders,
    Expirations,
    Payments,
}

impl Service {
    pub(crate) const ALL: [Self; 4] = [Tickets, Orders, Expirations, Payments];
}

impl Step {
    pub(crate) const fn is_fault(&self) -> bool {
        matches!(
            self,
            FailCalls(..) | FailDeliveries(..) | CrashService(_) | CrashServiceDuringCall(..) | DisconnectBroker(_)
        )
    }
}

impl StripeCall {
    pub(crate) fn target(self) -> Target {
        match self {
            CreateIntent => Target::post("/v1/payment_intents"),
            ListIntents => Target::get("/v1/payment_intents"),
            GetIntent => Target::get("/v1/payment_intents/*"),
            CaptureIntent => Target::post("/v1/payment_intents/*/capture"),
            CancelIntent => Target::post("/v1/payment_intents/*/cancel"),
            CreateRefund => Target::post("/v1/refunds"),
            ListRefunds => Target::get("/v1/refunds"),
            ListDisputes => Target::get("/v1/disputes"),
        }
    }
}

impl CallFault {
    pub(crate) fn in_simulator(self) -> stripe_sim::Fault {
        match self {
            TimeOut => stripe_sim::Fault::Delay(Duration::from_millis(1500)),
            Status(status) => stripe_sim::Fault::Answer(status),
            StoredStatus(status) => stripe_sim::Fault::Fail(status),
            CutConnection => stripe_sim::Fault::Cut,
        }
    }
}

impl DeliveryFault {
    pub(crate) fn in_simulator(self) -> WebhookFault {
        match self {
            Lost => WebhookFault::Drop,
            Duplicated => WebhookFault::Duplicate,
            Delayed => WebhookFault::Delay(Duration::from_millis(700)),
            Held => WebhookFault::Hold,
        }
    }
}
