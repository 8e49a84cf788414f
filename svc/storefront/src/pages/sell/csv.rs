//! Spreadsheets: what a service sends in parts, as one file.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use http::header;
use poem::{Body, Response};

use super::address::listing_id;
use crate::{
    api_client::{ApiError, ApiRequest, ApiResponse, Caller, Service, listings},
    frame::{PageResult, Visit},
};

/// Sends the orders of a listing.
pub(crate) async fn orders(visit: Visit) -> PageResult {
    let id = listing_id(&visit)?;
    // A listing of another seller is no file, also where the browser would save the response.
    listings::own(visit.session(), id).await?;
    let path = format!("/api/v1/tickets/{id}/orders?format=csv");
    respond(visit, Service::Ticket, path, "orders.csv").await
}

/// Sends the changes of the person's balance.
pub(crate) async fn ledger(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let path = "/api/v1/payments/ledger?format=csv".to_owned();
    respond(visit, Service::Payment, path, "ledger.csv").await
}

/// Sends a file that begins with the response at a path, and continues with those that it links to. Their header lines are left
/// out. A failure after the beginning ends the connection, so that no browser takes the file for complete.
async fn respond(visit: Visit, service: Service, path: String, name: &str) -> PageResult {
    let slot = visit.begin_export()?;
    // The cookies of new tokens cannot be sent after the file has begun.
    visit.session().renew().await;
    let first = visit.session().send(ApiRequest::get(service, path)).await?;
    let next = next_path(&first);
    // The slot is part of the state, so that it is free before the end of the file is sent.
    let rest = stream::try_unfold((next, slot), move |(next, slot)| {
        let visit = visit.clone();
        async move {
            let Some(path) = next else {
                return Ok::<_, ApiError>(None);
            };
            let part = visit.session().send(ApiRequest::get(service, path)).await?;
            let next = next_path(&part);
            Ok(Some((without_first_line(part.body), (next, slot))))
        }
    });
    let bytes = stream::once(async { Ok(first.body) }).chain(rest);
    let bytes = bytes.map_err(|error| {
        tracing::warn!(%error, "file could not be sent to its end");
        std::io::Error::other(error)
    });
    Ok(Response::builder()
        .content_type("text/csv; charset=utf-8; header=present")
        .header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))
        .header(header::CACHE_CONTROL, "no-store")
        .body(Body::from_bytes_stream(bytes.map_ok(bytes::Bytes::from))))
}

/// Returns the path of the next part, of the header `Link` (RFC 8288).
fn next_path(response: &ApiResponse) -> Option<String> {
    let (target, parameters) = response.header("link")?.split_once('>')?;
    let path = target.trim().strip_prefix('<')?;
    (path.starts_with("/api/") && parameters.contains("rel=\"next\"")).then(|| path.to_owned())
}

/// Removes the header line, which has no quoted line break.
fn without_first_line(mut text: Vec<u8>) -> Vec<u8> {
    let end = text.iter().position(|byte| *byte == b'\n');
    text.drain(..end.map_or(text.len(), |end| end + 1));
    text
}
