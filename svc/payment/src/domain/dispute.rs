//! A charge that the buyer's bank takes back, or asks about. No SQL, no HTTP.

use values::Timestamp;

/// A dispute as Stripe has it (<https://docs.stripe.com/api/disputes/object>).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Dispute {
    /// Stripe's.
    pub(crate) id: String,
    /// What the bank wants, in minor units of the payment's currency.
    pub(crate) amount: i64,
    pub(crate) status: DisputeStatus,
    /// Stripe's word for why, such as `fraudulent`.
    pub(crate) reason: String,
    /// What the bank has got now, in minor units.
    pub(crate) withdrawn: i64,
    /// What Stripe takes for it.
    pub(crate) fee: i64,
    /// In the currency of the account at Stripe.
    pub(crate) fee_currency: String,
    pub(crate) created_at: Timestamp,
}

/// Where a dispute stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DisputeStatus {
    /// The bank only asks: no money has moved, and it can be refunded.
    Inquiry,
    /// The bank has not decided.
    Open,
    /// The bank has decided for the seller.
    Won,
    /// The bank has decided for the buyer.
    Lost,
    /// An inquiry that came to nothing.
    Closed,
}

impl DisputeStatus {
    /// Reads Stripe's word for it (<https://docs.stripe.com/disputes/how-disputes-work>).
    pub(crate) fn of_stripe(word: &str) -> Self {
        match word {
            "warning_needs_response" | "warning_under_review" => Self::Inquiry,
            "warning_closed" | "prevented" => Self::Closed,
            "won" => Self::Won,
            "lost" => Self::Lost,
            _ => Self::Open,
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Inquiry => "inquiry",
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
            Self::Closed => "closed",
        }
    }

    /// Reads the word for it that stands in the database.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        [Self::Inquiry, Self::Open, Self::Won, Self::Lost, Self::Closed]
            .into_iter()
            .find(|status| status.word() == word)
    }
}

impl Dispute {
    /// What the others are told of it; nothing, as long as the bank only asks.
    pub(crate) const fn told(&self) -> Option<(events::DisputeStatus, i64)> {
        match self.status {
            DisputeStatus::Inquiry | DisputeStatus::Closed => None,
            DisputeStatus::Open => Some((events::DisputeStatus::Open, self.amount)),
            DisputeStatus::Won => Some((events::DisputeStatus::Won, self.amount)),
            DisputeStatus::Lost => Some((events::DisputeStatus::Lost, self.amount)),
        }
    }
}

/// The dispute that counts of a payment's: one that is open, or else the newest.
pub(crate) fn that_counts(disputes: &[Dispute]) -> Option<&Dispute> {
    let told = || disputes.iter().filter(|dispute| dispute.told().is_some());
    told()
        .find(|dispute| dispute.status == DisputeStatus::Open)
        .or_else(|| told().max_by_key(|dispute| dispute.created_at))
}
