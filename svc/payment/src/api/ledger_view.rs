//! A seller's balance and ledger in responses.

use poem_openapi::{Enum, Object, types::Example};
use spreadsheet::{Cell, Row, append_record};
use values::{Currency, OrderId, PaymentId, Timestamp};

use crate::{
    domain::{AccountAmounts, SellerBalance},
    store::{LedgerRow, PayoutRow},
};

/// What a seller has earned.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Balance", rename_all = "camelCase", example)]
pub(crate) struct BalanceView {
    /// One entry per currency.
    pub(crate) currencies: Vec<CurrencyBalanceView>,
}

/// What a seller has earned in one currency, in its minor units: `net` is `sold` less the other amounts.
#[derive(Clone, Debug, Object)]
#[oai(rename = "CurrencyBalance", rename_all = "camelCase", example)]
pub(crate) struct CurrencyBalanceView {
    /// ISO 4217, in lower case.
    currency: Currency,
    /// Payments for complete orders.
    sold: i64,
    /// The platform's share of what was sold and not refunded, rounded down for each order.
    fees: i64,
    /// Refunds to buyers.
    refunded: i64,
    /// What buyers' banks hold because of disputes, for now or for good.
    disputed: i64,
    /// The seller's share.
    net: i64,
    /// What the marketplace has paid to the seller.
    paid_out: i64,
    /// `net` less `paidOut`. A negative amount is owed by the seller.
    due: i64,
}

/// One change of a seller's balance, in minor units of its currency.
#[derive(Clone, Debug, Object)]
#[oai(rename = "LedgerLine", rename_all = "camelCase", example)]
pub(crate) struct LedgerLineView {
    /// Ascending, with gaps.
    id: i64,
    /// When the line was written.
    at: Timestamp,
    /// Why the line was written.
    reason: ReasonView,
    /// The order.
    order_id: OrderId,
    /// The payment of the order.
    payment_id: PaymentId,
    /// The id of the refund or dispute.
    #[oai(skip_serializing_if_is_none)]
    reference: Option<String>,
    /// ISO 4217, in lower case.
    currency: Currency,
    /// The change of `sold`.
    sold: i64,
    /// The change of `fees`; negative if the platform returns a part.
    fee: i64,
    /// The change of `refunded`; negative if a refund failed.
    refunded: i64,
    /// The change of `disputed`; negative if the buyer's bank returns money.
    disputed: i64,
    /// The change of `net`: `sold` less the other amounts.
    net: i64,
}

/// Money that the marketplace has paid to a seller, in minor units of its currency.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Payout", rename_all = "camelCase", example)]
pub(crate) struct PayoutView {
    /// When it was recorded.
    at: Timestamp,
    /// ISO 4217, in lower case.
    currency: Currency,
    /// Negative if it was received from the seller, or corrects a mistake.
    amount: i64,
    /// By which the transfer is found elsewhere.
    reference: String,
}

impl PayoutView {
    pub(crate) fn new(row: PayoutRow) -> Self {
        Self {
            at: row.at,
            currency: row.currency,
            amount: row.amount,
            reference: row.reference,
        }
    }
}

#[expect(clippy::unwrap_used, reason = "constants, read by the drift test")]
impl Example for PayoutView {
    fn example() -> Self {
        Self {
            at: "2027-06-30T10:00:00Z".parse().unwrap(),
            currency: "usd".parse().unwrap(),
            amount: 1950,
            reference: "SEPA 2027-06-30/17".to_owned(),
        }
    }
}

/// Why a line was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "LedgerReason", rename_all = "kebab-case")]
pub(crate) enum ReasonView {
    /// The order is complete.
    Completed,
    /// A refund.
    Refund,
    /// A refund that failed.
    RefundFailed,
    /// A dispute was opened or decided.
    Dispute,
}

impl ReasonView {
    fn from_row(reason: &str) -> Self {
        match reason {
            "refund" => Self::Refund,
            "refund-failed" => Self::RefundFailed,
            "dispute" => Self::Dispute,
            _ => Self::Completed,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Refund => "refund",
            Self::RefundFailed => "refund-failed",
            Self::Dispute => "dispute",
        }
    }
}

/// Returns what buyers have paid, without what is held until an order is complete.
const fn sold(amounts: &AccountAmounts) -> i64 {
    -amounts.buyer - amounts.held
}

impl CurrencyBalanceView {
    pub(crate) fn new(balance: SellerBalance) -> Self {
        let amounts = &balance.amounts;
        Self {
            currency: balance.currency,
            sold: sold(amounts),
            fees: amounts.platform_fee,
            refunded: amounts.refunds,
            disputed: amounts.dispute,
            net: amounts.seller,
            paid_out: balance.paid_out,
            due: balance.due(),
        }
    }
}

impl LedgerLineView {
    pub(crate) fn new(row: LedgerRow) -> Self {
        Self {
            id: row.id,
            at: row.at,
            reason: ReasonView::from_row(&row.reason),
            order_id: row.order_id,
            payment_id: row.payment_id,
            reference: row.reference,
            currency: row.currency,
            sold: sold(&row.amounts),
            fee: row.amounts.platform_fee,
            refunded: row.amounts.refunds,
            disputed: row.amounts.dispute,
            net: row.amounts.seller,
        }
    }
}

impl Example for BalanceView {
    fn example() -> Self {
        Self {
            currencies: vec![CurrencyBalanceView::example()],
        }
    }
}

#[expect(clippy::unwrap_used, reason = "constants, read by the drift test")]
impl Example for CurrencyBalanceView {
    fn example() -> Self {
        Self {
            currency: "usd".parse().unwrap(),
            sold: 3998,
            fees: 49,
            refunded: 1999,
            disputed: 0,
            net: 1950,
            paid_out: 1000,
            due: 950,
        }
    }
}

#[expect(clippy::unwrap_used, reason = "constants, read by the drift test")]
impl Example for LedgerLineView {
    fn example() -> Self {
        Self {
            id: 42,
            at: "2027-06-01T19:31:05Z".parse().unwrap(),
            reason: ReasonView::Refund,
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

impl Row for LedgerLineView {
    const LIST: &'static str = "The changes of the balance.";
    const DOCUMENT: &'static str = "A header and one line per change, with the fields of the JSON format.";
    const FILE_NAME: &'static str = "ledger.csv";

    fn csv(lines: impl IntoIterator<Item = Self>) -> String {
        let header = [
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
        append_record(&mut text, header.map(Cell::Text));
        for line in lines {
            let (at, order, payment) = (
                line.at.to_string(),
                line.order_id.to_string(),
                line.payment_id.to_string(),
            );
            append_record(
                &mut text,
                [
                    Cell::Number(line.id),
                    Cell::Text(&at),
                    Cell::Text(line.reason.as_str()),
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
