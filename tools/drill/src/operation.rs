use serde::{Deserialize, Serialize};

/// An operation of the API, by its operation id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the operation ids of openapi/*.json")]
pub enum Operation {
    SignUp,
    SignIn,
    Refresh,
    CurrentUser,
    CreateTicket,
    ListTickets,
    GetTicket,
    ChangeTicket,
    WithdrawTicket,
    ListAdmissions,
    CheckIn,
    PlaceOrder,
    GetOrder,
    ListOrders,
    CancelOrder,
    PayOrder,
    GetPayment,
    ListPayments,
}

impl Operation {
    /// Returns the operation id.
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
            Self::ListAdmissions => "listAdmissions",
            Self::CheckIn => "checkIn",
            Self::PlaceOrder => "placeOrder",
            Self::GetOrder => "getOrder",
            Self::ListOrders => "listOrders",
            Self::CancelOrder => "cancelOrder",
            Self::PayOrder => "payOrder",
            Self::GetPayment => "getPayment",
            Self::ListPayments => "listPayments",
        }
    }

    /// Returns the service of the operation.
    pub const fn service(self) -> &'static str {
        match self {
            Self::SignUp | Self::SignIn | Self::Refresh | Self::CurrentUser => "auth",
            Self::CreateTicket
            | Self::ListTickets
            | Self::GetTicket
            | Self::ChangeTicket
            | Self::WithdrawTicket
            | Self::ListAdmissions
            | Self::CheckIn => "ticket",
            Self::PlaceOrder | Self::GetOrder | Self::ListOrders | Self::CancelOrder => "order",
            Self::PayOrder | Self::GetPayment | Self::ListPayments => "payment",
        }
    }

    /// Returns the operation that gets one item of a list.
    #[must_use]
    pub const fn item_operation(self) -> Self {
        match self {
            Self::ListTickets => Self::GetTicket,
            Self::ListOrders => Self::GetOrder,
            Self::ListPayments => Self::GetPayment,
            other => other,
        }
    }

    /// Whether a status is expected: success, or a refusal that a valid request can get. The load sends no malformed
    /// requests, none for resources of another account, and none without a session.
    pub(crate) const fn expects(self, status: u16, retried: bool) -> bool {
        match self {
            Self::SignUp | Self::CreateTicket => status == 201,
            // The first attempt may have succeeded. Then the token is used up, and the account signs in again.
            Self::Refresh => status == 200 || status == 401 && retried,
            Self::ChangeTicket => matches!(status, 200 | 409 | 412),
            Self::WithdrawTicket => matches!(status, 204 | 412),
            // 404: a new resource of another service is not replicated yet.
            Self::PlaceOrder => matches!(status, 201 | 404 | 409),
            // 404: a release before admissions, from which test-nomad updates.
            Self::ListAdmissions => matches!(status, 200 | 404),
            // 409: the ticket is used or refunded, or the listing is withdrawn.
            Self::CheckIn => matches!(status, 200 | 409),
            Self::CancelOrder => matches!(status, 204 | 409),
            Self::PayOrder => matches!(status, 201 | 402 | 404 | 409),
            _ => status == 200,
        }
    }
}
