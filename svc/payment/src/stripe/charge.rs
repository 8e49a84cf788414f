//! The charge of an intent: what was captured, and Stripe's fee.

use crate::domain::{ChargedFunds, StripeFee};

/// Includes the charge of an intent, and the fee.
pub(super) const CHARGE_WITH_FEE: &str = "latest_charge.balance_transaction";

/// Returns the captured money of a charge. The fee is missing unless the response includes the balance transaction.
pub(super) fn charged_funds(charge: &stripe_core::Charge) -> ChargedFunds {
    let transaction = charge.balance_transaction.as_ref();
    let transaction = transaction.and_then(|transaction| transaction.as_object());
    ChargedFunds {
        fee: transaction.map(|transaction| StripeFee {
            amount: transaction.fee,
            currency: transaction.currency.to_string(),
        }),
        refunded: charge.amount_refunded,
        is_refunded: charge.refunded,
        is_disputed: charge.disputed,
    }
}
