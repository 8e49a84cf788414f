//! The balance of a seller, and its changes.

use askama::Template;
use http::StatusCode;
use localization::TimeZone;
use values::{Money, OrderId, Timestamp};

use super::address::path_at;
use crate::{
    api_client::ledger::{self, LedgerReason},
    frame::{Page, PageResult, Visit},
};

/// The number of lines on a page.
const PAGE_SIZE: u32 = 50;

const PATH: &str = "/sell/balance";

#[derive(Template)]
#[template(path = "sell/balance.html")]
struct BalanceView {
    page: Page,
    balances: Vec<Earnings>,
    lines: Vec<Line>,
    next: Option<String>,
    is_first: bool,
    zone: TimeZone,
}

/// What was earned in one currency, and paid to the seller.
struct Earnings {
    amounts: Amounts,
    paid_out: Money,
    due: Money,
}

struct Amounts {
    currency: String,
    sold: Money,
    fees: Money,
    refunded: Money,
    disputed: Money,
    net: Money,
}

struct Line {
    at: Timestamp,
    reason: String,
    order: OrderId,
    amounts: Amounts,
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let cursor = visit.query("cursor");
    let found = match ledger::lines(visit.session(), PAGE_SIZE, cursor.as_deref()).await {
        Ok(found) => found,
        // A cursor of an earlier release, or one that somebody typed.
        Err(error) if cursor.is_some() && error.is_status(StatusCode::BAD_REQUEST) => return visit.redirect(PATH),
        Err(error) => return Err(error.into()),
    };
    let balance = ledger::balance(visit.session()).await?;
    let page = visit.page("sell-balance-title");
    let balances = balance.currencies.into_iter().map(|of| {
        let amounts = [of.sold, of.fees, of.refunded, of.disputed, of.net];
        let money = |amount| Money {
            amount,
            currency: of.currency,
        };
        Earnings {
            amounts: amounts_in(of.currency, amounts),
            paid_out: money(of.paid_out),
            due: money(of.net - of.paid_out),
        }
    });
    let lines = found.items.into_iter().map(|line| Line {
        at: line.at,
        reason: page.text(reason(line.reason)).to_string(),
        order: line.order_id,
        amounts: amounts_in(
            line.currency,
            [line.sold, line.fee, line.refunded, line.disputed, line.net],
        ),
    });
    let view = BalanceView {
        balances: balances.collect(),
        lines: lines.collect(),
        next: found.next_cursor.map(|cursor| path_at(PATH, &cursor)),
        is_first: cursor.is_none(),
        zone: TimeZone::UTC,
        page,
    };
    visit.show(&view)
}

fn amounts_in(currency: values::Currency, amounts: [i64; 5]) -> Amounts {
    let [sold, fees, refunded, disputed, net] = amounts.map(|amount| Money { amount, currency });
    Amounts {
        currency: currency.code().to_uppercase(),
        sold,
        fees,
        refunded,
        disputed,
        net,
    }
}

const fn reason(reason: LedgerReason) -> &'static str {
    match reason {
        LedgerReason::Completed => "sell-ledger-completed",
        LedgerReason::Refund => "sell-ledger-refund",
        LedgerReason::RefundFailed => "sell-ledger-refund-failed",
        LedgerReason::Dispute => "sell-ledger-dispute",
        LedgerReason::Other => "sell-ledger-other",
    }
}
