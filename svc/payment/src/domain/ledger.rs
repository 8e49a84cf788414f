//! What is to stand in the books for one payment. No SQL, no clock.

use std::{
    collections::BTreeMap,
    ops::{AddAssign, SubAssign},
};

use values::{Money, UserId};

use super::BasisPoints;

/// What each account has got (above zero) or given (below), in minor units of one currency. Together they are nothing.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Amounts {
    /// What buyers have paid.
    pub(crate) buyer: i64,
    /// Taken for an order that is not complete yet, or whose seller is not known yet.
    pub(crate) held: i64,
    /// The seller's.
    pub(crate) seller: i64,
    /// What the platform gets of the seller.
    pub(crate) platform_fee: i64,
    /// Given back to buyers.
    pub(crate) refunds: i64,
    /// Taken back by buyers' banks.
    pub(crate) dispute: i64,
    /// What the platform pays itself.
    pub(crate) costs: i64,
    /// What Stripe has kept for itself.
    pub(crate) stripe_fee: i64,
}

/// Whose books, in which currency (ISO 4217, in lower case).
pub(crate) type Page = (String, Option<UserId>);

/// Money that was taken with a payment, and what has become of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Taken {
    pub(crate) amount: Money,
    /// The platform's share.
    pub(crate) share: BasisPoints,
    /// Who sells, once that is known.
    pub(crate) seller: Option<UserId>,
    /// Whether the order is complete.
    pub(crate) complete: bool,
    /// Minor units that went back to the buyer.
    pub(crate) refunded: i64,
    /// Minor units that the buyer's bank has got back.
    pub(crate) disputed: i64,
    /// What Stripe has kept for itself, each with its currency.
    pub(crate) stripe_fees: Vec<(i64, String)>,
}

impl Taken {
    /// What the books are to say. It depends on how things are alone, not on how they came to be so: whatever is given back
    /// in parts ends as if it had been given back at once.
    pub(crate) fn position(&self) -> BTreeMap<Page, Amounts> {
        let left = self.amount.amount - self.refunded - self.disputed;
        let mut sale = Amounts {
            buyer: -self.amount.amount,
            refunds: self.refunded,
            dispute: self.disputed,
            ..Amounts::default()
        };
        if self.complete && self.seller.is_some() {
            sale.platform_fee = self.share.of(left, self.amount.currency);
            sale.seller = left - sale.platform_fee;
        } else {
            sale.held = left;
        }
        let mut position = BTreeMap::from([((self.amount.currency.to_string(), self.seller), sale)]);
        for (fee, currency) in &self.stripe_fees {
            // The platform's own affair, no seller's.
            *position.entry((currency.clone(), None)).or_default() += Amounts {
                costs: -fee,
                stripe_fee: *fee,
                ..Amounts::default()
            };
        }
        position
    }
}

impl Amounts {
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Every account with what it has.
    #[cfg(test)]
    const fn accounts(&self) -> [i64; 8] {
        [
            self.buyer,
            self.held,
            self.seller,
            self.platform_fee,
            self.refunds,
            self.dispute,
            self.costs,
            self.stripe_fee,
        ]
    }

    fn with(self, other: Self, sign: i64) -> Self {
        Self {
            buyer: self.buyer + sign * other.buyer,
            held: self.held + sign * other.held,
            seller: self.seller + sign * other.seller,
            platform_fee: self.platform_fee + sign * other.platform_fee,
            refunds: self.refunds + sign * other.refunds,
            dispute: self.dispute + sign * other.dispute,
            costs: self.costs + sign * other.costs,
            stripe_fee: self.stripe_fee + sign * other.stripe_fee,
        }
    }
}

/// Why something is written into the books.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Why {
    /// Money was taken.
    Captured,
    /// The order is complete: it is the seller's. Or it became known only now who that is.
    Completed,
    /// A refund gives it back.
    Refund(String),
    /// A refund did not work after all.
    RefundFailed(String),
    /// The buyer's bank takes it back, or gives it again.
    Dispute(String),
    /// Stripe has said what it keeps.
    StripeFee,
}

impl Why {
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Captured => "captured",
            Self::Completed => "completed",
            Self::Refund(_) => "refund",
            Self::RefundFailed(_) => "refund-failed",
            Self::Dispute(_) => "dispute",
            Self::StripeFee => "stripe-fee",
        }
    }

    /// What it was written for.
    pub(crate) fn reference(&self) -> Option<&str> {
        match self {
            Self::Refund(id) | Self::RefundFailed(id) | Self::Dispute(id) => Some(id),
            Self::Captured | Self::Completed | Self::StripeFee => None,
        }
    }
}

impl AddAssign for Amounts {
    fn add_assign(&mut self, other: Self) {
        *self = self.with(other, 1);
    }
}

