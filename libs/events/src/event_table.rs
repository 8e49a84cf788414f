use schemars::{Schema, SchemaGenerator};
use serde::{
    Deserialize, Serialize,
    de::{MapAccess, value::MapAccessDeserializer},
};

use crate::{
    Account, AccountMail, Admission, Closure, Expiration, Order, Payment, Refund, Reversal, Session, SigningKey,
    Ticket, Timer, Transfer, event_table_macro::event_table,
};

event_table! {
    exchange {
        Ticket, as_ticket, "ticket" => {
            /// Tickets are on sale.
            TicketCreated = "ticketing.ticket.created.v1" to ["order", "notification"],
            /// A listing was changed or withdrawn.
            TicketUpdated = "ticketing.ticket.updated.v1" to ["order", "notification"],
        }
        Order, as_order, "order" => {
            /// Tickets are held for a buyer, until the order's deadline.
            OrderCreated = "ticketing.order.created.v1" to ["ticket", "expiration", "payment"],
            /// The deadline was moved, once, because a payment was pending.
            OrderExtended = "ticketing.order.extended.v1" to ["ticket", "expiration", "payment"],
            /// A payment is authorised and the tickets are still held: that payment may be captured.
            OrderConfirmed = "ticketing.order.confirmed.v1" to ["ticket", "expiration", "payment"],
            /// The order is paid: the tickets are the buyer's.
            OrderCompleted = "ticketing.order.completed.v1" to ["ticket", "expiration", "payment", "notification"],
            /// The order ended without a sale: the hold is released, and an authorised payment is voided.
            OrderCancelled = "ticketing.order.cancelled.v1" to ["ticket", "expiration", "payment", "notification"],
            /// Tickets of a paid order were refunded, or money was paid back without returning tickets. The status stays `complete`.
            OrderRefunded = "ticketing.order.refunded.v1" to ["ticket", "expiration", "payment", "notification"],
            /// A dispute of a paid order's charge was opened or decided.
            OrderDisputed = "ticketing.order.disputed.v1" to ["ticket", "expiration", "payment", "notification"],
        }
        Refund, as_refund, "order" => {
            /// A buyer requests a refund; the seller decides.
            RefundRequested = "ticketing.refund.requested.v1" to ["notification"],
            /// A refund is approved: its amount is to be paid back to the buyer.
            RefundApproved = "ticketing.refund.approved.v1" to ["payment", "notification"],
            /// The seller declined a refund.
            RefundDeclined = "ticketing.refund.declined.v1" to ["notification"],
            /// A refund is paid, and its tickets are no longer the buyer's.
            RefundPaid = "ticketing.refund.paid.v1" to ["notification"],
            /// A refund could not be paid: the tickets stay the buyer's.
            RefundFailed = "ticketing.refund.failed.v1" to ["notification"],
        }
        Expiration, as_expiration, "expiration" => {
            /// An order's deadline has passed.
            ExpirationCompleted = "ticketing.expiration.completed.v1" to ["order"],
        }
        Payment, as_payment, "payment" => {
            /// A payment attempt waits for the buyer's bank or for Stripe.
            PaymentPending = "ticketing.payment.pending.v1" to ["order"],
            /// The buyer's bank has reserved the amount.
            PaymentAuthorized = "ticketing.payment.authorized.v1" to ["order"],
            /// The amount is captured.
            PaymentCreated = "ticketing.payment.created.v1" to ["order"],
            /// A payment attempt ended without a capture, and nothing will be captured.
            PaymentFailed = "ticketing.payment.failed.v1" to ["order"],
        }
        Reversal, as_reversal, "payment" => {
            /// Part or all of a captured payment was paid back.
            PaymentRefunded = "ticketing.payment.refunded.v1" to ["order"],
            /// An approved refund could not be paid.
            PaymentRefundFailed = "ticketing.payment.refund-failed.v1" to ["order"],
            /// A dispute of a captured payment was opened or decided.
            PaymentDisputed = "ticketing.payment.disputed.v1" to ["order"],
        }
        Session, as_session, "auth" => {
            /// A session has ended before it expired: its access tokens are refused.
            SessionEnded = "ticketing.session.ended.v1" to ["ticket", "order", "expiration", "payment", "notification"],
        }
        SigningKey, as_signing_key, "auth" => {
            /// A key that signed access tokens may have leaked: tokens with its signature are refused.
            SigningKeyRevoked = "ticketing.signing-key.revoked.v1" to ["ticket", "order", "expiration", "payment", "notification"],
        }
        Account, as_account, "auth" => {
            /// A user has signed up.
            AccountCreated = "ticketing.account.created.v1" to ["ticket", "notification"],
            /// A user has confirmed or changed the address, the name or the language.
            AccountUpdated = "ticketing.account.updated.v1" to ["ticket", "notification"],
            /// A user has requested the deletion of the account: each service decides whether anything prevents it.
            AccountClosing = "ticketing.account.closing.v1" to ["ticket", "order", "payment", "notification"],
            /// The deletion was refused or withdrawn: the account can be used again.
            AccountReopened = "ticketing.account.reopened.v1" to ["ticket", "order", "payment", "notification"],
            /// An account was deleted: each service erases the personal data of the user.
            AccountDeleted = "ticketing.account.deleted.v1" to ["ticket", "order", "payment", "notification"],
        }
        AccountMail, as_account_mail, "auth" => {
            /// A mail about an account is to be sent.
            AccountMailRequested = "ticketing.account-mail.requested.v1" to ["notification"],
        }
        Closure, as_ticket_closure, "ticket" => {
            /// The ticket service has decided whether an account can be deleted.
            TicketClosureDecided = "ticketing.ticket-closure.decided.v1" to ["auth"],
        }
        Closure, as_order_closure, "order" => {
            /// The order service has decided whether an account can be deleted.
            OrderClosureDecided = "ticketing.order-closure.decided.v1" to ["auth"],
        }
        Closure, as_payment_closure, "payment" => {
            /// The payment service has decided whether an account can be deleted.
            PaymentClosureDecided = "ticketing.payment-closure.decided.v1" to ["auth"],
        }
        Admission, as_admission, "ticket" => {
            /// The order of a ticket is complete: one person can enter with its code.
            AdmissionIssued = "ticketing.admission.issued.v1" to ["notification"],
            /// The ticket was refunded, or its charge was disputed and lost: its code admits nobody.
            AdmissionVoided = "ticketing.admission.voided.v1" to ["notification"],
            /// The holder was admitted.
            AdmissionUsed = "ticketing.admission.used.v1" to [],
            /// A use was undone, or a void was: the code admits again.
            AdmissionRestored = "ticketing.admission.restored.v1" to ["notification"],
            /// The ticket has a new holder and a new code.
            AdmissionTransferred = "ticketing.admission.transferred.v1" to ["notification"],
        }
        Transfer, as_transfer, "ticket" => {
            /// A ticket is offered to the holder of an email address.
            TransferOffered = "ticketing.transfer.offered.v1" to ["notification"],
            /// A transfer was accepted, declined, cancelled, or has expired.
            TransferEnded = "ticketing.transfer.ended.v1" to ["notification"],
        }
    }
    delay_queues {
        Timer, as_timer, "expiration" => {
            /// A timer waits in the delay queues until the order's deadline.
            ExpirationTimer = "ticketing.expiration.timer.v1",
        }
    }
}

