//! How tickets look in JSON.

use events::RefundTerms;
use poem_openapi::{Enum, Object, types::Example};
use problem::{Invalid, Problem};
use serde::{Deserialize, Serialize};
use values::{Money, TicketId, Timestamp, UserId};

use crate::{
    listing::{Listing, Status},
    offer::{self, Line, Offer, Prose, Terms},
};

/// What a seller says about a ticket, all of it: what is left out of a change is taken off the ticket, except `quantity`.
#[derive(Clone, PartialEq, Eq, Debug, Object, Serialize, Deserialize)]
#[oai(rename = "TicketOffer", rename_all = "camelCase", deny_unknown_fields, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OfferDto {
    /// One line. Fixed while tickets are held or sold.
    #[oai(validator(min_length = 1, max_length = 200))]
    title: String,
    #[oai(nullable, validator(max_length = 5000))]
    #[serde(default)]
    description: Option<String>,
    /// Where it takes place, in one line.
    #[oai(nullable, validator(max_length = 200))]
    #[serde(default)]
    venue: Option<String>,
    /// When it begins; no ticket is sold after that. In the future when it is set.
    #[oai(nullable)]
    #[serde(default)]
    starts_at: Option<Timestamp>,
    /// The price of one ticket: 0, or at least what a card payment must be in that currency. Fixed while tickets are held
    /// or sold.
    price: Money,
    /// How many identical tickets there are, those held and sold included: 1 if a new ticket does not say, and as many as
    /// before if a change does not say. It cannot go below what is held and sold.
    #[oai(nullable, validator(minimum(value = "1"), maximum(value = "1000000")))]
    #[serde(default)]
    quantity: Option<i64>,
    /// Seconds within which an order is to be paid, instead of the marketplace's usual window.
    #[oai(nullable, validator(minimum(value = "10"), maximum(value = "3600")))]
    #[serde(default)]
    order_window_seconds: Option<i64>,
    /// Until when a buyer gets a refund without you being asked; after that, or if it is left out, you decide. What an
    /// order was promised stays promised.
    #[oai(nullable)]
    #[serde(default)]
    refundable_until: Option<Timestamp>,
    /// Whether refunded tickets are sold again; otherwise they are void.
    #[oai(default = "yes")]
    #[serde(default = "yes")]
    resell_refunded: bool,
}

fn yes() -> bool {
    RefundTerms::default().resell_refunded
}

impl Example for OfferDto {
    fn example() -> Self {
        Self {
            title: "Die Goldberg-Variationen".to_owned(),
            description: Some("On a harpsichord of 1728. Doors open at seven.".to_owned()),
            venue: Some("Laeiszhalle, Hamburg".to_owned()),
            // Far away, so that trying it out works for years.
            starts_at: Some(Timestamp::from_millis(2_064_339_000_000)),
            price: Money::example(),
            quantity: Some(100),
            order_window_seconds: None,
            refundable_until: Some(Timestamp::from_millis(2_063_129_400_000)),
            resell_refunded: true,
        }
    }
}

impl OfferDto {
    /// Understands the offer, or says all that is wrong about it.
    pub(crate) fn parse(self) -> Result<Offer, Problem> {
        let mut invalid = Invalid::new();
        let title = invalid.field("title", Line::parse(&self.title));
        let description = optional(
            &mut invalid,
            "description",
            said(self.description.as_deref()).map(Prose::parse),
        );
        let venue = optional(&mut invalid, "venue", said(self.venue.as_deref()).map(Line::parse));
        let price = invalid.field("price.amount", self.price.payable());
        let quantity = optional(&mut invalid, "quantity", self.quantity.map(offer::quantity));
        let window = self.order_window_seconds.map(offer::order_window);
        let order_window_seconds = optional(&mut invalid, "orderWindowSeconds", window);
        let offer = title.zip(price).map(|(title, price)| {
            let terms = Terms {
                title,
                description,
                venue,
                starts_at: self.starts_at,
                price,
                order_window_seconds,
                refunds: RefundTerms {
                    refundable_until: self.refundable_until,
                    resell_refunded: self.resell_refunded,
                },
            };
            Offer { terms, quantity }
        });
        invalid.finish(offer)
    }
}

