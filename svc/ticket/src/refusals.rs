//! What a client reads when it is refused.

use std::{fmt::Display, str::FromStr};

use poem::http::StatusCode;
use problem::Problem;
use values::TicketId;

use crate::{
    browse::Lost,
    create_ticket::CreateTicketError,
    edit::EditError,
    listing::{CannotChange, StartsInThePast},
};

/// A parameter that the client may leave out.
pub(crate) fn parsed<T: FromStr<Err: Display>>(name: &str, text: Option<String>) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse())
        .transpose()
        .map_err(|error| wrong(name, error))
}

/// 400: a parameter that cannot be.
pub(crate) fn wrong(name: &str, message: impl Display) -> Problem {
    Problem::malformed("A parameter is not as it must be.").field(name, message)
}

pub(crate) fn no_ticket(id: TicketId) -> Problem {
    Problem::not_found(format_args!("There is no ticket {id}."))
}

impl From<CreateTicketError> for Problem {
    fn from(error: CreateTicketError) -> Self {
        match error {
            CreateTicketError::Start(late) => late.into(),
            CreateTicketError::Database(error) => error.into(),
        }
    }
}

impl From<StartsInThePast> for Problem {
    fn from(late: StartsInThePast) -> Self {
        Self::invalid("startsAt", late)
    }
}

impl From<EditError> for Problem {
    fn from(error: EditError) -> Self {
        match error {
            EditError::NotFound(id) => no_ticket(id),
            EditError::NotTheSeller => Self::forbidden("Only its seller can change a ticket."),
            EditError::Stale => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "stale",
                "It was changed in the meantime",
            )
            .detail("Its seller changed it since the state that If-Match names: get it again, and change that."),
            EditError::Cannot(why) => why.into(),
            EditError::Database(error) => error.into(),
        }
    }
}

impl From<CannotChange> for Problem {
    fn from(why: CannotChange) -> Self {
        match why {
            CannotChange::Withdrawn => {
                Self::conflict("ticket-withdrawn", "The listing is withdrawn").detail("It cannot be changed any more.")
            }
            CannotChange::Reserved(stock) => {
                Self::conflict("ticket-reserved", "Title and price are fixed").detail(format_args!(
                    "Now {} are held and {} are sold; other fields can be changed.",
                    stock.held, stock.sold
                ))
            }
            CannotChange::BelowReserved { stock, asked } => {
                Self::conflict("quantity-reserved", "More than that are held and sold")
                    .detail(format_args!(
                        "Now {} are held and {} are sold, more than {asked}.",
                        stock.held, stock.sold
                    ))
                    .field("quantity", format_args!("must be at least {}", stock.taken()))
            }
            CannotChange::Start(late) => late.into(),
        }
    }
}

impl From<Lost> for Problem {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Foreign => pagination::foreign(),
            Lost::Expired => wrong("cursor", "is older than a day: begin again with the first page"),
        }
    }
}