impl SubAssign for Amounts {
    fn sub_assign(&mut self, other: Self) {
        *self = self.with(other, -1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use values::{MAX_AMOUNT, Timestamp};

    use super::*;

    fn taken(amount: i64, points: i64) -> Taken {
        Taken {
            amount: Money {
                amount,
                currency: "usd".parse().unwrap(),
            },
            share: BasisPoints::try_from(points).unwrap(),
            seller: Some(UserId::new(Timestamp::from_millis(0))),
            complete: true,
            refunded: 0,
            disputed: 0,
            stripe_fees: Vec::new(),
        }
    }

    fn sale(taken: &Taken) -> Amounts {
        taken.position()[&("usd".to_owned(), taken.seller)]
    }

    /// An amount, and parts of it that are given back one after the other until nothing is left.
    fn parts() -> impl Strategy<Value = (i64, Vec<i64>)> {
        prop::collection::vec(1..=9_999_999_i64, 1..10).prop_map(|parts| (parts.iter().sum(), parts))
    }

    proptest! {
        #[test]
        fn fee_and_sellers_share_are_all_of_it(amount in 1..=MAX_AMOUNT, points in 0..=10_000_i64) {
            let sale = sale(&taken(amount, points));
            prop_assert_eq!(sale.platform_fee + sale.seller, amount);
            prop_assert!((0..=amount).contains(&sale.platform_fee));
            // Never more than the share that was agreed on, and less by less than a minor unit.
            prop_assert!(sale.platform_fee * 10_000 <= amount * points);
            prop_assert!((sale.platform_fee + 1) * 10_000 > amount * points);
        }

        #[test]
        fn what_is_even_stays_so_for_everybody(
            (code, step) in prop::sample::select(vec![("kwd", 10), ("isk", 100)]),
            (amount, parts) in parts(),
            points in 0..=10_000_i64,
        ) {
            let mut booked = taken(amount * step, points);
            booked.amount.currency = code.parse().unwrap();
            for part in parts {
                let sale = booked.position()[&(code.to_owned(), booked.seller)];
                prop_assert!(sale.accounts().iter().all(|amount| amount % step == 0), "{:?}", sale);
                prop_assert!((sale.platform_fee + step) * 10_000 > (amount * step - booked.refunded) * points);
                booked.refunded += part * step;
            }
        }

        #[test]
        fn whatever_is_given_back_in_parts_returns_what_all_at_once_returns((amount, parts) in parts(), points in 0..=10_000_i64) {
            let mut booked = taken(amount, points);
            let (mut fee_returned, mut share_returned) = (0, 0);
            for part in parts {
                let before = sale(&booked);
                booked.refunded += part;
                let after = sale(&booked);
                let (fee, share) = (before.platform_fee - after.platform_fee, before.seller - after.seller);
                prop_assert_eq!(fee + share, part);
                prop_assert!(fee >= 0 && share >= 0, "nobody gains by a refund");
                fee_returned += fee;
                share_returned += share;
            }
            let at_once = sale(&taken(amount, points));
            prop_assert_eq!((fee_returned, share_returned), (at_once.platform_fee, at_once.seller));
            let end = sale(&booked);
            prop_assert_eq!((end.platform_fee, end.seller), (0, 0));
        }

        #[test]
        fn whatever_became_of_it_the_books_sum_to_nothing(
            amount in 1..=MAX_AMOUNT,
            points in 0..=10_000_i64,
            complete in any::<bool>(),
            known in any::<bool>(),
            refunded in 0..=MAX_AMOUNT,
            disputed in 0..=MAX_AMOUNT,
            fees in prop::collection::vec((0..5000_i64, prop_oneof![Just("usd"), Just("eur")]), 0..3),
        ) {
            let agreed = taken(amount, points);
            let taken = Taken {
                complete,
                seller: agreed.seller.filter(|_| known),
                refunded: refunded.min(amount),
                disputed: disputed.min(amount),
                stripe_fees: fees.into_iter().map(|(fee, currency)| (fee, currency.to_owned())).collect(),
                ..agreed
            };
            for (page, amounts) in taken.position() {
                prop_assert_eq!(amounts.accounts().iter().sum::<i64>(), 0, "{:?}", page);
                prop_assert!(page.1.is_some() || (amounts.seller, amounts.platform_fee) == (0, 0));
            }
        }
    }

    #[test]
    fn a_seller_who_gave_back_more_than_was_sold_owes_it() {
        let twice = Taken {
            refunded: 1999,
            disputed: 1999,
            ..taken(1999, 250)
        };
        let sale = sale(&twice);
        assert_eq!((sale.platform_fee, sale.seller), (0, -1999));
    }
}
