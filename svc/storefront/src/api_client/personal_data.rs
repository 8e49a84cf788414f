//! The exports of personal data, which every service has.

use serde_json::{Map, Value};

use super::{ApiError, ApiRequest, Caller, Service};

/// A page of the personal data that a service stores about the person.
#[derive(Debug)]
pub(crate) struct PersonalDataPage {
    /// Lists, and what is the same in each page.
    pub(crate) fields: Map<String, Value>,
    /// The cursor of the next page.
    pub(crate) next: Option<String>,
}

const fn path(service: Service) -> &'static str {
    match service {
        Service::Auth => "/api/v1/auth/personal-data?limit=100",
        Service::Ticket => "/api/v1/tickets/personal-data?limit=100",
        Service::Order => "/api/v1/orders/personal-data?limit=100",
        Service::Payment => "/api/v1/payments/personal-data?limit=100",
        Service::Notification => "/api/v1/notifications/personal-data?limit=100",
    }
}

/// Returns a page of the personal data in a service: the one of a cursor, or the first.
pub(crate) async fn page(
    caller: &impl Caller,
    service: Service,
    cursor: Option<&str>,
) -> Result<PersonalDataPage, ApiError> {
    let request = match cursor {
        Some(_) => ApiRequest::get_at(service, path(service).to_owned(), cursor),
        None => ApiRequest::get(service, path(service)),
    };
    let mut fields: Map<String, Value> = caller.send(request).await?.json()?;
    let next = match fields.remove("nextCursor") {
        Some(Value::String(cursor)) => Some(cursor),
        _ => None,
    };
    Ok(PersonalDataPage { fields, next })
}
