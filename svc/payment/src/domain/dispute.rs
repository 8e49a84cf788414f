//! A dispute: a charge that the buyer's bank takes back or inquires about.

use values::{Currency, Money, Timestamp, text_enum};

/// A dispute as Stripe reports it (<https://docs.stripe.com/api/disputes/object>).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Dispute {
    /// Stripe's id.
    pub(crate) id: String,
    /// The disputed amount, in minor units of the payment's currency.
    pub(crate) amount: i64,
    pub(crate) status: DisputeStatus,
    /// Stripe's code for the reason, such as `fraudulent`.
    pub(crate) reason: String,
    /// The amount that the bank holds now, in minor units.
    pub(crate) withdrawn: i64,
    /// Stripe's fee for the dispute.
    pub(crate) fee: i64,
    /// The currency of the fee: that of the account at Stripe.
    pub(crate) fee_currency: String,
    pub(crate) created_at: Timestamp,
}

text_enum! {
    /// The status of a dispute.
    pub(crate) enum DisputeStatus {
        /// The bank inquires: no money has moved, and the payment can be refunded.
        Inquiry = "inquiry",
        /// The bank has not decided.
        Open = "open",
        /// The bank has decided for the seller.
        Won = "won",
        /// The bank has decided for the buyer.
        Lost = "lost",
        /// An inquiry that ended without a dispute.
        Closed = "closed",
    }
}

impl DisputeStatus {
    /// Reads Stripe's text (<https://docs.stripe.com/disputes/how-disputes-work>).
    pub(crate) fn from_stripe(status: &str) -> Self {
        match status {
            "warning_needs_response" | "warning_under_review" => Self::Inquiry,
            "warning_closed" | "prevented" => Self::Closed,
            "won" => Self::Won,
            "lost" => Self::Lost,
            _ => Self::Open,
        }
    }
}

impl Dispute {
    /// Returns the status that other services and the buyer may read; none for an inquiry.
    const fn public_status(&self) -> Option<events::DisputeStatus> {
        match self.status {
            DisputeStatus::Inquiry | DisputeStatus::Closed => None,
            DisputeStatus::Open => Some(events::DisputeStatus::Open),
            DisputeStatus::Won => Some(events::DisputeStatus::Won),
            DisputeStatus::Lost => Some(events::DisputeStatus::Lost),
        }
    }
}

/// Returns the dispute of a payment that is published: the open one, else the newest.
pub(crate) fn published_dispute(disputes: &[Dispute], currency: Currency) -> Option<events::Dispute> {
    let public = || {
        disputes
            .iter()
            .filter_map(|dispute| Some((dispute, dispute.public_status()?)))
    };
    let (dispute, status) = public()
        .find(|(dispute, _)| dispute.status == DisputeStatus::Open)
        .or_else(|| public().max_by_key(|(dispute, _)| dispute.created_at))?;
    Some(events::Dispute {
        status,
        amount: Money {
            amount: dispute.amount,
            currency,
        },
    })
}
