//! Everything together: what is so, and every step that can come next.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Mutex, RwLock},
};

use payment::model::{StripeRequest, StripeResponse};
use stateright::{Model, Property};
use values::Timestamp;

use crate::{
    bank::{self, Account, Fate, Mood, Word},
    lab::{Effect, Id, Lab, Mail, Post},
    names,
    rest::{self, Verdict},
    services::{OrderStep, OrderView, Orders, PRICE, PaymentStep, PaymentView, Payments, TOTAL},
};

/// How much may happen. Whatever is not counted here may happen any number of times: a message that comes twice or late,
/// a webhook, a timeout, a crash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Bounds {
    /// How many steps the clock makes at most.
    pub(crate) clock: u8,
    /// How often the buyer begins to pay.
    pub(crate) attempts: u8,
    pub(crate) cards: bool,
    pub(crate) browsers: bool,
    /// How many cards are declined in a browser.
    pub(crate) declines: u8,
    /// Whether buyer or seller may end it.
    pub(crate) cancel: bool,
    pub(crate) withdraw: bool,
    /// Whether Stripe tells unasked.
    pub(crate) webhooks: bool,
    /// How many requests are on their way for so long that they are given up before they arrive.
    pub(crate) late: u8,
    /// How many authorisations end by themselves, and how many captures are refused.
    pub(crate) lapses: u8,
    pub(crate) refusals: u8,
    /// How many refunds are asked for by buyer or seller, and made in Stripe's dashboard; how many fail.
    pub(crate) refunds: u8,
    pub(crate) by_hand: u8,
    pub(crate) failures: u8,
    /// How often the platform's balance does not cover a refund, and how often a seller who has withdrawn tries again.
    pub(crate) uncovered: u8,
    pub(crate) retries: u8,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct World {
    pub(crate) order: Id,
    pub(crate) payment: Id,
    /// Which step the clock has come to.
    pub(crate) tick: u8,
    pub(crate) stripe: [Account; 2],
    /// What the payment service has asked about each attempt and has not written down.
    pub(crate) asked: [Option<Box<(StripeRequest, StripeResponse)>>; 2],
    /// Requests that nobody waits for any more.
    pub(crate) late: Vec<(u8, StripeRequest)>,
    /// What was said and may still be heard, and whether it was heard already.
    pub(crate) post: Vec<(Mail, bool)>,
    /// Whether the buyer's browser has the secret of an intent.
    secret: [bool; 2],
    /// Whether money has gone a way of which Stripe has not told yet, and nobody asks.
    pub(crate) untold: [bool; 2],
    left: Bounds,
    /// What must never be.
    pub(crate) wrong: Option<&'static str>,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Action {
    BuyerPays {
        card: bool,
    },
    BuyerShowsCard {
        payment: u8,
        mood: Mood,
    },
    BuyerCancels,
    SellerWithdraws,
    BuyerAsksForRefund,
    SellerRefunds,
    SellerDecides {
        refund: u8,
        approve: bool,
    },
    SellerTriesAgain,
    SalesAreRefunded,
    DeadlinePasses {
        deadline: Timestamp,
    },
    ClockGoesOn,
    IsHeard(Mail),
    /// The payment service asks Stripe what is due, and Stripe does it.
    AsksStripe {
        payment: u8,
        mood: Mood,
    },
    WritesDown {
        payment: u8,
    },
    /// A timeout, or a crash: the answer is lost.
    LosesAnswer {
        payment: u8,
    },
    /// A timeout before Stripe has heard of it.
    IsDelayed {
        payment: u8,
    },
    Arrives {
        index: usize,
    },
    StripeTells {
        payment: u8,
        was: Word,
    },
    StripeTellsOfMoney {
        payment: u8,
    },
    AuthorisationLapses {
        payment: u8,
    },
    RefundArrives {
        payment: u8,
        index: usize,
    },
    RefundFails {
        payment: u8,
        index: usize,
    },
    SomebodyRefundsByHand {
        payment: u8,
    },
}

