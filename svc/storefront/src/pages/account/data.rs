//! The file with everything that is stored about the person.

use askama::Template;
use futures_util::{
    future::try_join_all,
    stream::{self, TryStreamExt},
};
use http::{StatusCode, header};
use poem::{Body, Response};
use serde_json::Value;

use super::export_file::{ObjectWriter, SplitList};
use crate::{
    api_client::{
        ApiError, Service,
        personal_data::{self, PersonalDataPage},
    },
    frame::{Page, PageResult, Policy, Slot, Visit},
};

#[derive(Template)]
#[template(path = "account/data.html")]
struct DataView {
    page: Page,
    /// Whether a service does not respond.
    is_unavailable: bool,
}

/// Why the file ends before its end.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    SplitList(#[from] SplitList),
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    respond(&visit, StatusCode::OK)
}

/// Sends the file. It begins when every service has sent its first page; a failure after that ends the connection, so that no
/// browser takes the file for complete.
pub(crate) async fn download(visit: Visit) -> PageResult {
    visit.require_sign_in()?;
    let slot = visit.begin_export()?;
    // The cookies of new tokens cannot be sent after the file has begun.
    visit.session().renew().await;
    let firsts = Service::ALL.map(|service| personal_data::page(visit.session(), service, None));
    let firsts = match try_join_all(firsts).await {
        Ok(firsts) => firsts,
        Err(ApiError::Unavailable { service, reason }) => {
            tracing::warn!(%service, reason, "personal data could not be collected");
            return respond(&visit, StatusCode::SERVICE_UNAVAILABLE);
        }
        Err(error) => return Err(error.into()),
    };
    let head = format!("{{\"exportedAt\":{}", Value::from(visit.now().to_string()));
    let parts = Service::ALL.into_iter().zip(firsts).rev().collect();
    let file = stream::try_unfold(Export::new(visit, slot, head, parts), Export::next);
    let bytes = file.map_err(|error| {
        tracing::warn!(%error, "personal data could not be sent to its end");
        std::io::Error::other(error)
    });
    Ok(Response::builder()
        .content_type("application/json; charset=utf-8")
        .header(header::CONTENT_DISPOSITION, "attachment; filename=\"data.json\"")
        .header(header::CACHE_CONTROL, "no-store")
        .body(Body::from_bytes_stream(bytes.map_ok(bytes::Bytes::from))))
}

fn respond(visit: &Visit, status: StatusCode) -> PageResult {
    let view = DataView {
        page: visit.page("data-title"),
        is_unavailable: status != StatusCode::OK,
    };
    visit.show_with(status, &view, &Policy::default())
}

/// The file while it is written.
struct Export {
    visit: Visit,
    _slot: Slot,
    /// The beginning, until it is written.
    head: Option<String>,
    /// The services that are not begun, the next one last, with their first pages.
    parts: Vec<(Service, PersonalDataPage)>,
    current: Option<CurrentPart>,
    is_ended: bool,
}

/// A service whose pages are being written.
struct CurrentPart {
    service: Service,
    writer: ObjectWriter,
    /// The cursor of the next page; `None` after the last one.
    next: Option<String>,
}

impl Export {
    fn new(visit: Visit, slot: Slot, head: String, parts: Vec<(Service, PersonalDataPage)>) -> Self {
        Self {
            visit,
            _slot: slot,
            head: Some(head),
            parts,
            current: None,
            is_ended: false,
        }
    }

    /// Returns the next part of the file: one page of a service at most.
    async fn next(mut self) -> Result<Option<(String, Self)>, ExportError> {
        if self.is_ended {
            return Ok(None);
        }
        if let Some(head) = self.head.take() {
            return Ok(Some((head, self)));
        }
        let text = if let Some(part) = self.current.take() {
            self.continue_part(part).await?
        } else if let Some((service, first)) = self.parts.pop() {
            self.begin_part(service, first)?
        } else {
            self.is_ended = true;
            "}".to_owned()
        };
        Ok(Some((text, self)))
    }

    /// Returns the first page of a service.
    fn begin_part(&mut self, service: Service, first: PersonalDataPage) -> Result<String, ExportError> {
        let mut writer = ObjectWriter::default();
        let text = format!(",{}:{}", Value::from(service.name()), writer.page(first.fields)?);
        self.current = Some(CurrentPart {
            service,
            writer,
            next: first.next,
        });
        Ok(text)
    }

    /// Returns the next page of a service, or the end after its last one.
    async fn continue_part(&mut self, mut part: CurrentPart) -> Result<String, ExportError> {
        let Some(cursor) = part.next.take() else {
            return Ok(part.writer.end());
        };
        let page = personal_data::page(self.visit.session(), part.service, Some(&cursor)).await?;
        let text = part.writer.page(page.fields)?;
        part.next = page.next;
        self.current = Some(part);
        Ok(text)
    }
}
