//! The form of a listing: what the seller entered, and what it means.

use localization::{TimeZone, decimal_amount, decimal_digits, local_date_time, parse_amount, parse_local_date_time};
use values::{Currency, Money, Timestamp};

use super::zones::is_offered;
use crate::{
    api_client::{
        Refusal,
        listings::{Change, Offer},
        tickets::Ticket,
    },
    forms::{FieldErrors, Form},
    frame::Page,
};

/// A form of a listing as entered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) venue: String,
    /// In the currency, as people write it.
    pub(crate) price: String,
    pub(crate) currency: String,
    pub(crate) quantity: String,
    pub(crate) zone: String,
    /// A zone that the list does not offer.
    pub(crate) other_zone: String,
    /// Times are local to the zone: `2027-06-12T20:00`.
    pub(crate) starts_at: String,
    pub(crate) sales_begin: String,
    pub(crate) sales_end: String,
    pub(crate) refundable_until: String,
    /// In minutes.
    pub(crate) order_window: String,
    pub(crate) max_per_buyer: String,
    pub(crate) requires_second_factor: bool,
    pub(crate) resell_refunded: bool,
}

impl Entry {
    /// Returns the form of a new listing.
    pub(crate) fn new() -> Self {
        Self {
            currency: "eur".to_owned(),
            resell_refunded: true,
            ..Self::default()
        }
    }

    pub(crate) fn of_form(form: &Form) -> Self {
        Self {
            title: form.trimmed("title"),
            description: form.trimmed("description"),
            venue: form.trimmed("venue"),
            price: form.trimmed("price"),
            currency: form.trimmed("currency").to_lowercase(),
            quantity: form.trimmed("quantity"),
            zone: form.trimmed("zone"),
            other_zone: form.trimmed("other_zone"),
            starts_at: form.trimmed("starts_at"),
            sales_begin: form.trimmed("sales_begin"),
            sales_end: form.trimmed("sales_end"),
            refundable_until: form.trimmed("refundable_until"),
            order_window: form.trimmed("order_window"),
            max_per_buyer: form.trimmed("max_per_buyer"),
            requires_second_factor: form.is_checked("requires_second_factor"),
            resell_refunded: form.is_checked("resell_refunded"),
        }
    }

    pub(crate) fn of_ticket(ticket: &Ticket) -> Self {
        let zone = ticket.zone();
        let local = |at: Option<Timestamp>| at.map(|at| local_date_time(at, &zone)).unwrap_or_default();
        let name = ticket.time_zone.clone().unwrap_or_else(|| "UTC".to_owned());
        let (name, other) = if is_offered(&name) {
            (name, String::new())
        } else {
            (String::new(), name)
        };
        Self {
            title: ticket.title.clone(),
            description: ticket.description.clone().unwrap_or_default(),
            venue: ticket.venue.clone().unwrap_or_default(),
            price: amount(ticket.price),
            currency: ticket.price.currency.code().to_owned(),
            quantity: ticket.quantity.to_string(),
            zone: name,
            other_zone: other,
            starts_at: local(ticket.starts_at),
            sales_begin: local(ticket.sales_begin),
            sales_end: local(ticket.sales_end),
            refundable_until: local(ticket.refundable_until),
            order_window: ticket.order_window_seconds.map(minutes).unwrap_or_default(),
            max_per_buyer: ticket.max_per_buyer.to_string(),
            requires_second_factor: ticket.requires_second_factor,
            resell_refunded: ticket.resell_refunded,
        }
    }

    /// Returns the offer that the form means, unless it has errors. A time of `before` that is shown unchanged stays as exact as
    /// it is.
    pub(crate) fn parse(&self, page: &Page, before: Option<&Ticket>, errors: &mut FieldErrors) -> Option<Offer> {
        if self.title.is_empty() {
            errors.add("title", page.text("sell-error-title-missing"));
        }
        let price = self.parse_price(page, errors);
        let zone = self.parse_zone(page, errors);
        let known = |time: fn(&Ticket) -> Option<Timestamp>| before.and_then(time);
        let mut time = |field, text: &str, before| Self::parse_time(page, field, text, zone.as_ref(), before, errors);
        let starts_at = time("starts_at", &self.starts_at, known(|ticket| ticket.starts_at));
        let sales_begin = time("sales_begin", &self.sales_begin, known(|ticket| ticket.sales_begin));
        let sales_end = time("sales_end", &self.sales_end, known(|ticket| ticket.sales_end));
        let refundable_until = known(|ticket| ticket.refundable_until);
        let refundable_until = time("refundable_until", &self.refundable_until, refundable_until);
        let quantity = self.quantity.parse().ok().filter(|quantity| *quantity > 0);
        if quantity.is_none() {
            errors.add("quantity", page.text("sell-error-quantity"));
        }
        let max_per_buyer = optional(&self.max_per_buyer, |text| text.parse().ok().filter(|most| *most > 0));
        if max_per_buyer.is_err() {
            errors.add("max_per_buyer", page.text("sell-error-max-per-buyer"));
        }
        // A listing without a limit shows that of the marketplace, which does not become its own.
        let shown = before.map(|ticket| ticket.max_per_buyer.to_string());
        let is_limit_kept = shown.as_ref() == Some(&self.max_per_buyer);
        let order_window_seconds = optional(&self.order_window, seconds);
        if order_window_seconds.is_err() {
            errors.add("order_window", page.text("sell-error-order-window"));
        }
        if !errors.is_empty() {
            return None;
        }
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Some(Offer {
            title: self.title.clone(),
            description: text(&self.description),
            venue: text(&self.venue),
            starts_at,
            time_zone: zone.map(|(name, _)| name),
            sales_begin,
            sales_end,
            price: price?,
            quantity: quantity?,
            order_window_seconds: order_window_seconds.ok()?,
            max_per_buyer: if is_limit_kept {
                Change::Keep
            } else {
                Change::Set(max_per_buyer.ok()?)
            },
            requires_second_factor: self.requires_second_factor,
            refundable_until,
            resell_refunded: self.resell_refunded,
        })
    }

