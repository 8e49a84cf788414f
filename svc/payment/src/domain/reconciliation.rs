//! Whether a payment and its intent tell the same. No SQL, no HTTP.

use super::{Intent, IntentStatus, Payment, Status};

/// Whether more is to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// Stripe, or the buyer, is to be heard yet.
    Open,
    /// The order is to say what becomes of it.
    Resting,
    /// Nothing more happens.
    Over,
}

impl Standing {
    pub(crate) const fn of(status: Status) -> Self {
        match status {
            Status::Started
            | Status::RequiresPaymentMethod
            | Status::RequiresAction
            | Status::Capturing
            | Status::Voiding => Self::Open,
            Status::Authorized => Self::Resting,
            Status::Captured | Status::Voided | Status::Failed => Self::Over,
        }
    }
}

/// What a payment, of which `refunded` minor units were given back, and its intent tell differently, each in a few words.
pub(crate) fn differences(payment: &Payment, refunded: i64, intent: &Intent) -> Vec<String> {
    let mut found = Vec::new();
    let mut differs = |what: &str, here: String, there: String| {
        if here != there {
            found.push(format!("{what} is {here} here, {there} at Stripe"));
        }
    };
    let named = |name: &Option<String>| name.clone().unwrap_or_else(|| "unnamed".to_owned());
    if let Some(known) = &payment.intent_id {
        differs("the intent", known.clone(), intent.id.clone());
    }
    differs("the payment", payment.id.to_string(), named(&intent.payment_id));
    differs("the order", payment.order_id.to_string(), named(&intent.order_id));
    // An older release did not name the buyer.
    if intent.buyer_id.is_some() {
        differs("the buyer", payment.buyer_id.to_string(), named(&intent.buyer_id));
    }
    differs(
        "the amount",
        payment.amount.to_string(),
        format!("{} {}", intent.amount, intent.currency),
    );
    let taken = match (payment.status, intent.amount_received) {
        (Status::Captured, _) => payment.amount.amount,
        (Status::Capturing, received) if received == payment.amount.amount => received,
        _ => 0,
    };
    differs("what was taken", taken.to_string(), intent.amount_received.to_string());
    differs(
        "what was given back",
        refunded.to_string(),
        intent.amount_refunded.unwrap_or_default().to_string(),
    );
    if !agrees(payment.status, intent.status) {
        found.push(format!(
            "the state is {:?} here, {:?} at Stripe",
            payment.status, intent.status
        ));
    }
    if let Some(trouble) = &payment.trouble {
        found.push(format!("waits for a person: {trouble}"));
    }
    found
}

/// Whether an intent may be so while its payment is so. Where more is to come, Stripe may be a step ahead.
const fn agrees(payment: Status, intent: IntentStatus) -> bool {
    match payment {
        Status::Started | Status::RequiresPaymentMethod | Status::RequiresAction | Status::Voiding => {
            !matches!(intent, IntentStatus::Succeeded)
        }
        Status::Authorized => matches!(intent, IntentStatus::RequiresCapture),
        Status::Capturing => matches!(intent, IntentStatus::RequiresCapture | IntentStatus::Succeeded),
        Status::Captured => matches!(intent, IntentStatus::Succeeded),
        Status::Voided => matches!(intent, IntentStatus::Canceled),
        Status::Failed => matches!(intent, IntentStatus::Canceled | IntentStatus::RequiresPaymentMethod),
    }
}

#[cfg(test)]
mod tests {
    use values::{OrderId, UserId};

    use super::*;
    use crate::{
        domain::{Call, Ruling},
        test_support::{NOW, card, intent, usd},
    };

    fn authorized() -> Payment {
        let (order, buyer) = (OrderId::new(NOW), UserId::new(NOW));
        let mut payment = Payment::start(order, buyer, usd(1999), card(), NOW);
        let aside = intent(&payment, IntentStatus::RequiresCapture);
        payment.learn(Call::Authorize, aside.into(), Ruling::Wait, NOW);
        payment
    }

    fn captured() -> (Payment, Intent) {
        let mut payment = authorized();
        payment.follow(Ruling::Capture, NOW);
        let taken = intent(&payment, IntentStatus::Succeeded);
        payment.learn(Call::Capture, taken.clone().into(), Ruling::Capture, NOW);
        (payment, taken)
    }

    #[test]
    fn what_went_well_tells_the_same() {
        let (payment, taken) = captured();
        assert_eq!(differences(&payment, 0, &taken), Vec::<String>::new());
        let payment = authorized();
        let aside = intent(&payment, IntentStatus::RequiresCapture);
        assert_eq!(differences(&payment, 0, &aside), Vec::<String>::new());
    }

    #[test]
    fn whatever_is_bent_is_found() {
        type Bend = fn(&mut Intent);
        let bends: [(&str, Bend); 9] = [
            ("the intent", |intent| intent.id = "pi_other".to_owned()),
            ("the payment", |intent| intent.payment_id = None),
            ("the order", |intent| intent.order_id = Some("other".to_owned())),
            ("the buyer", |intent| intent.buyer_id = Some("other".to_owned())),
            ("the amount", |intent| intent.amount += 1),
            ("the amount", |intent| intent.currency = "eur".to_owned()),
            ("what was taken", |intent| intent.amount_received -= 1),
            ("what was given back", |intent| intent.amount_refunded = Some(5)),
            ("the state", |intent| intent.status = IntentStatus::Canceled),
        ];
        for (what, bend) in bends {
            let (payment, mut taken) = captured();
            bend(&mut taken);
            let found = differences(&payment, 0, &taken);
            assert!(found.len() == 1 && found[0].starts_with(what), "{what}: {found:?}");
        }
    }

    #[test]
    fn money_that_stripe_took_and_nobody_here_knows_of_is_found() {
        let payment = authorized();
        let taken = intent(&payment, IntentStatus::Succeeded);
        let found = differences(&payment, 0, &taken);
        assert!(
            found
                .iter()
                .any(|line| line.starts_with("what was taken is 0 here, 1999")),
            "{found:?}"
        );
    }
}
