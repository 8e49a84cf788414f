//! The use cases without HTTP, broker and Stripe, for whoever explores what they do together with those of others
//! (`tools/model`). Nothing is decided here.

use ::events::Envelope;
use bus::ConsumeError;
use db::Tx;
use values::{OrderId, PaymentId, RefundId, Timestamp, UserId};

use crate::{
    domain::{
        self, Aftermath, BasisPoints, Call, Failure, FailureKind, GivenBack, GivenBackStatus, Intent, IntentStatus,
        Learned, Means, Payment, RefundCall,
    },
    events::react,
    jobs::{Duty, due as due_now, duty},
    store,
    use_cases::{Pay, keep, note, pay, record_aftermath, record_refund},
};

/// What Stripe is asked about a payment.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Question {
    /// Set the money aside, or be ready to.
    Authorize {
        /// Whether the card is known.
        card: bool,
    },
    /// Look whether it ever was.
    LookUp,
    /// Look how the intent is.
    Look,
    /// Take what was set aside.
    Capture,
    /// Let it go.
    Void,
    /// Give back, after a look at the list; without a key there is only the look.
    GiveBack {
        /// For which refund.
        refund: RefundId,
        /// Minor units.
        amount: i64,
        /// The idempotency key.
        key: Option<String>,
    },
    /// Look what has become of the money.
    Aftermath {
        /// Whether any of it went back, as far as is known.
        known: bool,
    },
}

/// What Stripe answers.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Answer {
    /// How the intent is.
    Intent(Told),
    /// There will be none.
    Refused,
    /// There is none.
    Absent,
    /// The list of refunds, and which of them is the one that was asked for, if there is one.
    Refund(Vec<Returned>, Option<Returned>),
    /// The list of refunds; the one that was asked for is not made now.
    Later(Vec<Returned>),
    /// The list of refunds; the platform's balance does not cover the one that was asked for.
    NotCovered(Vec<Returned>),
    /// The list of refunds.
    Money(Vec<Returned>),
}

/// An intent.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Told {
    /// Stripe's name for it.
    pub id: String,
    /// Stripe's word for where it stands.
    pub status: &'static str,
    /// Minor units that were taken.
    pub received: i64,
    /// Whether a card was refused.
    pub declined: bool,
}

/// A refund at Stripe.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Returned {
    /// Stripe's name for it.
    pub id: String,
    /// Minor units.
    pub amount: i64,
    /// Stripe's word for where it stands.
    pub status: &'static str,
    /// What its metadata says.
    pub refund: Option<RefundId>,
}

/// Hears an event.
pub fn hear(tx: &Tx, now: Timestamp, said: &Envelope) -> Result<(), ConsumeError> {
    react(tx, now, said)
}

/// A buyer begins to pay, with a card or in a browser; says whether that is possible.
pub fn begin(tx: &Tx, now: Timestamp, buyer_id: UserId, order_id: OrderId, card: bool) -> bool {
    let token = "pm_card_visa".parse().ok().filter(|_| card);
    let request = idempotency::Request::new("payOrder", buyer_id, None, &());
    let wish = Pay {
        buyer_id,
        order_id,
        with: token.map_or(Means::Browser, |token| Means::Card {
            token,
            return_url: None,
        }),
    };
    pay(tx, now, wish, &request).is_ok()
}

/// Stripe tells of something unasked.
pub fn tell(tx: &Tx, now: Timestamp, letter: serde_json::Value) -> Result<(), db::Error> {
    match serde_json::from_value(letter) {
        Ok(letter) => note(tx, now, &letter).map(|_| ()),
        Err(_) => Ok(()),
    }
}