    fn parse_price(&self, page: &Page, errors: &mut FieldErrors) -> Option<Money> {
        let Ok(currency) = self.currency.parse::<Currency>() else {
            errors.add("currency", page.text("sell-error-currency"));
            return None;
        };
        let price = parse_amount(&self.price, currency).ok();
        if price.is_none() {
            errors.add("price", page.text("sell-error-price"));
        }
        price
    }

    fn parse_zone(&self, page: &Page, errors: &mut FieldErrors) -> Option<(String, TimeZone)> {
        let (field, name) = if self.other_zone.is_empty() {
            ("zone", &self.zone)
        } else {
            ("other_zone", &self.other_zone)
        };
        let times = [
            &self.starts_at,
            &self.sales_begin,
            &self.sales_end,
            &self.refundable_until,
        ];
        if name.is_empty() {
            if times.iter().any(|time| !time.is_empty()) {
                errors.add("zone", page.text("sell-error-zone-missing"));
            }
            return None;
        }
        let zone = name.parse().ok();
        if zone.is_none() {
            errors.add(field, page.text("sell-error-zone"));
        }
        Some((name.clone(), zone?))
    }

    fn parse_time(
        page: &Page,
        field: &'static str,
        text: &str,
        zone: Option<&(String, TimeZone)>,
        before: Option<Timestamp>,
        errors: &mut FieldErrors,
    ) -> Option<Timestamp> {
        // Without a zone the error is that of the zone.
        let (_, zone) = zone.filter(|_| !text.is_empty())?;
        let unchanged = before.filter(|before| local_date_time(*before, zone) == text);
        let at = unchanged.or_else(|| parse_local_date_time(text, zone));
        if at.is_none() {
            errors.add(field, page.text("sell-error-time"));
        }
        at
    }
}

/// Adds what the ticket service refused; false if the form has nothing to do with it.
pub(crate) fn add_refusal(page: &Page, refusal: &Refusal, errors: &mut FieldErrors) -> bool {
    match refusal.kind.as_str() {
        "ticket-reserved" => errors.add("price", page.text("sell-error-reserved")),
        "quantity-reserved" => errors.add("quantity", page.text("sell-error-quantity-reserved")),
        "address-not-confirmed" => errors.add("title", page.text("sell-error-address")),
        "idempotency-key-reused" => errors.add("title", page.text("sell-error-sent-before")),
        _ => {
            for problem in &refusal.errors {
                let (field, text) = match problem.field.split('.').next().unwrap_or_default() {
                    "title" => ("title", "sell-error-title"),
                    "description" => ("description", "sell-error-description"),
                    "venue" => ("venue", "sell-error-venue"),
                    "startsAt" => ("starts_at", "sell-error-starts-at"),
                    "timeZone" => ("zone", "sell-error-zone"),
                    "salesBegin" => ("sales_begin", "sell-error-sales-begin"),
                    "salesEnd" => ("sales_end", "sell-error-sales-end"),
                    "price" => ("price", "sell-error-price-amount"),
                    "quantity" => ("quantity", "sell-error-quantity"),
                    "orderWindowSeconds" => ("order_window", "sell-error-order-window"),
                    "maxPerBuyer" => ("max_per_buyer", "sell-error-max-per-buyer"),
                    "refundableUntil" => ("refundable_until", "sell-error-refundable-until"),
                    _ => continue,
                };
                errors.add(field, page.text(text));
            }
        }
    }
    !errors.is_empty()
}

/// Writes an amount as the form accepts it: with the digits that people write in its currency.
fn amount(price: Money) -> String {
    let text = decimal_amount(price);
    if decimal_digits(price.currency) > 0 {
        return text;
    }
    let whole = text.split('.').next().unwrap_or_default();
    whole.to_owned()
}

/// Parses a field that may be empty.
fn optional<T>(text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, ()> {
    if text.is_empty() {
        return Ok(None);
    }
    parse(text).map(Some).ok_or(())
}

/// Writes seconds as minutes, with a fraction if needed.
fn minutes(seconds: u32) -> String {
    let hundredths = (u64::from(seconds) * 100 + 30) / 60;
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Parses minutes, with at most two digits after a decimal separator, to seconds.
fn seconds(minutes: &str) -> Option<u32> {
    let (whole, fraction) = minutes.split_once(['.', ',']).unwrap_or((minutes, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || fraction.len() > 2 {
        return None;
    }
    let hundredths: u32 = format!("{fraction:0<2}").parse().ok()?;
    let whole: u32 = whole.parse().ok()?;
    whole.checked_mul(60)?.checked_add((hundredths * 60 + 50) / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_window_is_shown_such_that_it_is_read_as_the_same() {
        for window in 10..=3600 {
            assert_eq!(seconds(&minutes(window)), Some(window), "{}", minutes(window));
        }
        assert_eq!((minutes(900), seconds("7,5")), ("15".to_owned(), Some(450)));
        for malformed in ["", "-1", "1.", ".5", "1.234", "ten", "99999999999", "1.5.5", "1 0"] {
            assert_eq!(seconds(malformed), None, "{malformed}");
        }
    }
}
