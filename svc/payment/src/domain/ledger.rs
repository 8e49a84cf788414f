//! The balances that the ledger must show for one payment. Double entry: each row sums to zero.

use std::{
    collections::BTreeMap,
    ops::{AddAssign, SubAssign},
};

use values::{Currency, Money, UserId};

use super::{BasisPoints, StripeFee};

/// A change of each account, or its balance, in minor units of one currency. Together they are zero.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct AccountAmounts {
    /// Payments of buyers, negative.
    pub(crate) buyer: i64,
    /// Captured for an order that is not complete yet, or whose seller is unknown.
    pub(crate) held: i64,
    /// The seller's share.
    pub(crate) seller: i64,
    /// The platform's share.
    pub(crate) platform_fee: i64,
    /// Refunded to buyers.
    pub(crate) refunds: i64,
    /// Taken back by buyers' banks.
    pub(crate) dispute: i64,
    /// Costs of the platform, negative.
    pub(crate) costs: i64,
    /// Fees of Stripe.
    pub(crate) stripe_fee: i64,
}

/// What a seller has earned in one currency, and was paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SellerBalance {
    pub(crate) currency: Currency,
    pub(crate) amounts: AccountAmounts,
    /// What the marketplace has paid to the seller, in minor units.
    pub(crate) paid_out: i64,
}

impl SellerBalance {
    /// Returns what is to be paid to the seller, in minor units. A negative amount is owed by the seller.
    pub(crate) const fn due(&self) -> i64 {
        self.amounts.seller - self.paid_out
    }
}

/// Identifies the balances of one seller, or of the platform, in one currency.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct LedgerKey {
    /// ISO 4217, in lower case.
    pub(crate) currency: String,
    /// `None` while the seller is unknown, and for costs of the platform.
    pub(crate) seller_id: Option<UserId>,
}

/// A captured payment with everything that determines its balances.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CapturedSale {
    pub(crate) amount: Money,
    /// The platform's share, as agreed at the time of the capture.
    pub(crate) fee_rate: BasisPoints,
    /// The seller, once known.
    pub(crate) seller_id: Option<UserId>,
    /// Whether the order is complete.
    pub(crate) is_complete: bool,
    /// Minor units that were refunded.
    pub(crate) refunded: i64,
    /// Minor units that the buyer's bank holds.
    pub(crate) disputed: i64,
    /// Stripe's fees for the charge and its disputes.
    pub(crate) stripe_fees: Vec<StripeFee>,
}

/// Why a row is written into the ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum EntryReason {
    /// The payment was captured.
    Captured,
    /// The order is complete, or its seller became known.
    Completed,
    /// A refund, by its id.
    Refund(String),
    /// A refund that failed, by its id.
    RefundFailed(String),
    /// A dispute, by its id.
    Dispute(String),
    /// Stripe's fee became known.
    StripeFee,
}

impl CapturedSale {
    /// Returns the balances that the ledger must show. They depend on the current state alone, not on its history: several
    /// partial refunds end like one refund of the whole.
    pub(crate) fn expected_balances(&self) -> BTreeMap<LedgerKey, AccountAmounts> {
        let remaining = self.amount.amount - self.refunded - self.disputed;
        let mut sale = AccountAmounts {
            buyer: -self.amount.amount,
            refunds: self.refunded,
            dispute: self.disputed,
            ..AccountAmounts::default()
        };
        if self.is_complete && self.seller_id.is_some() {
            sale.platform_fee = self.fee_rate.fee_on(remaining, self.amount.currency);
            sale.seller = remaining - sale.platform_fee;
        } else {
            sale.held = remaining;
        }
        let sale_key = LedgerKey {
            currency: self.amount.currency.to_string(),
            seller_id: self.seller_id,
        };
        let mut balances = BTreeMap::from([(sale_key, sale)]);
        for fee in &self.stripe_fees {
            // Costs of the platform, not of a seller.
            let platform_key = LedgerKey {
                currency: fee.currency.clone(),
                seller_id: None,
            };
            *balances.entry(platform_key).or_default() += AccountAmounts {
                costs: -fee.amount,
                stripe_fee: fee.amount,
                ..AccountAmounts::default()
            };
        }
        balances
    }
}

impl AccountAmounts {
    pub(crate) fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the amounts of all accounts.
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

    fn plus(self, other: Self, sign: i64) -> Self {
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

impl AddAssign for AccountAmounts {
    fn add_assign(&mut self, other: Self) {
        *self = self.plus(other, 1);
    }
}

impl SubAssign for AccountAmounts {
    fn sub_assign(&mut self, other: Self) {
        *self = self.plus(other, -1);
    }
}

impl EntryReason {
    /// The text in the database.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Captured => "captured",
            Self::Completed => "completed",
            Self::Refund(_) => "refund",
            Self::RefundFailed(_) => "refund-failed",
            Self::Dispute(_) => "dispute",
            Self::StripeFee => "stripe-fee",
        }
    }

