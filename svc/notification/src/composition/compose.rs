use localization::{Text, TimeZone, date_time, format_money, format_number};
use url::Url;
use values::Timestamp;

use super::{
    links::{self, Keys, SealedText},
    render::Layout,
    tickets::{self, Attachment, CannotPrint},
    wording::{MESSAGES, wording},
};
use crate::domain::{Listing, MailKind, Material};

/// Writes mails.
#[derive(Clone, Debug)]
pub(crate) struct Composer {
    /// The address of the pages.
    pub(crate) public_url: Url,
    pub(crate) keys: Keys,
}

/// A mail with its texts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ComposedMail {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
    pub(crate) attachments: Vec<Attachment>,
}

/// A mail cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CannotCompose {
    /// A text of its event cannot be decrypted.
    #[error(transparent)]
    Sealed(#[from] SealedText),
    /// Its tickets cannot be printed.
    #[error(transparent)]
    Tickets(#[from] CannotPrint),
    /// The template failed.
    #[error(transparent)]
    Template(#[from] askama::Error),
}

impl Composer {
    pub(crate) const fn new(public_url: Url, keys: Keys) -> Self {
        Self { public_url, keys }
    }

    /// Writes a mail.
    ///
    /// # Errors
    ///
    /// Keys are missing, or its tickets cannot be printed. It may be written later, with the right keys.
    pub(crate) fn compose(&self, material: &Material) -> Result<ComposedMail, CannotCompose> {
        let texts = MESSAGES.in_language(material.language);
        let words = wording(material.mail.kind);
        let values = Values::of(material);
        let subject = one_line(&values.fill(texts.text(words.subject)));
        let body = values.fill(texts.text(words.body));
        let link = links::link(&self.public_url, &material.mail, &self.keys)?;
        let action = words
            .action
            .zip(link)
            .map(|(label, url)| (texts.text(label).to_string(), url));
        let greeting = match &material.name {
            Some(name) => texts.text("greeting-name").with("name", name).to_string(),
            None => texts.text("greeting").to_string(),
        };
        let layout = Layout {
            language: material.language,
            subject: subject.clone(),
            greeting: one_line(&greeting),
            paragraphs: body
                .split("\n\n")
                .map(one_line)
                .filter(|paragraph| !paragraph.is_empty())
                .collect(),
            facts: facts(material, &values),
            action,
            footer: texts.text("footer").with("host", self.host()).to_string(),
        };
        Ok(ComposedMail {
            text: layout.text()?,
            html: layout.html()?,
            attachments: tickets::attachments(material, &self.keys)?,
            subject,
        })
    }

    fn host(&self) -> &str {
        self.public_url.host_str().unwrap_or_default()
    }
}

/// The values of variables in messages.
struct Values {
    title: String,
    count: u32,
    /// The amount; empty if nothing was paid.
    amount: String,
    time: String,
    expires: String,
}

impl Values {
    fn of(material: &Material) -> Self {
        let language = material.language;
        let at = |time: Timestamp| date_time(language, time, &zone(material.listing.as_ref()));
        let mail = &material.mail;
        let attached = u32::try_from(material.admissions.len()).unwrap_or(u32::MAX);
        Self {
            title: material
                .listing
                .as_ref()
                .map(|listing| listing.title.clone())
                .unwrap_or_default(),
            count: mail.details.quantity.unwrap_or(attached),
            amount: mail
                .details
                .amount
                .filter(|amount| !amount.is_free())
                .map(|amount| format_money(language, amount))
                .unwrap_or_default(),
            time: at(mail.caused_at),
            expires: mail.expires_at.map(at).unwrap_or_default(),
        }
    }

    fn fill(&self, text: Text<'_>) -> String {
        text.with("title", &self.title)
            .with("count", self.count)
            .with("amount", &self.amount)
            .with("price", if self.amount.is_empty() { "free" } else { "paid" })
            .with("time", &self.time)
            .with("expires", &self.expires)
            .to_string()
    }
}

fn zone(listing: Option<&Listing>) -> TimeZone {
    TimeZone::of_listing(listing.and_then(|listing| listing.time_zone.as_deref()))
}

/// Returns the facts about the event and the order, each with its label.
fn facts(material: &Material, values: &Values) -> Vec<(String, String)> {
    let (texts, language) = (MESSAGES.in_language(material.language), material.language);
    let mut facts = Vec::new();
    let mut add = |label: Text<'_>, value: &str| facts.push((label.to_string(), one_line(value)));
    // The recipient of an offer may be a stranger, who gets no text of another user.
    if let (Some(listing), false) = (&material.listing, material.mail.kind == MailKind::TransferOffered) {
        add(texts.text("label-event"), &listing.title);
        if let Some(starts_at) = listing.starts_at {
            add(
                texts.text("label-time"),
                &date_time(language, starts_at, &zone(Some(listing))),
            );
        }
        if let Some(venue) = &listing.venue {
            add(texts.text("label-venue"), venue);
        }
    }
    if let (MailKind::OrderConfirmed | MailKind::OrderExpired, Some(sale)) = (material.mail.kind, &material.sale) {
        add(
            texts.text("label-tickets"),
            &format_number(language, sale.quantity.into()),
        );
        add(texts.text("label-total"), &format_money(language, sale.total));
    }
    if !values.amount.is_empty() {
        add(texts.text("label-amount"), &values.amount);
    }
    if let (Some(order), false) = (material.mail.order_id, material.mail.kind == MailKind::TicketReceived) {
        add(texts.text("label-order"), &order.to_string());
    }
    facts
}

/// Replaces line breaks and other controls by spaces: a text of a person is one line of a mail.
fn one_line(text: &str) -> String {
    let without_controls = text.split(|character: char| character.is_control());
    without_controls
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests;
