//! A seller's books, over HTTP.

use poem_openapi::{Enum, Object, types::Example};
use values::{Currency, OrderId, PaymentId, Timestamp};

use super::csv::{Cell, record};
use crate::{domain::Amounts, store::Line};

/// What a seller has earned.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub(crate) struct Balance {
    /// One for each currency in which something was sold.
    pub(crate) currencies: Vec<BalanceView>,
}

/// What a seller has earned in one currency, in its minor units. `net` is `sold` less all the others.
#[derive(Clone, Debug, Object)]
#[oai(rename = "CurrencyBalance", rename_all = "camelCase", example)]
pub(crate) struct BalanceView {
    /// ISO 4217, in lower case.
    currency: Currency,
    /// What buyers have paid for complete orders.
    sold: i64,
    /// What the platform gets of it: its share of what was sold and has not gone back, rounded down for each order.
    fees: i64,
    /// What has gone back to buyers.
    refunded: i64,
    /// What buyers' banks have taken back, for now or for good.
    disputed: i64,
    /// What is the seller's. Below zero, the seller owes it.
    net: i64,
}

/// What one event has changed in a seller's balance, in minor units of its currency.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", example)]
pub(crate) struct LedgerLine {
    /// Counts up, with gaps.
    id: i64,
    /// When it was written.
    at: Timestamp,
    /// Why.
    reason: Reason,
    /// The order that was sold.
    order_id: OrderId,
    /// The payment that it was paid with.
    payment_id: PaymentId,
    /// The refund or the dispute that it was written for.
    #[oai(skip_serializing_if_is_none)]
    reference: Option<String>,
    /// ISO 4217, in lower case.
    currency: Currency,
    /// More is sold.
    sold: i64,
    /// More goes to the platform; below zero, some of it comes back.
    fee: i64,
    /// More goes back to the buyer; below zero, a refund did not work.
    refunded: i64,
    /// More is taken back by the buyer's bank; below zero, it is given again.
    disputed: i64,
    /// More is the seller's: `sold` less all the others.
    net: i64,
}

/// Why a line was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "LedgerReason", rename_all = "kebab-case")]
pub(crate) enum Reason {
    /// An order is complete.
    Completed,
    /// Money goes back to a buyer.
    Refund,
    /// It did not arrive, and is here again.
    RefundFailed,
    /// A buyer's bank takes money back, or gives it again.
    Dispute,
}

impl Reason {
    fn of_word(word: &str) -> Self {
        match word {
            "refund" => Self::Refund,
            "refund-failed" => Self::RefundFailed,
            "dispute" => Self::Dispute,
            _ => Self::Completed,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Refund => "refund",
            Self::RefundFailed => "refund-failed",
            Self::Dispute => "dispute",
        }
    }
}

/// What of it is sold: what buyers have paid, but for what is held until an order is complete.
const fn sold(amounts: &Amounts) -> i64 {
    -amounts.buyer - amounts.held
}

impl BalanceView {
    pub(crate) fn of((currency, amounts): (Currency, Amounts)) -> Self {
        Self {
            currency,
            sold: sold(&amounts),
            fees: amounts.platform_fee,
            refunded: amounts.refunds,
            disputed: amounts.dispute,
            net: amounts.seller,
        }
    }
}

impl LedgerLine {
    pub(crate) fn of(line: Line) -> Self {
        Self {
            id: line.id,
            at: line.at,
            reason: Reason::of_word(&line.reason),
            order_id: line.order_id,
            payment_id: line.payment_id,
            reference: line.reference,
            currency: line.currency,
            sold: sold(&line.amounts),
            fee: line.amounts.platform_fee,
            refunded: line.amounts.refunds,
            disputed: line.amounts.dispute,
            net: line.amounts.seller,
        }
    }

    /// All lines, under a head.
    pub(super) fn csv(lines: impl IntoIterator<Item = Self>) -> String {
        let head = [
            "id",
            "at",
            "reason",
            "orderId",
            "paymentId",
            "reference",
            "currency",
            "sold",
            "fee",
            "refunded",
            "disputed",
            "net",
        ];
        let mut text = String::new();
        record(&mut text, head.map(Cell::Text));
        for line in lines {
            let (at, order, payment) = (
                line.at.to_string(),
                line.order_id.to_string(),
                line.payment_id.to_string(),
            );
            record(
                &mut text,
                [
                    Cell::Number(line.id),
                    Cell::Text(&at),
                    Cell::Text(line.reason.word()),
                    Cell::Text(&order),
                    Cell::Text(&payment),
                    Cell::Text(line.reference.as_deref().unwrap_or_default()),
                    Cell::Text(line.currency.code()),
                    Cell::Number(line.sold),
                    Cell::Number(line.fee),
                    Cell::Number(line.refunded),
                    Cell::Number(line.disputed),
                    Cell::Number(line.net),
                ],
            );
        }
        text
    }
}

impl Example for Balance {
    fn example() -> Self {
        Self {
            currencies: vec![BalanceView::example()],
        }
    }
}

#[expect(clippy::unwrap_used, reason = "constants, read by the drift test")]
impl Example for BalanceView {
    fn example() -> Self {
        Self {
            currency: "usd".parse().unwrap(),
            sold: 3998,
            fees: 49,
            refunded: 1999,
            disputed: 0,
            net: 1950,
        }
    }
}

#[expect(clippy::unwrap_used, reason = "constants, read by the drift test")]
impl Example for LedgerLine {
    fn example() -> Self {
        Self {
            id: 42,
            at: "2027-06-01T19:31:05Z".parse().unwrap(),
            reason: Reason::Refund,
            order_id: "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e".parse().unwrap(),
            payment_id: "01936f5e-8c1a-7c3e-9d2b-000000000004".parse().unwrap(),
            reference: Some("01936f5e-8c1a-7c3e-9d2b-000000000006".to_owned()),
            currency: "usd".parse().unwrap(),
            sold: 0,
            fee: -50,
            refunded: 1999,
            disputed: 0,
            net: -1949,
        }
    }
}
