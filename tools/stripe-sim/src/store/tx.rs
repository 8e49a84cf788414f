//! The transaction of one request.

use rusqlite::Connection;
use values::Timestamp;

use crate::{error::StripeError, id};

/// The request that causes an effect; events name it.
#[derive(Debug, Clone)]
pub(crate) struct RequestContext {
    pub(crate) request_id: String,
    pub(crate) idempotency_key: Option<String>,
    /// The URL by which the client reached the simulator, without a trailing slash: the base of links in responses.
    pub(crate) base_url: String,
}

impl RequestContext {
    /// Returns the context of a new request without an idempotency key.
    pub(crate) fn new(base_url: String) -> Result<Self, StripeError> {
        Ok(Self {
            request_id: format!("req_{}", id::random(14)?),
            idempotency_key: None,
            base_url,
        })
    }
}

/// A transaction, its time, and the request that it belongs to.
pub(crate) struct Tx<'c> {
    pub(super) sql: &'c Connection,
    pub(crate) now: Timestamp,
    pub(crate) request: &'c RequestContext,
}

impl<'c> Tx<'c> {
    pub(crate) fn new(sql: &'c Connection, now: Timestamp, request: &'c RequestContext) -> Self {
        Self { sql, now, request }
    }
}
