//! `GET /payments/balance`, `GET /payments/ledger`: a seller's own books.

use pagination::{Cursor, Limit, Page};
use poem::{
    IntoResponse, Request, Response,
    http::header::{ACCEPT, CONTENT_TYPE, LINK},
    web::Data,
};
use poem_openapi::{
    ApiResponse, Enum, OpenApi,
    param::Query,
    payload::{Json, Payload},
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::{Example, Type},
};
use problem::Problem;
use token::SignedIn;

use super::{
    app::{App, Tag},
    ledger_view::{Balance, BalanceView, LedgerLine},
};
use crate::store;

/// The most lines that one CSV document has.
const CSV_LINES: u32 = 10_000;

const CSV: &str = "text/csv; charset=utf-8; header=present";

/// The HTTP operations on a seller's books.
#[derive(Debug)]
pub struct LedgerApi;

/// How the lines are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "LedgerFormat", rename_all = "lowercase")]
enum Format {
    /// A page of a list.
    Json,
    /// All lines, for a spreadsheet.
    Csv,
}

#[OpenApi(prefix_path = "/api/v1/payments", tag = "Tag::Payments")]
impl LedgerApi {
    /// Look at what you have earned
    ///
    /// What was sold, what the platform gets, what has gone back to buyers and what is yours, for each currency. An order
    /// counts once it is complete.
    #[oai(path = "/balance", method = "get", operation_id = "getBalance")]
    async fn get_balance(&self, app: Data<&App>, seller: SignedIn) -> Result<Json<Balance>, poem::Error> {
        let rows = app.db.read(move |conn| store::balance(conn, seller.user_id));
        let rows = rows.await.map_err(Problem::from)?;
        Ok(Json(Balance {
            currencies: rows.into_iter().map(BalanceView::of).collect(),
        }))
    }

    /// List what has changed your balance
    ///
    /// The newest first. With `format=csv`, or `Accept: text/csv`, as comma-separated values (RFC 4180): up to 10000 lines,
    /// with the rest behind a `Link` header.
    #[oai(path = "/ledger", method = "get", operation_id = "listLedger")]
    async fn list_ledger(
        &self,
        app: Data<&App>,
        seller: SignedIn,
        request: &Request,
        /// How the lines are written.
        format: Query<Option<Format>>,
        /// How many at most; CSV has up to 10000 lines whatever it says.
        limit: Query<Option<Limit>>,
        /// Where the list goes on: `nextCursor` of the page before.
        cursor: Query<Option<Cursor<i64>>>,
    ) -> Result<Lines, poem::Error> {
        let csv = format
            .0
            .map_or_else(|| wants_csv(request), |format| format == Format::Csv);
        let (limit, before) = (limit.0.unwrap_or_default(), cursor.0.map(|cursor| cursor.0));
        let rows = if csv { CSV_LINES + 1 } else { limit.rows() };
        let lines = app
            .db
            .read(move |conn| store::lines(conn, seller.user_id, before, rows));
        let mut lines = lines.await.map_err(Problem::from)?;
        if !csv {
            return Ok(Lines::Json(Page::cut(lines, limit, |line| line.id, LedgerLine::of)));
        }
        let most = usize::try_from(CSV_LINES).unwrap_or(usize::MAX);
        let more = lines.len() > most;
        lines.truncate(most);
        Ok(Lines::Csv {
            next: lines.last().filter(|_| more).map(|line| Cursor(line.id).to_string()),
            text: LedgerLine::csv(lines.into_iter().map(LedgerLine::of)),
        })
    }
}

/// Whether a client that does not say `format` takes CSV and not JSON.
fn wants_csv(request: &Request) -> bool {
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

/// A seller's books, in one of two ways.
enum Lines {
    Json(Page<LedgerLine>),
    Csv {
        text: String,
        /// Where it goes on, if it does.
        next: Option<String>,
    },
}

impl IntoResponse for Lines {
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

/// By hand: the derived one knows one content type for a status.
impl ApiResponse for Lines {
    fn meta() -> MetaResponses {
        let mut csv = MetaSchema::new("string");
        csv.description = Some("A head and a line for each change, with the names and meanings of the JSON.");
        csv.example = Some(LedgerLine::csv([LedgerLine::example()]).into());
        let mut link = MetaSchema::new("string");
        link.description = Some("CSV only: where it goes on, if it does (RFC 8288).");
        MetaResponses {
            responses: vec![MetaResponse {
                description: "What has changed the balance.",
                status: Some(200),
                status_range: None,
                content: vec![
                    MetaMediaType {
                        content_type: Json::<Page<LedgerLine>>::CONTENT_TYPE,
                        schema: Json::<Page<LedgerLine>>::schema_ref(),
                    },
                    MetaMediaType {
                        content_type: "text/csv",
                        schema: MetaSchemaRef::Inline(Box::new(csv)),
                    },
                ],
                headers: vec![MetaHeader {
                    name: "Link".to_owned(),
                    description: Some("CSV only: where it goes on, if it does (RFC 8288).".to_owned()),
                    required: false,
                    deprecated: false,
                    schema: MetaSchemaRef::Inline(Box::new(link)),
                }],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        <Page<LedgerLine> as Type>::register(registry);
    }
}