/// What Stripe is to be asked next about a payment, if the settler finds it.
pub fn due(tx: &Tx, now: Timestamp, id: PaymentId) -> Result<Option<Question>, db::Error> {
    let found = due_now(tx, now)?.contains(&id);
    let Some(payment) = store::payment(tx, id)?.filter(|_| found) else {
        return Ok(None);
    };
    if let Some(call) = payment.due(now) {
        return Ok(Some(match call {
            Call::Authorize => Question::Authorize {
                card: payment.with != Means::Browser,
            },
            Call::LookUp => Question::LookUp,
            Call::Look => Question::Look,
            Call::Capture => Question::Capture,
            Call::Void => Question::Void,
        }));
    }
    Ok(duty(tx, id, now)?.map(|(_, duty)| match duty {
        Duty::GiveBack(refund, call) => Question::GiveBack {
            refund: refund.id,
            amount: refund.amount.amount,
            key: match call {
                RefundCall::Ask(key) => Some(key),
                RefundCall::Look => None,
            },
        },
        Duty::Look(known) => Question::Aftermath { known },
    }))
}

/// Writes down what Stripe answered to a question that was asked at `asked_at`.
pub fn write_down(
    tx: &Tx,
    (now, asked_at): (Timestamp, Timestamp),
    id: PaymentId,
    question: &Question,
    answer: &Answer,
) -> Result<(), db::Error> {
    let call = match question {
        Question::Authorize { .. } => Call::Authorize,
        Question::LookUp => Call::LookUp,
        Question::Look => Call::Look,
        Question::Capture => Call::Capture,
        Question::Void => Call::Void,
        Question::GiveBack { refund, .. } => return given_back(tx, now, *refund, answer),
        Question::Aftermath { .. } => {
            let Answer::Money(list) = answer else { return Ok(()) };
            let found = Aftermath {
                stripe_fee: Some((88, "usd".to_owned())),
                refunds: list.iter().map(GivenBack::from).collect(),
                disputes: Vec::new(),
            };
            return record_aftermath(tx, now, id, asked_at, &found);
        }
    };
    let Some(payment) = store::payment(tx, id)? else {
        return Ok(());
    };
    let learned = match answer {
        Answer::Intent(told) => told.of(&payment).into(),
        Answer::Refused => Learned::Refused(declined()),
        _ => Learned::Absent,
    };
    keep(tx, now, share(), id, (call, asked_at), learned).map(|_| ())
}

fn given_back(tx: &Tx, now: Timestamp, refund: RefundId, answer: &Answer) -> Result<(), db::Error> {
    let (list, answer) = match answer {
        Answer::Refund(list, Some(given)) => (list.as_slice(), domain::Answer::GivenBack(given.into())),
        Answer::Refund(list, None) => (
            list.as_slice(),
            domain::Answer::Refused("charge_already_refunded".to_owned()),
        ),
        Answer::Later(list) => (list.as_slice(), domain::Answer::Unknown(String::new())),
        Answer::NotCovered(list) => (list.as_slice(), domain::Answer::NotCovered(String::new())),
        _ => (&[][..], domain::Answer::Unknown(String::new())),
    };
    let list = list.iter().map(GivenBack::from).collect::<Vec<_>>();
    record_refund(tx, now, refund, &list, &answer)
}

/// 2.5 %: of an odd price, no whole number.
fn share() -> BasisPoints {
    BasisPoints::try_from(250).unwrap_or_default()
}

fn declined() -> Failure {
    Failure::new(FailureKind::Declined, "generic_decline", "Your card was declined.")
}

impl Told {
    fn of(&self, payment: &Payment) -> Intent {
        Intent {
            id: self.id.clone(),
            status: IntentStatus::of_word(self.status),
            amount: payment.amount.amount,
            amount_received: self.received,
            currency: payment.amount.currency.code().to_owned(),
            payment_id: Some(payment.id.to_string()),
            order_id: Some(payment.order_id.to_string()),
            buyer_id: Some(payment.buyer_id.to_string()),
            created_at: payment.created_at,
            amount_refunded: None,
            client_secret: Some(format!("{}_secret", self.id)),
            next_action_url: None,
            failure: self.declined.then(declined),
        }
    }
}

impl From<&Returned> for GivenBack {
    fn from(returned: &Returned) -> Self {
        Self {
            id: returned.id.clone(),
            amount: returned.amount,
            status: GivenBackStatus::of_word(returned.status),
            failure_reason: None,
            refund_id: returned.refund,
        }
    }
}
