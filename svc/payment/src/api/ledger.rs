//! A seller's balance and ledger.

use input::Query;
use pagination::{Cursor, CursorScope, Limit, Page};
use poem::{Request, web::Data};
use poem_openapi::{Enum, OpenApi, payload::Json};
use problem::Problem;
use spreadsheet::{List, accepts_csv};
use token::SignedIn;

use super::{
    app::{App, Tag},
    ledger_view::{BalanceView, CurrencyBalanceView, LedgerLineView},
};
use crate::store;

/// The operations on a seller's balance and ledger.
#[derive(Debug)]
pub struct LedgerApi;

/// The format of the ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "LedgerFormat", rename_all = "lowercase")]
enum Format {
    /// One page.
    Json,
    /// All lines, for a spreadsheet.
    Csv,
}

#[OpenApi(prefix_path = "/api/v1/payments", tag = "Tag::Payments")]
impl LedgerApi {
    /// Get your balance
    ///
    /// Sales, fees, refunds, disputes and your share, for each currency, and what was paid to you. Only complete orders count.
    #[oai(path = "/balance", method = "get", operation_id = "getBalance")]
    async fn get_balance(&self, app: Data<&App>, seller: SignedIn) -> Result<Json<BalanceView>, poem::Error> {
        let rows = app.db.read(move |conn| store::seller_balances(conn, seller.user_id));
        let rows = rows.await.map_err(Problem::from)?;
        Ok(Json(BalanceView {
            currencies: rows.into_iter().map(CurrencyBalanceView::new).collect(),
        }))
    }

    /// List your ledger
    ///
    /// The changes of your balance, newest first. With `format=csv` or `Accept: text/csv`, as comma-separated values
    /// (RFC 4180): up to 10000 lines, with a `Link` header to the rest.
    #[oai(path = "/ledger", method = "get", operation_id = "listLedger")]
    async fn list_ledger(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        request: &Request,
        /// The format of the response.
        format: Query<Option<Format>>,
        /// The maximum number of lines; ignored for CSV.
        limit: Query<Limit>,
        /// The `nextCursor` of the previous page.
        cursor: Query<Option<Cursor<i64>>>,
    ) -> Result<List<LedgerLineView>, poem::Error> {
        let csv = format
            .0
            .map_or_else(|| accepts_csv(request), |format| format == Format::Csv);
        let scope = CursorScope::new("listLedger", &seller.user_id);
        let (limit, before) = (limit.0, scope.position(cursor.0)?);
        let rows = List::<LedgerLineView>::rows(csv, limit);
        let lines = app
            .db
            .read(move |conn| store::ledger_rows(conn, seller.user_id, before, rows));
        let lines = lines.await.map_err(Problem::from)?;
        if !csv {
            return Ok(List::Json(Page::from_rows(
                lines,
                &scope,
                limit,
                |line| line.id,
                LedgerLineView::new,
            )));
        }
        let rest = |line: &store::LedgerRow| {
            let cursor = scope.cursor(line.id);
            format!("/api/v1/payments/ledger?format=csv&cursor={cursor}")
        };
        Ok(List::csv(lines, rest, LedgerLineView::new))
    }
}
