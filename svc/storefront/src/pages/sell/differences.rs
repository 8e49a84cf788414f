//! What a form and a listing that was changed meanwhile differ in.

use super::entry::Entry;
use crate::frame::Page;

/// A field with another value.
pub(crate) struct Difference {
    /// The name of the field in the form.
    pub(crate) field: &'static str,
    pub(crate) label: String,
    /// The value of the listing now.
    pub(crate) stored: String,
}

/// Returns the fields in which the listing differs from the form.
pub(crate) fn differences(page: &Page, entered: &Entry, stored: &Entry) -> Vec<Difference> {
    let answer = |is_set: bool| page.text(if is_set { "sell-yes" } else { "sell-no" }).to_string();
    let zone = |entry: &Entry| {
        if entry.other_zone.is_empty() {
            entry.zone.clone()
        } else {
            entry.other_zone.clone()
        }
    };
    let fields = |entry: &Entry| {
        [
            ("title", "sell-label-title", entry.title.clone()),
            ("description", "sell-label-description", entry.description.clone()),
            ("venue", "sell-label-venue", entry.venue.clone()),
            ("zone", "sell-label-zone", zone(entry)),
            ("starts_at", "sell-label-starts-at", entry.starts_at.clone()),
            ("price", "sell-label-price", entry.price.clone()),
            ("currency", "sell-label-currency", entry.currency.to_uppercase()),
            ("quantity", "sell-label-quantity", entry.quantity.clone()),
            ("sales_begin", "sell-label-sales-begin", entry.sales_begin.clone()),
            ("sales_end", "sell-label-sales-end", entry.sales_end.clone()),
            ("max_per_buyer", "sell-label-max-per-buyer", entry.max_per_buyer.clone()),
            ("order_window", "sell-label-order-window", entry.order_window.clone()),
            (
                "refundable_until",
                "sell-label-refundable-until",
                entry.refundable_until.clone(),
            ),
            ("resell_refunded", "sell-label-resell", answer(entry.resell_refunded)),
            (
                "requires_second_factor",
                "sell-label-second-factor",
                answer(entry.requires_second_factor),
            ),
        ]
    };
    let pairs = fields(entered).into_iter().zip(fields(stored));
    pairs
        .filter(|((.., entered), (.., stored))| entered != stored)
        .map(|(_, (field, label, stored))| Difference {
            field,
            label: page.text(label).to_string(),
            stored: if stored.is_empty() {
                page.text("sell-nothing").to_string()
            } else {
                shown(field, &stored)
            },
        })
        .collect()
}

/// Returns a value as people read it: a time without the `T` of its input.
fn shown(field: &str, value: &str) -> String {
    if ["starts_at", "sales_begin", "sales_end", "refundable_until"].contains(&field) {
        value.replace('T', " ")
    } else {
        value.to_owned()
    }
}
