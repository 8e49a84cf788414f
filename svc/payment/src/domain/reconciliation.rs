//! The comparison of a payment with its intent at Stripe.

use super::{Intent, IntentStatus, Payment, PaymentStatus};

/// Returns the differences between a payment, of which `refunded` minor units were refunded, and its intent: each in a few
/// words.
pub(crate) fn differences(payment: &Payment, refunded: i64, intent: &Intent) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, here: String, there: String| {
        if here != there {
            found.push(format!("{what} is {here} here, {there} at Stripe"));
        }
    };
    let text = |name: &Option<String>| name.clone().unwrap_or_else(|| "unnamed".to_owned());
    if let Some(known) = payment.intent_id() {
        compare("the intent", known.to_owned(), intent.id.clone());
    }
    compare("the payment", payment.id().to_string(), text(&intent.payment_id));
    compare("the order", payment.order_id().to_string(), text(&intent.order_id));
    // Intents of older releases do not name the buyer.
    if intent.buyer_id.is_some() {
        compare("the buyer", payment.buyer_id().to_string(), text(&intent.buyer_id));
    }
    compare(
        "the amount",
        payment.amount().to_string(),
        format!("{} {}", intent.amount, intent.currency),
    );
    // A capture that was refunded in full counts as released: no payment shows it.
    let is_released = payment.status().has_ended() && intent.is_refunded();
    if !is_released {
        let captured = match (payment.status(), intent.amount_received) {
            (PaymentStatus::Captured, _) => payment.amount().amount,
            (PaymentStatus::Capturing, received) if received == payment.amount().amount => received,
            _ => 0,
        };
        compare(
            "the captured amount",
            captured.to_string(),
            intent.amount_received.to_string(),
        );
        compare(
            "the refunded amount",
            refunded.to_string(),
            intent.amount_refunded.unwrap_or_default().to_string(),
        );
        if !statuses_agree(payment.status(), intent.status) {
            found.push(format!(
                "the status is {:?} here, {:?} at Stripe",
                payment.status(),
                intent.status
            ));
        }
    }
    if let Some(trouble) = payment.trouble() {
        found.push(format!("needs an operator: {trouble}"));
    }
    found
}

/// Whether the two statuses can occur together. While a call is due, Stripe may be a step ahead.
const fn statuses_agree(payment: PaymentStatus, intent: IntentStatus) -> bool {
    match payment {
        PaymentStatus::Started
        | PaymentStatus::RequiresPaymentMethod
        | PaymentStatus::RequiresAction
        | PaymentStatus::Voiding => !matches!(intent, IntentStatus::Succeeded),
        PaymentStatus::Authorized => matches!(intent, IntentStatus::RequiresCapture),
        PaymentStatus::Capturing => matches!(intent, IntentStatus::RequiresCapture | IntentStatus::Succeeded),
        PaymentStatus::Captured => matches!(intent, IntentStatus::Succeeded),
        PaymentStatus::Voided => matches!(intent, IntentStatus::Canceled),
        PaymentStatus::Failed => matches!(intent, IntentStatus::Canceled | IntentStatus::RequiresPaymentMethod),
    }
}

#[cfg(test)]
mod tests {
    use values::{OrderId, UserId};

    use super::*;
    use crate::{
        domain::{CaptureDecision, StripeCall},
        test_support::{NOW, card, intent, usd},
    };

    fn authorized() -> Payment {
        let (order, buyer) = (OrderId::new(NOW), UserId::new(NOW));
        let mut payment = Payment::start(order, buyer, usd(1999), card(), NOW);
        let authorized = intent(&payment, IntentStatus::RequiresCapture);
        payment.apply_result(StripeCall::Authorize, authorized.into(), CaptureDecision::Wait, NOW);
        payment
    }

    fn captured() -> (Payment, Intent) {
        let mut payment = authorized();
        payment.apply_decision(CaptureDecision::Capture, NOW);
        let succeeded = intent(&payment, IntentStatus::Succeeded);
        payment.apply_result(
            StripeCall::Capture,
            succeeded.clone().into(),
            CaptureDecision::Capture,
            NOW,
        );
        (payment, succeeded)
    }

    #[test]
    fn a_settled_payment_has_no_difference() {
        let (payment, succeeded) = captured();
        assert_eq!(differences(&payment, 0, &succeeded), Vec::<String>::new());
        let payment = authorized();
        let authorized = intent(&payment, IntentStatus::RequiresCapture);
        assert_eq!(differences(&payment, 0, &authorized), Vec::<String>::new());
    }

    #[test]
    fn every_changed_field_is_found() {
        type Change = fn(&mut Intent);
        let changes: [(&str, Change); 9] = [
            ("the intent", |intent| intent.id = "pi_other".to_owned()),
            ("the payment", |intent| intent.payment_id = None),
            ("the order", |intent| intent.order_id = Some("other".to_owned())),
            ("the buyer", |intent| intent.buyer_id = Some("other".to_owned())),
            ("the amount", |intent| intent.amount += 1),
            ("the amount", |intent| intent.currency = "eur".to_owned()),
            ("the captured amount", |intent| intent.amount_received -= 1),
            ("the refunded amount", |intent| intent.amount_refunded = Some(5)),
            ("the status", |intent| intent.status = IntentStatus::Canceled),
        ];
        for (what, change) in changes {
            let (payment, mut succeeded) = captured();
            change(&mut succeeded);
            let found = differences(&payment, 0, &succeeded);
            assert!(found.len() == 1 && found[0].starts_with(what), "{what}: {found:?}");
        }
    }

    #[test]
    fn a_capture_at_stripe_alone_is_found() {
        let payment = authorized();
        let succeeded = intent(&payment, IntentStatus::Succeeded);
        let found = differences(&payment, 0, &succeeded);
        assert!(
            found
                .iter()
                .any(|line| line.starts_with("the captured amount is 0 here, 1999")),
            "{found:?}"
        );
    }
}
