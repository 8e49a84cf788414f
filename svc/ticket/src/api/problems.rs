//! Errors of use cases as problem documents.

use std::fmt::Display;

use poem::http::StatusCode;
use problem::Problem;
use values::TicketId;

use crate::{
    domain::{CannotChange, CannotResume, InvalidTimes},
    use_cases::{CreateTicketError, EditError, OrdersError},
};

/// Returns the problem of an invalid parameter: 400.
pub(super) fn bad_parameter(name: &str, message: impl Display) -> Problem {
    Problem::malformed("A parameter is invalid.").field(name, message)
}

pub(super) fn ticket_not_found(id: TicketId) -> Problem {
    Problem::not_found(format_args!("There is no ticket {id}."))
}

impl From<CreateTicketError> for Problem {
    fn from(error: CreateTicketError) -> Self {
        match error {
            CreateTicketError::InvalidTimes(error) => error.into(),
            CreateTicketError::AccountClosing(error) => error.into(),
            CreateTicketError::Database(error) => error.into(),
        }
    }
}

impl From<InvalidTimes> for Problem {
    fn from(times: InvalidTimes) -> Self {
        let fields = [
            ("startsAt", times.starts_at),
            ("salesBegin", times.sales_begin),
            ("salesEnd", times.sales_end),
            ("refundableUntil", times.refundable_until),
        ];
        let mut invalid = fields.into_iter().filter_map(|(field, error)| Some((field, error?)));
        let Some((field, error)) = invalid.next() else {
            return Self::internal(&times);
        };
        invalid.fold(Self::invalid(field, error), |problem, (field, error)| {
            problem.field(field, error)
        })
    }
}

impl From<OrdersError> for Problem {
    fn from(error: OrdersError) -> Self {
        match error {
            OrdersError::NotFound(_) => Self::not_found(error),
            OrdersError::NotYours(_) => Self::not_found(error).denied(),
            OrdersError::Database(error) => error.into(),
        }
    }
}

impl From<EditError> for Problem {
    fn from(error: EditError) -> Self {
        match error {
            EditError::NotFound(id) => ticket_not_found(id),
            EditError::NotTheSeller => Self::forbidden("Only its seller can change a ticket."),
            EditError::Stale => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "stale",
                "The ticket was changed in the meantime",
            )
            .detail("Its seller changed it since the state that If-Match names. Get it again and repeat the change."),
            EditError::TooManyImages => Self::conflict("image-limit", "Your pictures occupy too much space")
                .detail("Remove pictures of other listings first."),
            EditError::CannotChange(error) => error.into(),
            EditError::AccountClosing(error) => error.into(),
            EditError::Database(error) => error.into(),
        }
    }
}

impl From<CannotChange> for Problem {
    fn from(error: CannotChange) -> Self {
        match error {
            CannotChange::Withdrawn => Self::conflict("ticket-withdrawn", "The listing is withdrawn")
                .detail("A withdrawn listing cannot be changed."),
            CannotChange::Reserved(stock) => {
                Self::conflict("ticket-reserved", "Title and price are fixed").detail(format_args!(
                    "Held: {}, sold: {}. Other fields can be changed.",
                    stock.held, stock.sold
                ))
            }
            CannotChange::BelowReserved { stock, requested } => {
                Self::conflict("quantity-reserved", "More tickets are held and sold")
                    .detail(format_args!(
                        "Held: {}, sold: {}. That is more than {requested}.",
                        stock.held, stock.sold
                    ))
                    .field("quantity", format_args!("must be at least {}", stock.taken()))
            }
            CannotChange::StartRemoved => Self::invalid("startsAt", error),
            CannotChange::InvalidTimes(times) => times.into(),
        }
    }
}

impl From<CannotResume> for Problem {
    fn from(error: CannotResume) -> Self {
        match error {
            CannotResume::OtherQuery => pagination::cursor_of_other_query(),
            CannotResume::Expired => bad_parameter("cursor", "is older than a day: start again with the first page"),
        }
    }
}
