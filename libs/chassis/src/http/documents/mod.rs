//! The documents of the API: the OpenAPI document, and the page that shows it. Each is made at its first request and then
//! sent from memory.

mod asset;
mod encoding;
mod lazy_asset;
mod routes;
mod swagger_ui;

pub use asset::Asset;
pub use encoding::accepts_gzip;
pub use routes::document_routes;
pub use swagger_ui::swagger_ui_page;