/// What is explored.
pub(crate) struct Market {
    pub(crate) orders: Lab<Orders>,
    pub(crate) payments: Lab<Payments>,
    pub(crate) post: Post,
    pub(crate) bounds: Bounds,
    /// Whether it begins with a sale.
    sold: bool,
    /// The worlds that are known to come to a good end.
    pub(crate) good: RwLock<HashSet<u64>>,
    /// How they end: the order, its attempts to pay, its refunds.
    pub(crate) ends: Mutex<BTreeSet<String>>,
    /// How the first one ends that should not end so.
    pub(crate) bad: Mutex<Option<Verdict>>,
}

impl Market {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self::flawed(bounds, None, None)
    }

    /// With services that are broken on purpose: SQL that runs after each step of the order or the payment service.
    pub(crate) fn flawed(bounds: Bounds, order: Option<&'static str>, payment: Option<&'static str>) -> Self {
        Self {
            orders: Lab::new(order),
            payments: Lab::new(payment),
            post: Post::default(),
            bounds,
            sold: false,
            good: RwLock::default(),
            ends: Mutex::default(),
            bad: Mutex::default(),
        }
    }

    /// Begins with an order that is paid.
    pub(crate) fn sold(self) -> Self {
        Self { sold: true, ..self }
    }

    pub(crate) fn order(&self, world: &World) -> Arc<OrderView> {
        self.orders.view(world.order)
    }

    pub(crate) fn payment(&self, world: &World) -> Arc<PaymentView> {
        self.payments.view(world.payment)
    }

    fn placed(&self) -> World {
        let mut world = World {
            order: 0,
            payment: 0,
            tick: 0,
            stripe: Default::default(),
            asked: [None, None],
            late: Vec::new(),
            post: Vec::new(),
            secret: [false; 2],
            untold: [false; 2],
            left: self.bounds,
            wrong: None,
        };
        self.order_does(&mut world, &OrderStep::Listed);
        self.order_does(&mut world, &OrderStep::Placed);
        let (placed, _) = world.post[0];
        self.hears(&mut world, placed);
        world
    }

    fn paid(&self) -> World {
        let mut world = World {
            left: Bounds {
                attempts: 1,
                ..self.bounds
            },
            ..self.placed()
        };
        let paying = self.does(&world, &Action::BuyerPays { card: true }).unwrap();
        world = std::iter::successors(Some(paying), |world| self.goes_on(world))
            .last()
            .unwrap();
        world.left.attempts = 0;
        world
    }

    fn order_does(&self, world: &mut World, step: &OrderStep) {
        let effect = self.orders.step(world.order, step, &self.post);
        world.order = effect.next;
        Self::say(world, &effect);
    }

    fn payment_does(&self, world: &mut World, step: &PaymentStep) -> Option<StripeRequest> {
        let effect = self.payments.step(world.payment, step, &self.post);
        world.payment = effect.next;
        Self::say(world, &effect);
        effect.answer.clone()
    }

    fn say<A>(world: &mut World, effect: &Effect<A>) {
        world.wrong = world.wrong.or(effect.wrong);
        for mail in &effect.said {
            world.post.retain(|(other, _)| other != mail);
            world.post.push((*mail, false));
        }
        world.post.sort_unstable();
    }

    fn hears(&self, world: &mut World, mail: Mail) {
        let letter = self.post.letter(mail);
        for (known, heard) in &mut world.post {
            *heard |= *known == mail;
        }
        if letter.to_order {
            self.order_does(world, &OrderStep::Hear(mail));
        }
        if letter.to_payment {
            let tick = world.tick;
            self.payment_does(world, &PaymentStep::Hear { mail, tick });
        }
    }

    /// Forgets messages that can make no difference any more, whoever hears them when.
    fn tidy(&self, world: &mut World) {
        if world.post.is_empty() {
            return;
        }
        let (order, payment) = (self.order(world), self.payment(world));
        let (from, tick) = ((world.order, world.payment), world.tick);
        world.post.retain(|(mail, _)| {
            let letter = self.post.letter(*mail);
            if !letter.gist.is_spent(&order, &payment) {
                return true;
            }
            if letter.to_order {
                let effect = self.orders.step(from.0, &OrderStep::Hear(*mail), &self.post);
                effect.next != from.0 || !effect.said.is_empty() || effect.wrong.is_some()
            } else {
                let step = PaymentStep::Hear { mail: *mail, tick };
                let effect = self.payments.step(from.1, &step, &self.post);
                effect.next != from.1 || !effect.said.is_empty() || effect.wrong.is_some()
            }
        });
    }

    /// What is to be asked about an attempt, as it is when nobody asks yet; none while somebody does.
    fn asks(&self, world: &mut World, payment: u8) -> Option<StripeRequest> {
        if world.asked[usize::from(payment)].is_some() {
            return None;
        }
        let tick = world.tick;
        let question = self.payment_does(world, &PaymentStep::Ask { payment, tick })?;
        if question == StripeRequest::Capture && !self.order(world).is_paid_with(payment.into()) {
            world.wrong = Some("Stripe is asked to take money for an order that is not confirmed with that payment");
        }
        Some(question)
    }

    /// What comes of an action; nothing, where it is not possible or makes no difference.
    pub(crate) fn does(&self, before: &World, action: &Action) -> Option<World> {
        let mut world = before.clone();
        self.act(&mut world, action)?;
        self.tidy(&mut world);
        (world != *before).then_some(world)
    }

    fn act(&self, world: &mut World, action: &Action) -> Option<()> {
        let tick = world.tick;
        match action {
            Action::BuyerPays { card } => {
                let from = world.payment;
                self.payment_does(world, &PaymentStep::Pay { card: *card, tick });
                if world.payment == from {
                    return None;
                }
                world.left.attempts -= 1;
            }
            Action::BuyerShowsCard { payment, mood } => {
                let account = &mut world.stripe[usize::from(*payment)];
                match mood {
                    Mood::Fine => account.turn(Word::RequiresCapture),
                    Mood::Slow => account.turn(Word::RequiresAction),
                    Mood::No => {
                        account.turn(Word::RequiresPaymentMethod);
                        account.declined += 1;
                        world.left.declines -= 1;
                    }
                }
            }
            Action::BuyerCancels => self.order_does(world, &OrderStep::Cancel),
            Action::SellerWithdraws => {
                world.left.withdraw = false;
                self.order_does(world, &OrderStep::Withdrawn);
            }
            Action::BuyerAsksForRefund | Action::SellerRefunds => {
                let by_seller = *action == Action::SellerRefunds;
                // The buyer wants to give one of the two back, the seller all that are left.
                let quantity = (!by_seller).then_some(1);
                let from = world.order;
                self.order_does(world, &OrderStep::Refund { by_seller, quantity });
                if world.order == from {
                    return None;
                }
                world.left.refunds -= 1;
            }
            Action::SellerDecides { refund, approve } => {
                let (refund, approve) = (*refund, *approve);
                self.order_does(world, &OrderStep::Decide { refund, approve });
            }
            Action::SellerTriesAgain => {
                world.left.retries -= 1;
                self.order_does(world, &OrderStep::Retry);
            }
            Action::SalesAreRefunded => self.order_does(world, &OrderStep::RefundWithdrawn),
            Action::DeadlinePasses { deadline } => self.order_does(world, &OrderStep::Ring { deadline: *deadline }),
            Action::ClockGoesOn => world.tick += 1,
            Action::IsHeard(mail) => self.hears(world, *mail),
            at_stripe => return self.act_at_stripe(world, at_stripe),
        }
        Some(())
    }

    /// What happens between the payment service and Stripe, or at Stripe alone.
    fn act_at_stripe(&self, world: &mut World, action: &Action) -> Option<()> {
        let tick = world.tick;
        match action {
            Action::AsksStripe { payment, mood } => {
                let question = self.asks(world, *payment)?;
                let account = &mut world.stripe[usize::from(*payment)];
                if !account.moods(&question).contains(mood) {
                    return None;
                }
                if question == StripeRequest::Capture && *mood == Mood::No {
                    world.left.refusals = world.left.refusals.checked_sub(1)?;
                }
                if matches!(question, StripeRequest::Refund { .. }) && *mood == Mood::No {
                    world.left.uncovered = world.left.uncovered.checked_sub(1)?;
                }
                let answer = account.ask(*payment, &question, *mood);
                world.asked[usize::from(*payment)] = Some(Box::new((question, answer)));
            }
            Action::WritesDown { payment } => {
                let (question, answer) = *world.asked[usize::from(*payment)].take()?;
                let step = PaymentStep::WriteDown {
                    payment: *payment,
                    tick,
                    question,
                    answer,
                };
                self.payment_does(world, &step);
                let after = self.payment(world);
                world.secret[usize::from(*payment)] |= after.payments[usize::from(*payment)].secret;
            }
            Action::LosesAnswer { payment } => {
                world.asked[usize::from(*payment)].take()?;
            }
            Action::IsDelayed { payment } => {
                let question = self.asks(world, *payment)?;
                let looks = matches!(
                    question,
                    StripeRequest::RetrieveIntent | StripeRequest::FindIntent | StripeRequest::FollowUp { .. }
                );
                if looks || world.late.iter().any(|late| *late == (*payment, question.clone())) {
                    return None;
                }
                world.left.late -= 1;
                world.late.push((*payment, question));
            }
            Action::Arrives { index } => {
                let (payment, question) = world.late.remove(*index);
                world.stripe[usize::from(payment)].arrive(payment, &question);
            }
            Action::StripeTells { payment, was } => {
                let asking = world.asked[usize::from(*payment)].is_some();
                let (payment, was) = (*payment, *was);
                self.payment_does(world, &PaymentStep::Told { payment, was, asking });
            }
            Action::StripeTellsOfMoney { payment } => {
                let (payment, asking) = (*payment, world.asked[usize::from(*payment)].is_some());
                world.untold[usize::from(payment)] = false;
                self.payment_does(world, &PaymentStep::ToldOfMoney { payment, asking });
            }
            Action::AuthorisationLapses { payment } => {
                world.left.lapses -= 1;
                world.stripe[usize::from(*payment)].turn(Word::Canceled);
            }
            Action::RefundArrives { payment, index } => {
                world.stripe[usize::from(*payment)].refunds[*index].state = Fate::Succeeded;
            }
            Action::RefundFails { payment, index } => {
                world.left.failures -= 1;
                world.untold[usize::from(*payment)] = true;
                world.stripe[usize::from(*payment)].refunds[*index].state = Fate::Failed;
            }
            Action::SomebodyRefundsByHand { payment } => {
                world.left.by_hand -= 1;
                world.untold[usize::from(*payment)] = true;
                world.stripe[usize::from(*payment)].by_hand(PRICE);
            }
            _ => unreachable!("that is no affair of Stripe: {action:?}"),
        }
        Some(())
    }

    /// The deadlines that have passed, of those that the order ever had.
    pub(crate) fn passed(&self, world: &World) -> impl Iterator<Item = Timestamp> + use<> {
        let deadlines = [Some(1), self.order(world).extended.then_some(2)].into_iter().flatten();
        let tick = world.tick;
        deadlines.filter(move |deadline| *deadline <= tick).map(names::at)
    }

    fn people_and_clock(&self, world: &World, actions: &mut Vec<Action>) {
        let (left, order) = (&world.left, self.order(world));
        if left.attempts > 0 {
            let ways = [(left.cards, true), (left.browsers, false)];
            actions.extend(
                ways.into_iter()
                    .filter(|(may, _)| *may)
                    .map(|(_, card)| Action::BuyerPays { card }),
            );
        }
        if left.cancel {
            actions.push(Action::BuyerCancels);
        }
        if left.withdraw {
            actions.push(Action::SellerWithdraws);
        }
        if left.refunds > 0 {
            actions.extend([Action::BuyerAsksForRefund, Action::SellerRefunds]);
        }
        for (index, refund) in (0..).zip(&order.refunds) {
            if refund.status == "requested" {
                actions.extend([true, false].map(|approve| Action::SellerDecides { refund: index, approve }));
            }
        }
        if order.withdrawn && !order.refunding && left.retries > 0 {
            actions.push(Action::SellerTriesAgain);
        }
        if order.refunding {
            actions.push(Action::SalesAreRefunded);
        }
        actions.extend(self.passed(world).map(|deadline| Action::DeadlinePasses { deadline }));
        // A request is on its way for less than a day: then Stripe's memory of its key is over, too.
        if world.tick < left.clock && (world.tick < 2 || world.late.is_empty()) {
            actions.push(Action::ClockGoesOn);
        }
        actions.extend(world.post.iter().map(|(mail, _)| Action::IsHeard(*mail)));
        actions.extend((0..world.late.len()).map(|index| Action::Arrives { index }));
    }

    fn stripe(world: &World, payment: u8, actions: &mut Vec<Action>) {
        let index = usize::from(payment);
        let (left, account) = (&world.left, &world.stripe[index]);
        if world.asked[index].is_some() {
            actions.extend([Action::WritesDown { payment }, Action::LosesAnswer { payment }]);
        } else {
            actions.extend([Mood::Fine, Mood::Slow, Mood::No].map(|mood| Action::AsksStripe { payment, mood }));
            if left.late > 0 {
                actions.push(Action::IsDelayed { payment });
            }
        }
        let waits = matches!(account.intent, Some(Word::RequiresPaymentMethod | Word::RequiresAction));
        if waits && world.secret[index] {
            actions.push(Action::BuyerShowsCard {
                payment,
                mood: Mood::Fine,
            });
            if account.intent == Some(Word::RequiresPaymentMethod) {
                actions.push(Action::BuyerShowsCard {
                    payment,
                    mood: Mood::Slow,
                });
            }
            if left.declines > 0 {
                actions.push(Action::BuyerShowsCard {
                    payment,
                    mood: Mood::No,
                });
            }
        }
        if account.intent == Some(Word::RequiresCapture) && left.lapses > 0 {
            actions.push(Action::AuthorisationLapses { payment });
        }
        if left.webhooks {
            actions.extend(account.stood().map(|was| Action::StripeTells { payment, was }));
            if !account.refunds.is_empty() {
                actions.push(Action::StripeTellsOfMoney { payment });
            }
        }
        for (index, given) in account.refunds.iter().enumerate() {
            if given.state == Fate::Pending {
                actions.push(Action::RefundArrives { payment, index });
            }
            if given.state != Fate::Failed && left.failures > 0 {
                actions.push(Action::RefundFails { payment, index });
            }
        }
        if account.took() && left.by_hand > 0 && account.given() + PRICE <= TOTAL {
            actions.push(Action::SomebodyRefundsByHand { payment });
        }
    }
}

