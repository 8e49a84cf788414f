//! What must be true in the end, if nothing disturbs any more: every message is heard, every call is made and answered,
//! the clock goes on, and nobody begins anything new.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::{
    bank::{Fate, Mood, Word},
    services::TOTAL,
    world::{Action, Market, World},
};

/// How a world ends.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) why: &'static str,
    /// What was done until then.
    pub(crate) way: Vec<Action>,
    pub(crate) end: World,
}

/// More steps than any world takes to come to rest.
const PATIENCE: usize = 300;

pub(crate) fn is_good(market: &Market, world: &World) -> bool {
    let (mut seen, mut way, mut world) = (Vec::new(), Vec::new(), world.clone());
    loop {
        let print = fingerprint(&world);
        if market.good.read().unwrap().contains(&print) {
            break;
        }
        seen.push(print);
        let Some((action, next)) = market.next(&world) else {
            if let Some(why) = market.unsettled(&world) {
                return market.condemn(Verdict { why, way, end: world });
            }
            let (order, payment) = (market.order(&world), market.payment(&world));
            let attempts = payment.payments.iter().map(|attempt| attempt.status.as_str());
            let refunds = order.refunds.iter().map(|refund| refund.status.as_str());
            let end = [order.status.as_str()].into_iter().chain(attempts).chain(refunds);
            market.ends.lock().unwrap().insert(end.collect::<Vec<_>>().join(" "));
            break;
        };
        if way.len() == PATIENCE {
            let why = "it never comes to rest";
            return market.condemn(Verdict { why, way, end: world });
        }
        way.push(action);
        world = next;
    }
    market.good.write().unwrap().extend(seen);
    true
}

fn fingerprint(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

impl Market {
    pub(crate) fn goes_on(&self, world: &World) -> Option<World> {
        self.next(world).map(|(_, next)| next)
    }

    /// Keeps the first way that ends badly; no world on it is good.
    fn condemn(&self, verdict: Verdict) -> bool {
        self.bad.lock().unwrap().get_or_insert(verdict);
        false
    }

    /// The next thing that happens by itself.
    fn next(&self, world: &World) -> Option<(Action, World)> {
        let try_ = |action: Action| self.does(world, &action).map(|next| (action, next));
        let payments = || 0..u8::try_from(self.payment(world).payments.len()).unwrap();
        for payment in payments() {
            if world.asked[usize::from(payment)].is_some() {
                return try_(Action::WritesDown { payment });
            }
        }
        // Stripe tells again for three days; where it never does, `reconcile` finds it.
        for payment in payments() {
            if world.untold[usize::from(payment)] {
                return try_(Action::StripeTellsOfMoney { payment });
            }
        }
        if let Some((mail, _)) = world.post.iter().find(|(_, heard)| !heard) {
            return try_(Action::IsHeard(*mail));
        }
        if !world.late.is_empty() {
            return try_(Action::Arrives { index: 0 });
        }
        for payment in payments() {
            let asks = try_(Action::AsksStripe {
                payment,
                mood: Mood::Fine,
            });
            // What Stripe says may be no news: then it is asked again, and again that is no step.
            let news =
                asks.filter(|(_, asked)| self.does(asked, &Action::WritesDown { payment }).as_ref() != Some(world));
            if news.is_some() {
                return news;
            }
        }
        for payment in payments() {
            let refunds = &world.stripe[usize::from(payment)].refunds;
            if let Some(index) = refunds.iter().position(|given| given.state == Fate::Pending) {
                return try_(Action::RefundArrives { payment, index });
            }
        }
        if self.order(world).refunding {
            return try_(Action::SalesAreRefunded);
        }
        let mut rings = self.passed(world).map(|deadline| Action::DeadlinePasses { deadline });
        rings
            .find_map(try_)
            .or_else(|| (usize::from(world.tick) + 1 < crate::names::CLOCK.len()).then(|| try_(Action::ClockGoesOn))?)
    }

    /// Why a world at rest is not as it should be.
    fn unsettled(&self, world: &World) -> Option<&'static str> {
        let (order, payment) = (self.order(world), self.payment(world));
        let (mut taken, mut given) = (0, 0);
        for (index, account) in world.stripe.iter().enumerate() {
            let attempt = payment.payments.get(index);
            let ends = match account.intent {
                Some(Word::RequiresCapture) => return Some("an authorisation is neither captured nor cancelled"),
                Some(Word::RequiresAction) => return Some("an intent can still be gone on with"),
                // A declined card leaves an intent whose secret nobody has.
                Some(Word::RequiresPaymentMethod) | None => "failed",
                Some(Word::Succeeded) => "captured",
                Some(Word::Canceled) => "voided",
            };
            let agrees = |status: &str| status == ends || (ends == "voided" && status == "failed");
            if attempt.is_some_and(|attempt| !agrees(&attempt.status) || attempt.told || attempt.secret) {
                return Some("a payment is not as its intent");
            }
            if account.took() {
                taken += TOTAL;
                given += account.given();
            }
        }
        if !["complete", "cancelled"].contains(&order.status.as_str()) {
            return Some("an order has not ended");
        }
        if (taken > 0) != (order.status == "complete") {
            return Some("an order is not as its money");
        }
        if payment.bill_version != order.version || payment.bill_status != order.status {
            return Some("the payment service has not heard how the order is");
        }
        if payment.looks
            || payment
                .refunds
                .iter()
                .any(|(_, state)| ["asked", "pending"].contains(&state.as_str()))
        {
            return Some("a refund is not settled");
        }
        if order.refunds.iter().any(|refund| refund.status == "approved") || order.refunding {
            return Some("an approved refund is neither paid nor failed");
        }
        if payment.books != (-taken, 0, given) {
            return Some("the books are not as Stripe's");
        }
        (order.refunded != given).then_some("the order does not know what went back")
    }
}
