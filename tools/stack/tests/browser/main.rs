//! The pages in a real browser: Chromium, controlled by `ChromeDriver`, and all services. `./justw test` runs these tests in
//! a step of their own; `scripts/tool` installs what is missing.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod browser;
mod console;
mod driver;
mod inspection;
mod lighthouse;
mod look;
mod network;
mod person;
#[path = "../it/stripe.rs"]
mod stripe;
#[path = "../support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the end-to-end tests use the rest")]
mod support;
#[path = "../it/test_app.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod test_app;
mod tools;
#[path = "../it/user.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod user;
mod weight;

mod accounts;
mod admissions;
mod all_pages;
mod camera;
mod documents;
mod harness;
mod interruptions;
mod journey;
mod mails;
mod offline_doors;
mod other_ways;
mod pages;
mod personal_data;
mod purchases;
mod transfers;

use testkit::{Client, Reply, amqp_url, eventually};
