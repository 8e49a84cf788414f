//! How tokens reach a client.

use std::fmt::Display;

use input::TextRule;

/// How tokens reach a client: never in two ways at once, so that a page's scripts cannot read what its cookies hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Delivery {
    /// In the body: for programs.
    Json,
    /// As cookies: for pages.
    Cookies,
}

/// The texts of a [`Delivery`].
pub(super) struct DeliveryRule;

impl TextRule for DeliveryRule {
    type Value = Delivery;
    const MAX_CHARS: usize = 7;
    const TEXTS: &'static [&'static str] = &["json", "cookies"];

    fn parse(text: String) -> Result<Delivery, impl Display> {
        match text.as_str() {
            "json" => Ok(Delivery::Json),
            "cookies" => Ok(Delivery::Cookies),
            _ => Err("must be json or cookies"),
        }
    }
}
