//! The HTTP side of a service: server, endpoints of the chassis, OpenAPI document.
//!
//! Endpoints around others return the others' futures where they can. Each `async fn call` would add a copy of the request, about
//! 600 bytes, to a future that is allocated and moved for every request.

mod chassis_paths;
mod cors;
mod denials;
mod documented_paths;
mod documents;
mod endpoint;
mod metrics_endpoint;
mod openapi;
mod own_paths;
mod prepared;
mod problems;
mod readiness;
pub(crate) mod request_id;
mod security_headers;
mod server;

pub(crate) use chassis_paths::CHASSIS_PATHS;
pub(crate) use documented_paths::{DocumentedPaths, loggable};
pub use documents::{Asset, accepts_gzip, document_routes, swagger_ui_page};
pub(crate) use endpoint::{Trust, endpoint};
pub(crate) use metrics_endpoint::{MetricsEndpoint, collect_common_metrics};
pub use openapi::{merge_documents, openapi_document};
pub(crate) use own_paths::OwnPaths;
pub(crate) use prepared::Prepared;
pub(crate) use problems::Problems;
pub(crate) use readiness::Readiness;
pub use request_id::RequestIds;
pub use server::{BoundListener, Server, ServerLimits, ServerShutdown, raise_file_limit, serve};
