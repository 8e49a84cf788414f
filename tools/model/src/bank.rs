//! Stripe: what it has of one payment, and what it answers.
//!
//! <https://docs.stripe.com/payments/paymentintents/lifecycle>, <https://docs.stripe.com/api/idempotent_requests>,
//! <https://docs.stripe.com/refunds>

use payment::model::{IntentState, RefundState, StripeRequest, StripeResponse};

use crate::{names, services::TOTAL};

/// Where an intent stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Word {
    RequiresPaymentMethod,
    RequiresAction,
    RequiresCapture,
    Succeeded,
    Canceled,
}

impl Word {
    pub(crate) const ALL: [Self; 5] = [
        Self::RequiresPaymentMethod,
        Self::RequiresAction,
        Self::RequiresCapture,
        Self::Succeeded,
        Self::Canceled,
    ];

    fn bit(self) -> u8 {
        1 << Self::ALL.iter().position(|word| *word == self).unwrap()
    }

    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresAction => "requires_action",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

/// What Stripe, or the bank behind it, makes of a request: as it pleases.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Mood {
    /// It does it.
    Fine,
    /// The bank asks the card's owner first; of a refund: it takes its time.
    Slow,
    /// It does not.
    No,
}

/// What Stripe has of a payment.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Account {
    /// The intent, once there is one.
    pub(crate) intent: Option<Word>,
    /// What it was at first: what the idempotency key answers ever after.
    first: Option<Word>,
    /// Whether the last card was declined, and how many were.
    pub(crate) declined: u8,
    /// Where it ever stood: Stripe may tell of that at any time.
    had: u8,
    pub(crate) refunds: Vec<Given>,
    /// Keys that a refund was refused with: it stays the answer to them.
    refused: Vec<String>,
    /// Keys that it was answered with that the platform's balance does not cover a refund.
    uncovered: Vec<String>,
}

/// A refund.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Given {
    /// The key that it was asked for with; none, if somebody did so in the dashboard.
    key: Option<String>,
    pub(crate) refund: Option<values::RefundId>,
    pub(crate) amount: i64,
    pub(crate) state: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Fate {
    Pending,
    Succeeded,
    Failed,
}

impl Account {
    pub(crate) fn turn(&mut self, word: Word) {
        self.intent = Some(word);
        self.had |= word.bit();
    }

    /// Where it stands, or stood.
    pub(crate) fn stood(&self) -> impl Iterator<Item = Word> {
        Word::ALL.into_iter().filter(|word| self.had & word.bit() != 0)
    }

    pub(crate) fn took(&self) -> bool {
        self.intent == Some(Word::Succeeded)
    }

    /// Minor units that went back, or are about to.
    pub(crate) fn given(&self) -> i64 {
        let stands = self.refunds.iter().filter(|given| given.state != Fate::Failed);
        stands.map(|given| given.amount).sum()
    }