/// A route of one event type: its publisher and its consumers.
#[derive(Debug)]
pub struct Route {
    /// The event's type on the wire.
    pub event: &'static str,
    /// The service that publishes it.
    pub publisher: &'static str,
    /// The services whose queues receive it.
    pub consumers: &'static [&'static str],
    /// The state that it announces, in one sentence.
    pub meaning: &'static str,
}

/// Returns the types of event that `service` consumes.
pub fn subscriptions(service: &str) -> impl Iterator<Item = &'static str> {
    ROUTES
        .iter()
        .filter(move |route| route.consumers.contains(&service))
        .map(|route| route.event)
}

/// The state of one aggregate, as an event carries it.
pub(crate) trait Payload {
    /// Returns the aggregate's id.
    fn subject(&self) -> String;
}

/// Implements [`Payload`] by the field that identifies the aggregate.
macro_rules! payloads {
    ($($payload:ident by $($field:ident).+),+ $(,)?) => {$(
        impl Payload for $payload {
            fn subject(&self) -> String {
                self.$($field).+.to_string()
            }
        }
    )+};
}

payloads! {
    Ticket by id,
    Order by id,
    Refund by id,
    Expiration by order_id,
    Timer by order_id,
    Payment by id,
    Reversal by payment.id,
    Session by id,
    SigningKey by kid,
    Account by id,
    AccountMail by id,
    Closure by account_id,
    Admission by id,
    Transfer by id,
}
