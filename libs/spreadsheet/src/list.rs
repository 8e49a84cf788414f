use pagination::{Limit, Page};
use poem::{
    IntoResponse, Request, Response,
    http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, LINK},
};
use poem_openapi::{
    ApiResponse,
    payload::{Json, Payload},
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::{Example, ParseFromJSON, ToJSON},
};

/// The media type of a document with a header line.
const CSV: &str = "text/csv; charset=utf-8; header=present";

/// The most rows that one document may have.
const MAX_ROWS: u32 = 10_000;

/// What the `Link` header has.
const LINK_MEANING: &str = "CSV only: the URL of the rest (RFC 8288).";

/// A row of a list that clients get in pages of JSON or as CSV.
pub trait Row: ParseFromJSON + ToJSON + Example {
    /// What the list has, in one sentence.
    const LIST: &'static str;
    /// What a document has, in one sentence.
    const DOCUMENT: &'static str;
    /// The name under which a browser saves a document.
    const FILE_NAME: &'static str;

    /// Returns a document: a header and all rows.
    fn csv(rows: impl IntoIterator<Item = Self>) -> String;
}

/// The response with a list: one page, or a document of up to 10,000 rows.
#[derive(Debug)]
pub enum List<R: Row> {
    /// One page.
    Json(Page<R>),
    /// A document.
    Csv {
        /// Its text.
        text: String,
        /// The URL of the rest.
        rest: Option<String>,
    },
}

impl<R: Row> List<R> {
    /// Returns the number of rows to query: one more than the response has, to determine whether more follow.
    pub fn rows(csv: bool, limit: Limit) -> u32 {
        if csv { MAX_ROWS + 1 } else { limit.rows() }
    }

    /// Creates a document of up to that many rows. `rest` is the URL of those that follow the last one of this document.
    pub fn csv<T>(mut rows: Vec<T>, rest: impl FnOnce(&T) -> String, row: impl FnMut(T) -> R) -> Self {
        let max_rows = usize::try_from(MAX_ROWS).unwrap_or(usize::MAX);
        let has_more = rows.len() > max_rows;
        rows.truncate(max_rows);
        Self::Csv {
            rest: rows.last().filter(|_| has_more).map(rest),
            text: R::csv(rows.into_iter().map(row)),
        }
    }
}

/// Whether a client accepts CSV and not JSON, by its `Accept` headers.
pub fn accepts_csv(request: &Request) -> bool {
    let accepted = request.headers().get_all(ACCEPT).iter();
    accepts(accepted.filter_map(|value| value.to_str().ok()))
}

fn accepts<'a>(accepted: impl Iterator<Item = &'a str>) -> bool {
    let mut kinds = accepted
        .flat_map(|value| value.split(','))
        .map(|kind| kind.split(';').next().unwrap_or_default().trim());
    kinds.next() == Some("text/csv") && !kinds.any(|kind| kind == "application/json")
}

impl<R: Row> IntoResponse for List<R> {
    fn into_response(self) -> Response {
        match self {
            Self::Json(page) => Json(page).into_response(),
            Self::Csv { text, rest } => {
                let disposition = format!("attachment; filename=\"{}\"", R::FILE_NAME);
                let mut response = Response::builder()
                    .header(CONTENT_TYPE, CSV)
                    .header(CONTENT_DISPOSITION, disposition);
                if let Some(rest) = rest {
                    // RFC 8288
                    response = response.header(LINK, format!("<{rest}>; rel=\"next\""));
                }
                response.body(text)
            }
        }
    }
}

/// Written by hand: the derived implementation supports one media type per status.
impl<R: Row> ApiResponse for List<R> {
    fn meta() -> MetaResponses {
        let mut csv = MetaSchema::new("string");
        csv.description = Some(R::DOCUMENT);
        csv.example = Some(R::csv([R::example()]).into());
        let mut link = MetaSchema::new("string");
        link.description = Some(LINK_MEANING);
        MetaResponses {
            responses: vec![MetaResponse {
                description: R::LIST,
                status: Some(200),
                status_range: None,
                content: vec![
                    MetaMediaType {
                        content_type: Json::<Page<R>>::CONTENT_TYPE,
                        schema: Json::<Page<R>>::schema_ref(),
                    },
                    MetaMediaType {
                        content_type: "text/csv",
                        schema: MetaSchemaRef::Inline(Box::new(csv)),
                    },
                ],
                headers: vec![MetaHeader {
                    name: "Link".to_owned(),
                    description: Some(LINK_MEANING.to_owned()),
                    required: false,
                    deprecated: false,
                    schema: MetaSchemaRef::Inline(Box::new(link)),
                }],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        <Page<R> as poem_openapi::types::Type>::register(registry);
    }
}

#[cfg(test)]
mod tests {
    use super::accepts;

    #[test]
    fn csv_is_sent_to_clients_that_ask_for_it_first_and_not_for_json() {
        for (accept, expected) in [
            (&["text/csv"][..], true),
            (&["text/csv; q=0.9, */*"], true),
            (&["text/csv, application/json"], false),
            (&["text/csv", "application/json"], false),
            (&["*/*, text/csv"], false),
            (&[], false),
        ] {
            assert_eq!(accepts(accept.iter().copied()), expected, "{accept:?}");
        }
    }
}