/// An empty text says nothing.
fn said(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

fn optional<T, E: std::fmt::Display>(invalid: &mut Invalid, field: &str, parsed: Option<Result<T, E>>) -> Option<T> {
    invalid.field(field, parsed.transpose()).flatten()
}

/// A ticket on sale, or that was: `quantity` identical pieces.
#[derive(Clone, PartialEq, Eq, Debug, Object)]
#[oai(rename = "Ticket", rename_all = "camelCase", example)]
pub(crate) struct TicketDto {
    id: TicketId,
    /// Who sells it, and therefore cannot buy it.
    seller_id: UserId,
    title: String,
    #[oai(nullable)]
    description: Option<String>,
    #[oai(nullable)]
    venue: Option<String>,
    /// When it begins; no ticket is sold after that.
    #[oai(nullable)]
    starts_at: Option<Timestamp>,
    /// The price of one.
    price: Money,
    /// How many there are, those held and sold included.
    quantity: u64,
    /// How many can be bought now.
    available: u64,
    /// How many are held by orders that are not paid yet.
    held: u64,
    /// How many are paid, and not given back to be sold again.
    sold: u64,
    status: TicketStatus,
    /// Seconds within which an order is to be paid, where that is not the marketplace's usual window.
    #[oai(nullable)]
    order_window_seconds: Option<u32>,
    /// Until when a buyer gets a refund without the seller being asked.
    #[oai(nullable)]
    refundable_until: Option<Timestamp>,
    /// Whether refunded tickets are sold again; otherwise they are void, and stay counted as sold.
    resell_refunded: bool,
    /// Counts the seller's changes.
    version: u64,
    created_at: Timestamp,
    /// When the seller changed it last.
    updated_at: Timestamp,
    /// When the seller withdrew it.
    #[oai(nullable)]
    withdrawn_at: Option<Timestamp>,
}

/// Whether a ticket can be bought, and if not, why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
pub(crate) enum TicketStatus {
    /// It can be bought.
    #[oai(rename = "on-sale")]
    OnSale,
    /// All are held or sold; what is held may come back.
    #[oai(rename = "sold-out")]
    SoldOut,
    /// Too late: it has begun.
    #[oai(rename = "begun")]
    Begun,
    /// Its seller has taken it off sale.
    #[oai(rename = "withdrawn")]
    Withdrawn,
}

impl TicketDto {
    /// The listing as it is shown at this moment.
    pub(crate) fn of(listing: Listing, now: Timestamp) -> Self {
        Self {
            id: listing.id,
            seller_id: listing.seller_id,
            quantity: listing.quantity(),
            available: listing.available(now),
            held: listing.stock.held,
            sold: listing.stock.sold,
            status: match listing.status(now) {
                Status::OnSale => TicketStatus::OnSale,
                Status::SoldOut => TicketStatus::SoldOut,
                Status::Begun => TicketStatus::Begun,
                Status::Withdrawn => TicketStatus::Withdrawn,
            },
            version: listing.version,
            created_at: listing.created_at,
            updated_at: listing.updated_at,
            withdrawn_at: listing.withdrawn_at,
            title: listing.terms.title.into_string(),
            description: listing.terms.description.map(Prose::into_string),
            venue: listing.terms.venue.map(Line::into_string),
            starts_at: listing.terms.starts_at,
            price: listing.terms.price,
            order_window_seconds: listing.terms.order_window_seconds,
            refundable_until: listing.terms.refunds.refundable_until,
            resell_refunded: listing.terms.refunds.resell_refunded,
        }
    }
}

impl Example for TicketDto {
    fn example() -> Self {
        let OfferDto {
            title,
            description,
            venue,
            starts_at,
            price,
            refundable_until,
            resell_refunded,
            ..
        } = OfferDto::example();
        let created_at = Timestamp::from_millis(1_796_040_000_000);
        Self {
            id: TicketId::example(),
            seller_id: UserId::example(),
            title,
            description,
            venue,
            starts_at,
            price,
            quantity: 100,
            available: 57,
            held: 3,
            sold: 40,
            status: TicketStatus::OnSale,
            order_window_seconds: None,
            refundable_until,
            resell_refunded,
            version: 1,
            created_at,
            updated_at: created_at,
            withdrawn_at: None,
        }
    }
}
