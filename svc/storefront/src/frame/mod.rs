//! What all pages share: the visit, the layout, headers, errors, routes.

mod app;
mod arrival;
mod error_page;
mod failure;
mod feeds;
mod headers;
mod html;
mod language;
mod layout;
mod page_cache;
mod return_path;
mod routes;
mod slots;
mod visit;

pub(crate) use app::App;
pub(crate) use failure::{Failure, PageResult};
pub(crate) use headers::Policy;
pub(crate) use layout::{Page, Share};
pub(crate) use page_cache::CachedPage;
pub(crate) use return_path::ReturnPath;
pub(crate) use routes::{Routes, get, post};
pub(crate) use slots::{Slot, Slots};
pub(crate) use visit::{Visit, sign_in_path};