    /// The moods that make a difference.
    pub(crate) fn moods(&self, question: &StripeRequest) -> &'static [Mood] {
        match question {
            StripeRequest::Authorize { has_card: true } if self.first.is_none() => &[Mood::Fine, Mood::Slow, Mood::No],
            StripeRequest::Capture if self.intent == Some(Word::RequiresCapture) => &[Mood::Fine, Mood::No],
            StripeRequest::Refund { key: Some(_), .. } => &[Mood::Fine, Mood::Slow, Mood::No],
            _ => &[Mood::Fine],
        }
    }

    /// Does what it is asked, and says what is so then.
    pub(crate) fn ask(&mut self, payment: u8, question: &StripeRequest, mood: Mood) -> StripeResponse {
        match question {
            StripeRequest::Authorize { has_card: card } => {
                let first = *self.first.get_or_insert(match (card, mood) {
                    (true, Mood::Fine) => Word::RequiresCapture,
                    (true, Mood::Slow) => Word::RequiresAction,
                    _ => Word::RequiresPaymentMethod,
                });
                if self.intent.is_none() {
                    self.turn(first);
                    self.declined = u8::from(*card && first == Word::RequiresPaymentMethod);
                }
                if *card && first == Word::RequiresPaymentMethod {
                    StripeResponse::Refused
                } else {
                    StripeResponse::Intent(told(payment, first, false))
                }
            }
            StripeRequest::FindIntent | StripeRequest::RetrieveIntent => self.look(payment),
            StripeRequest::Capture => {
                if self.intent == Some(Word::RequiresCapture) && mood != Mood::No {
                    self.turn(Word::Succeeded);
                }
                self.look(payment)
            }
            StripeRequest::Void => {
                if !matches!(self.intent, None | Some(Word::Succeeded | Word::Canceled)) {
                    self.turn(Word::Canceled);
                }
                self.look(payment)
            }
            StripeRequest::Refund { refund, amount, key } => {
                let list = self.list();
                if let Some(found) = list.iter().find(|given| given.refund == Some(*refund)) {
                    return StripeResponse::Refund(list.clone(), Some(found.clone()));
                }
                let Some(key) = key else {
                    return StripeResponse::RefundUnknown(list);
                };
                if mood == Mood::No {
                    self.uncovered.push(key.clone());
                }
                if self.uncovered.contains(key) {
                    return StripeResponse::InsufficientBalance(list);
                }
                let fate = if mood == Mood::Slow {
                    Fate::Pending
                } else {
                    Fate::Succeeded
                };
                let made = self.give_back(*refund, *amount, key, fate);
                StripeResponse::Refund(list, self.list().pop().filter(|_| made))
            }
            StripeRequest::FollowUp { has_reversals: known } if *known || self.given() > 0 => {
                StripeResponse::Funds(self.list())
            }
            StripeRequest::FollowUp { .. } => StripeResponse::Funds(Vec::new()),
        }
    }

    /// A request that was on its way for long arrives; nobody hears the answer. The list that it followed is an old one.
    pub(crate) fn arrive(&mut self, payment: u8, question: &StripeRequest) {
        match question {
            StripeRequest::Refund { key: None, .. } => {}
            StripeRequest::Refund {
                key: Some(key),
                refund,
                amount,
            } => {
                self.give_back(*refund, *amount, key, Fate::Succeeded);
            }
            _ => {
                self.ask(payment, question, Mood::Fine);
            }
        }
    }

    /// Makes a refund, if it can be and this key was not used; says whether it did.
    fn give_back(&mut self, refund: values::RefundId, amount: i64, key: &str, state: Fate) -> bool {
        let mut made = self.refunds.iter();
        let mut spent = self.refused.iter().chain(&self.uncovered);
        if spent.any(|spent| spent == key) || made.any(|given| given.key.as_deref() == Some(key)) {
            return false;
        }
        if !self.took() || self.given() + amount > TOTAL {
            self.refused.push(key.to_owned());
            return false;
        }
        self.refunds.push(Given {
            key: Some(key.to_owned()),
            refund: Some(refund),
            amount,
            state,
        });
        true
    }

    /// Somebody gives back by hand.
    pub(crate) fn by_hand(&mut self, amount: i64) {
        self.refunds.push(Given {
            key: None,
            refund: None,
            amount,
            state: Fate::Succeeded,
        });
    }

    fn look(&self, payment: u8) -> StripeResponse {
        let declined = self.declined > 0 && self.intent == Some(Word::RequiresPaymentMethod);
        let told = self.intent.map(|word| told(payment, word, declined));
        told.map_or(StripeResponse::NotFound, StripeResponse::Intent)
    }

    fn list(&self) -> Vec<RefundState> {
        let returned = self.refunds.iter().enumerate().map(|(index, given)| RefundState {
            id: format!("re_{index}"),
            amount: given.amount,
            status: match given.state {
                Fate::Pending => "pending",
                Fate::Succeeded => "succeeded",
                Fate::Failed => "failed",
            },
            refund: given.refund,
        });
        returned.collect()
    }
}

fn told(payment: u8, word: Word, declined: bool) -> IntentState {
    IntentState {
        id: format!("pi_{payment}"),
        status: word.text(),
        received: if word == Word::Succeeded { TOTAL } else { 0 },
        declined,
    }
}

/// Refunds of one name at Stripe that are not failed: more than one pay twice.
pub(crate) fn pays_twice(account: &Account) -> bool {
    names::REFUNDS.iter().any(|name| {
        let mine = account.refunds.iter().filter(|given| {
            given.state != Fate::Failed && given.refund.is_some_and(|refund| refund.to_string() == **name)
        });
        mine.count() > 1
    })
}