impl Model for Market {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![if self.sold { self.paid() } else { self.placed() }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        // What is wrong already is not looked at any further.
        if world.wrong.is_some() {
            return;
        }
        self.people_and_clock(world, actions);
        let attempts = self.payment(world).payments.len();
        for payment in 0..u8::try_from(attempts).unwrap() {
            Self::stripe(world, payment, actions);
        }
    }

    fn next_state(&self, before: &World, action: Action) -> Option<World> {
        self.does(before, &action)
    }

    fn format_action(&self, action: &Action) -> String {
        match action {
            Action::IsHeard(mail) => {
                let letter = self.post.letter(*mail);
                let payment = letter.envelope.event.as_payment();
                let version =
                    payment.map_or_else(String::new, |payment| format!("{}, {}", payment.version, payment.id));
                format!("IsHeard({} {version})", letter.envelope.event.name())
            }
            action => format!("{action:?}"),
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("nothing happens that must not", |_, world: &World| {
                world.wrong.is_none()
            }),
            Property::always("no order is paid twice", |_, world: &World| {
                world.stripe.iter().filter(|account| account.took()).count() <= 1
            }),
            Property::always(
                "what is complete was captured, and what is cancelled was not",
                |market: &Self, world: &World| {
                    let order = market.order(world);
                    let mut accounts = world.stripe.iter().enumerate();
                    match order.status.as_str() {
                        "complete" => accounts.any(|(index, account)| order.is_paid_with(index) && account.took()),
                        "cancelled" => !accounts.any(|(_, account)| account.took()),
                        _ => true,
                    }
                },
            ),
            Property::always("no refund is paid twice", |_, world: &World| {
                !world.stripe.iter().any(bank::pays_twice)
            }),
            Property::always("in the end all is settled", rest::is_good),
        ]
    }
}
