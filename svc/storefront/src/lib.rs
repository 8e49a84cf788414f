//! The storefront: pages for people, rendered on the server.
//!
//! It is stateless. What it shows and changes belongs to the services, whose HTTP APIs it calls with the cookies of the person
//! who visits. See `README.md`.

mod api_client;
mod assets;
mod forms;
mod frame;
mod pages;
mod service;
mod session;
mod settings;
mod texts;

pub use service::Storefront;
pub use settings::Settings;
