//! A seller's balance and ledger.

use input::Query;
use pagination::{Cursor, CursorScope, Limit, Page};
use poem::{
    IntoResponse, Request, Response,
    http::header::{ACCEPT, CONTENT_TYPE, LINK},
    web::Data,
};
use poem_openapi::{
    ApiResponse, Enum, OpenApi,
    payload::{Json, Payload},
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::{Example, Type},
};
use problem::Problem;
use token::SignedIn;

use super::{
    app::{App, Tag},
    ledger_view::{BalanceView, CurrencyBalanceView, LedgerLineView},
};
use crate::store;

/// The most lines that one CSV document may have.
const MAX_CSV_LINES: u32 = 10_000;

/// The media type of a CSV document.
const CSV: &str = "text/csv; charset=utf-8; header=present";

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
    /// Sales, fees, refunds, disputes and your share, for each currency. Only complete orders count.
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
    ) -> Result<LedgerResponse, poem::Error> {
        let csv = format
            .0
            .map_or_else(|| accepts_csv(request), |format| format == Format::Csv);
        let scope = CursorScope::new("listLedger", &seller.user_id);
        let (limit, before) = (limit.0, scope.position(cursor.0)?);
        let rows = if csv { MAX_CSV_LINES + 1 } else { limit.rows() };
        let lines = app
            .db
            .read(move |conn| store::ledger_rows(conn, seller.user_id, before, rows));
        let mut lines = lines.await.map_err(Problem::from)?;
        if !csv {
            return Ok(LedgerResponse::Json(Page::from_rows(
                lines,
                &scope,
                limit,
                |line| line.id,
                LedgerLineView::new,
            )));
        }
        let max_lines = usize::try_from(MAX_CSV_LINES).unwrap_or(usize::MAX);
        let has_more = lines.len() > max_lines;
        lines.truncate(max_lines);
        Ok(LedgerResponse::Csv {
            next: lines.last().filter(|_| has_more).map(|line| scope.cursor(line.id)),
            text: LedgerLineView::csv(lines.into_iter().map(LedgerLineView::new)),
        })
    }
}

/// Whether the client accepts CSV and not JSON.
fn accepts_csv(request: &Request) -> bool {
    let accepted = request
        .headers()
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut kinds = accepted
        .flat_map(|value| value.split(','))
        .map(|kind| kind.split(';').next().unwrap_or_default().trim());
    kinds.next() == Some("text/csv") && !kinds.any(|kind| kind == "application/json")
}

/// A seller's ledger.
enum LedgerResponse {
    Json(Page<LedgerLineView>),
    Csv {
        text: String,
        /// The cursor of the rest.
        next: Option<String>,
    },
}

impl IntoResponse for LedgerResponse {
    fn into_response(self) -> Response {
        match self {
            Self::Json(page) => Json(page).into_response(),
            Self::Csv { text, next } => {
                let mut response = Response::builder().header(CONTENT_TYPE, CSV);
                response = response.header("Content-Disposition", "attachment; filename=\"ledger.csv\"");
                if let Some(cursor) = next {
                    // RFC 8288
                    let link = format!("</api/v1/payments/ledger?format=csv&cursor={cursor}>; rel=\"next\"");
                    response = response.header(LINK, link);
                }
                response.body(text)
            }
        }
    }
}

/// Written by hand: the derived implementation supports one media type per status.
impl ApiResponse for LedgerResponse {
    fn meta() -> MetaResponses {
        let mut csv = MetaSchema::new("string");
        csv.description = Some("A header and one line per change, with the fields of the JSON format.");
        csv.example = Some(LedgerLineView::csv([LedgerLineView::example()]).into());
        let mut link = MetaSchema::new("string");
        link.description = Some("CSV only: the URL of the rest (RFC 8288).");
        MetaResponses {
            responses: vec![MetaResponse {
                description: "The changes of the balance.",
                status: Some(200),
                status_range: None,
                content: vec![
                    MetaMediaType {
                        content_type: Json::<Page<LedgerLineView>>::CONTENT_TYPE,
                        schema: Json::<Page<LedgerLineView>>::schema_ref(),
                    },
                    MetaMediaType {
                        content_type: "text/csv",
                        schema: MetaSchemaRef::Inline(Box::new(csv)),
                    },
                ],
                headers: vec![MetaHeader {
                    name: "Link".to_owned(),
                    description: Some("CSV only: the URL of the rest (RFC 8288).".to_owned()),
                    required: false,
                    deprecated: false,
                    schema: MetaSchemaRef::Inline(Box::new(link)),
                }],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        <Page<LedgerLineView> as Type>::register(registry);
    }
}
