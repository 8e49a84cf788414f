//! The HTTP side of a service: server, endpoints of the chassis, OpenAPI document.

mod documented_paths;
mod endpoint;
mod metrics_endpoint;
mod openapi;
mod readiness;
pub(crate) mod request_id;
mod server;

pub(crate) use documented_paths::DocumentedPaths;
pub(crate) use endpoint::endpoint;
pub(crate) use metrics_endpoint::MetricsEndpoint;
pub use openapi::{merge_documents, openapi_document, swagger_ui_page};
pub(crate) use readiness::Readiness;
pub use request_id::RequestIds;
pub use server::{
    BoundListener, Server, ServerLimits, ServerShutdown, default_max_connections, raise_file_limit, serve,
};