    /// The id of the refund or dispute.
    pub(crate) fn reference(&self) -> Option<&str> {
        match self {
            Self::Refund(id) | Self::RefundFailed(id) | Self::Dispute(id) => Some(id),
            Self::Captured | Self::Completed | Self::StripeFee => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use values::{MAX_AMOUNT, Timestamp};

    use super::*;

    fn captured_sale(amount: i64, points: i64) -> CapturedSale {
        CapturedSale {
            amount: Money {
                amount,
                currency: "usd".parse().unwrap(),
            },
            fee_rate: BasisPoints::try_from(points).unwrap(),
            seller_id: Some(UserId::new(Timestamp::from_millis(0))),
            is_complete: true,
            refunded: 0,
            disputed: 0,
            stripe_fees: Vec::new(),
        }
    }

    fn sale(captured: &CapturedSale) -> AccountAmounts {
        captured.expected_balances()[&key("usd", captured.seller_id)]
    }

    fn key(currency: &str, seller_id: Option<UserId>) -> LedgerKey {
        LedgerKey {
            currency: currency.to_owned(),
            seller_id,
        }
    }

    /// An amount, and parts of it that are refunded one after the other until nothing is left.
    fn parts() -> impl Strategy<Value = (i64, Vec<i64>)> {
        prop::collection::vec(1..=9_999_999_i64, 1..10).prop_map(|parts| (parts.iter().sum(), parts))
    }

    proptest! {
        #[test]
        fn fee_and_sellers_share_are_the_whole_amount(amount in 1..=MAX_AMOUNT, points in 0..=10_000_i64) {
            let sale = sale(&captured_sale(amount, points));
            prop_assert_eq!(sale.platform_fee + sale.seller, amount);
            prop_assert!((0..=amount).contains(&sale.platform_fee));
            // At most the agreed share, and less by less than a minor unit.
            prop_assert!(sale.platform_fee * 10_000 <= amount * points);
            prop_assert!((sale.platform_fee + 1) * 10_000 > amount * points);
        }

        #[test]
        fn amounts_in_multiples_of_the_smallest_unit_stay_multiples_on_every_account(
            (code, step) in prop::sample::select(vec![("kwd", 10), ("isk", 100)]),
            (amount, parts) in parts(),
            points in 0..=10_000_i64,
        ) {
            let mut booked = captured_sale(amount * step, points);
            booked.amount.currency = code.parse().unwrap();
            for part in parts {
                let sale = booked.expected_balances()[&key(code, booked.seller_id)];
                prop_assert!(sale.accounts().iter().all(|amount| amount % step == 0), "{:?}", sale);
                prop_assert!((sale.platform_fee + step) * 10_000 > (amount * step - booked.refunded) * points);
                booked.refunded += part * step;
            }
        }

        #[test]
        fn partial_refunds_return_the_same_fee_and_share_as_one_full_refund((amount, parts) in parts(), points in 0..=10_000_i64) {
            let mut booked = captured_sale(amount, points);
            let (mut fee_returned, mut share_returned) = (0, 0);
            for part in parts {
                let before = sale(&booked);
                booked.refunded += part;
                let after = sale(&booked);
                let (fee, share) = (before.platform_fee - after.platform_fee, before.seller - after.seller);
                prop_assert_eq!(fee + share, part);
                prop_assert!(fee >= 0 && share >= 0, "a refund never increases a share");
                fee_returned += fee;
                share_returned += share;
            }
            let at_once = sale(&captured_sale(amount, points));
            prop_assert_eq!((fee_returned, share_returned), (at_once.platform_fee, at_once.seller));
            let end = sale(&booked);
            prop_assert_eq!((end.platform_fee, end.seller), (0, 0));
        }

        #[test]
        fn in_every_state_the_balances_sum_to_zero(
            amount in 1..=MAX_AMOUNT,
            points in 0..=10_000_i64,
            is_complete in any::<bool>(),
            known in any::<bool>(),
            refunded in 0..=MAX_AMOUNT,
            disputed in 0..=MAX_AMOUNT,
            fees in prop::collection::vec((0..5000_i64, prop_oneof![Just("usd"), Just("eur")]), 0..3),
        ) {
            let agreed = captured_sale(amount, points);
            let captured = CapturedSale {
                is_complete,
                seller_id: agreed.seller_id.filter(|_| known),
                refunded: refunded.min(amount),
                disputed: disputed.min(amount),
                stripe_fees: fees.into_iter().map(|(amount, currency)| StripeFee { amount, currency: currency.to_owned() }).collect(),
                ..agreed
            };
            for (key, amounts) in captured.expected_balances() {
                prop_assert_eq!(amounts.accounts().iter().sum::<i64>(), 0, "{:?}", key);
                prop_assert!(key.seller_id.is_some() || (amounts.seller, amounts.platform_fee) == (0, 0));
            }
        }
    }

    #[test]
    fn a_seller_who_refunded_more_than_was_sold_owes_it() {
        let twice = CapturedSale {
            refunded: 1999,
            disputed: 1999,
            ..captured_sale(1999, 250)
        };
        let sale = sale(&twice);
        assert_eq!((sale.platform_fee, sale.seller), (0, -1999));
    }
}
