//! The errors of the use cases as problems.

use poem::http::StatusCode;
use problem::Problem;

use crate::{
    domain::{BuyerLimit, CannotCancel, CannotPlace, CannotRefund, NotAsSeen, NotOnSale},
    use_cases::{CancelOrderError, DecideRefundError, PlaceOrderError, RequestRefundError, RetryWithdrawalError},
};

impl From<PlaceOrderError> for Problem {
    fn from(error: PlaceOrderError) -> Self {
        match error {
            PlaceOrderError::TicketNotFound(_) => Self::not_found(error),
            PlaceOrderError::NotOnSale(reason) => reason.into(),
            PlaceOrderError::CannotPlace(CannotPlace::OwnListing) => {
                Self::new(StatusCode::FORBIDDEN, "own-ticket", "This is your own listing").detail(error)
            }
            PlaceOrderError::CannotPlace(CannotPlace::TotalTooHigh(_)) => Self::invalid("quantity", error),
            PlaceOrderError::SecondFactorRequired(error) => Self::new(
                StatusCode::FORBIDDEN,
                "second-factor-required",
                "The seller requires a second factor",
            )
            .detail(error),
            PlaceOrderError::NotAsSeen(reason) => reason.into(),
            PlaceOrderError::AccountClosing(error) => error.into(),
            PlaceOrderError::BuyerLimit(limit) => limit.into(),
            PlaceOrderError::Db(error) => error.into(),
        }
    }
}

impl From<NotOnSale> for Problem {
    fn from(reason: NotOnSale) -> Self {
        match reason {
            NotOnSale::SoldOut(_) => Self::conflict("sold-out", "Not enough tickets are left"),
            NotOnSale::Withdrawn => Self::conflict("ticket-withdrawn", "The listing is withdrawn"),
            NotOnSale::SaleNotBegun(_) => Self::conflict("sale-not-begun", "The sale has not begun"),
            NotOnSale::SaleEnded(_) => Self::conflict("sale-ended", "The sale has ended"),
            NotOnSale::EventBegun => Self::conflict("event-begun", "The event has begun"),
        }
        .detail(reason)
    }
}

impl From<NotAsSeen> for Problem {
    fn from(reason: NotAsSeen) -> Self {
        match reason {
            NotAsSeen::Outdated(_) => Self::conflict("ticket-outdated", "The ticket has just been changed"),
            NotAsSeen::PriceChanged(price) => {
                Self::conflict("price-changed", "The price has changed").current_price(price)
            }
        }
        .detail(reason)
    }
}

impl From<BuyerLimit> for Problem {
    fn from(limit: BuyerLimit) -> Self {
        let problem = match limit {
            BuyerLimit::UnpaidHolds { retry_after, .. } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "unpaid-orders",
                "Your last orders of these tickets were not paid",
            )
            .retry_after(retry_after),
            BuyerLimit::OpenOrders(_) => Self::conflict("open-orders-limit", "You have too many unpaid orders"),
            BuyerLimit::Tickets { .. } => {
                Self::conflict("buyer-limit", "One buyer cannot have so many of these tickets")
            }
        };
        problem.detail(limit)
    }
}

impl From<CancelOrderError> for Problem {
    fn from(error: CancelOrderError) -> Self {
        match error {
            CancelOrderError::NotFound(_) => Self::not_found(error),
            CancelOrderError::NotYours(_) => Self::not_found(error).denied(),
            CancelOrderError::CannotCancel(CannotCancel::Complete) => {
                Self::conflict("order-complete", "The order is paid").detail(error)
            }
            CancelOrderError::CannotCancel(CannotCancel::BeingPaid) => {
                Self::conflict("order-being-paid", "The order is being paid").detail(error)
            }
            CancelOrderError::Db(error) => error.into(),
        }
    }
}

impl From<CannotRefund> for Problem {
    fn from(reason: CannotRefund) -> Self {
        match reason {
            CannotRefund::NotPaid => Self::conflict("order-not-paid", "The order is not paid"),
            CannotRefund::Disputed => Self::conflict("order-disputed", "The charge is disputed"),
            CannotRefund::DisputeLost | CannotRefund::NothingLeft => {
                Self::conflict("nothing-to-refund", "Nothing is left to refund")
            }
            CannotRefund::TooMany(_) => return Self::invalid("quantity", reason),
        }
        .detail(reason)
    }
}

impl From<RequestRefundError> for Problem {
    fn from(error: RequestRefundError) -> Self {
        match error {
            RequestRefundError::NotFound(_) => Self::not_found(error),
            RequestRefundError::NotYours(_) => Self::not_found(error).denied(),
            RequestRefundError::CannotRefund(reason) => reason.into(),
            RequestRefundError::TooManyRefunds(_) => {
                Self::conflict("too-many-refunds", "The order has too many refunds").detail(error)
            }
            RequestRefundError::AccountClosing(error) => error.into(),
            RequestRefundError::SellerClosing => {
                Self::conflict("seller-closing", "The seller has left the marketplace").detail(error)
            }
            RequestRefundError::Db(error) => error.into(),
        }
    }
}

impl From<DecideRefundError> for Problem {
    fn from(error: DecideRefundError) -> Self {
        match error {
            DecideRefundError::NotFound(_) => Self::not_found(error),
            DecideRefundError::NotYours(_) => Self::not_found(error).denied(),
            DecideRefundError::NotTheSeller => Self::forbidden(error),
            DecideRefundError::CannotRefund(reason) => reason.into(),
            DecideRefundError::AlreadyDecided(_) => {
                Self::conflict("refund-decided", "The refund is decided already").detail(error)
            }
            DecideRefundError::Db(error) => error.into(),
        }
    }
}

impl From<RetryWithdrawalError> for Problem {
    fn from(error: RetryWithdrawalError) -> Self {
        match error {
            RetryWithdrawalError::NotFound(_) => Self::not_found(error),
            RetryWithdrawalError::NotYours(_) => Self::not_found(error).denied(),
            RetryWithdrawalError::NotWithdrawn => {
                Self::conflict("ticket-not-withdrawn", "The listing is not withdrawn").detail(error)
            }
            RetryWithdrawalError::AccountClosing(error) => error.into(),
            RetryWithdrawalError::Db(error) => error.into(),
        }
    }
}
