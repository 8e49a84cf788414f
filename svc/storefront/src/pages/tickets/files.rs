//! The code of a ticket as a picture, and tickets as PDF: as the ticket service draws them.

use http::{HeaderValue, StatusCode, header};
use poem::Response;
use values::{AdmissionId, OrderId};

use crate::{
    api_client::{ApiResponse, admissions},
    frame::{Failure, PageResult, Visit},
};

pub(super) async fn qr(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let id: AdmissionId = visit.parameter("id")?;
    match admissions::qr(visit.session(), id).await {
        Ok(drawn) => Ok(private("image/svg+xml", drawn)),
        // It was used or refunded meanwhile.
        Err(error) if error.is_status(StatusCode::CONFLICT) => Err(Failure::NotFound),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn pass(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let id: AdmissionId = visit.parameter("id")?;
    match admissions::pass(visit.session(), id).await {
        Ok(printed) => Ok(document("ticket.pdf", printed)),
        // The page of the ticket says why it cannot be printed.
        Err(error) if error.is_status(StatusCode::CONFLICT) => visit.redirect(&format!("/tickets/{id}")),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn passes(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let order = visit.query("order").and_then(|order| order.parse::<OrderId>().ok());
    let order = order.ok_or(Failure::NotFound)?;
    let after = visit.query("after").and_then(|number| number.parse().ok());
    match admissions::passes(visit.session(), order, after.unwrap_or_default()).await {
        Ok(printed) => Ok(document("tickets.pdf", printed)),
        Err(error) => Err(error.into()),
    }
}

fn document(name: &str, printed: ApiResponse) -> Response {
    let mut response = private("application/pdf", printed);
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// Returns a file with a code: nothing on its way stores it.
fn private(content_type: &str, file: ApiResponse) -> Response {
    Response::builder()
        .content_type(content_type)
        .header(header::CACHE_CONTROL, "private, no-store")
        .body(file.body)
}
