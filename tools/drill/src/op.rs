use serde::{Deserialize, Serialize};

/// What can be asked, by its operation id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "they are the operation ids of openapi/*.json")]
pub enum Op {
    SignUp,
    SignIn,
    Refresh,
    CurrentUser,
    CreateTicket,
    ListTickets,
    GetTicket,
    ChangeTicket,
    WithdrawTicket,
    PlaceOrder,
    GetOrder,
    ListOrders,
    CancelOrder,
    PayOrder,
    GetPayment,
    ListPayments,
}

impl Op {
    /// The operation id.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignUp => "signUp",
            Self::SignIn => "signIn",
            Self::Refresh => "refresh",
            Self::CurrentUser => "currentUser",
            Self::CreateTicket => "createTicket",
            Self::ListTickets => "listTickets",
            Self::GetTicket => "getTicket",
            Self::ChangeTicket => "changeTicket",
            Self::WithdrawTicket => "withdrawTicket",
            Self::PlaceOrder => "placeOrder",
            Self::GetOrder => "getOrder",
            Self::ListOrders => "listOrders",
            Self::CancelOrder => "cancelOrder",
            Self::PayOrder => "payOrder",
            Self::GetPayment => "getPayment",
            Self::ListPayments => "listPayments",
        }
    }

    /// The service that answers.
    pub const fn service(self) -> &'static str {
        match self {
            Self::SignUp | Self::SignIn | Self::Refresh | Self::CurrentUser => "auth",
            Self::CreateTicket | Self::ListTickets | Self::GetTicket | Self::ChangeTicket | Self::WithdrawTicket => {
                "ticket"
            }
            Self::PlaceOrder | Self::GetOrder | Self::ListOrders | Self::CancelOrder => "order",
            Self::PayOrder | Self::GetPayment | Self::ListPayments => "payment",
        }
    }

    /// What each item of a list is: asked for alone, it would be this.
    #[must_use]
    pub const fn of_items(self) -> Self {
        match self {
            Self::ListTickets => Self::GetTicket,
            Self::ListOrders => Self::GetOrder,
            Self::ListPayments => Self::GetPayment,
            other => other,
        }
    }

    /// Whether an answer makes sense: a yes, or a no that a buyer may get. The crew asks for nothing malformed, for
    /// nothing of others, and is signed in.
    pub(crate) const fn expects(self, status: u16, again: bool) -> bool {
        match self {
            Self::SignUp | Self::CreateTicket => status == 201,
            // The first attempt may have come through: then this token is spent, and whoever has it signs in again.
            Self::Refresh => status == 200 || status == 401 && again,
            Self::ChangeTicket => matches!(status, 200 | 409 | 412),
            Self::WithdrawTicket => matches!(status, 204 | 412),
            // 404: it has not heard of what was made a moment ago at another service.
            Self::PlaceOrder => matches!(status, 201 | 404 | 409),
            Self::CancelOrder => matches!(status, 204 | 409),
            Self::PayOrder => matches!(status, 201 | 402 | 404 | 409),
            _ => status == 200,
        }
    }
}
