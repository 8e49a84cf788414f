use events::AccountMailKind;
use values::text_enum;

text_enum! {
    /// What a mail is about. Those about accounts come first.
    #[derive(PartialOrd, Ord)]
    pub(crate) enum MailKind {
        /// The address of a new account has to be confirmed.
        ConfirmEmail = "confirm-email",
        /// Somebody tried to sign up with the address of this account.
        EmailTaken = "email-taken",
        /// A new password can be set.
        ResetPassword = "reset-password",
        /// The password was changed.
        PasswordChanged = "password-changed",
        /// A new address has to be confirmed.
        ConfirmNewEmail = "confirm-new-email",
        /// The change to another address has to be approved.
        ApproveNewEmail = "approve-new-email",
        /// The address was changed.
        EmailChanged = "email-changed",
        /// The second factor was switched on.
        SecondFactorEnabled = "second-factor-enabled",
        /// The second factor was switched off, or a recovery code was used.
        SecondFactorWeakened = "second-factor-weakened",
        /// The account was not deleted.
        DeletionRefused = "deletion-refused",
        /// The account was deleted.
        AccountDeleted = "account-deleted",
        /// An order is paid; with its tickets.
        OrderConfirmed = "order-confirmed",
        /// An order was not paid in time.
        OrderExpired = "order-expired",
        /// A buyer requests a refund; to the seller.
        RefundRequested = "refund-requested",
        /// A refund is paid.
        RefundPaid = "refund-paid",
        /// A refund could not be paid.
        RefundFailed = "refund-failed",
        /// The seller declined a refund.
        RefundDeclined = "refund-declined",
        /// The seller withdrew a listing; to its buyers and holders.
        ListingWithdrawn = "listing-withdrawn",
        /// A ticket is offered to the recipient.
        TransferOffered = "transfer-offered",
        /// The recipient of a transfer has accepted it; to the giver.
        TransferAccepted = "transfer-accepted",
        /// A transfer was declined or has expired; to the giver.
        TransferReturned = "transfer-returned",
        /// A ticket has a new holder; to the new holder, with the ticket.
        TicketReceived = "ticket-received",
    }
}

impl MailKind {
    /// Whether tickets are attached, so that all of them have to be there.
    pub(crate) const fn has_tickets(self) -> bool {
        matches!(self, Self::OrderConfirmed | Self::TicketReceived)
    }

    /// Whether it is about an account: the owner needs it at once, also while many others wait.
    pub(crate) fn is_about_account(self) -> bool {
        self < Self::OrderConfirmed
    }

    /// Whether it is sent although its account is deleted.
    pub(crate) fn survives_deletion(self) -> bool {
        self == Self::AccountDeleted
    }

    /// The path of its link on the pages of the marketplace, before the token.
    pub(crate) const fn link_path(self) -> Option<&'static str> {
        match self {
            Self::ConfirmEmail => Some("confirm"),
            Self::ResetPassword => Some("reset"),
            Self::ConfirmNewEmail | Self::ApproveNewEmail => Some("change-email"),
            Self::TransferOffered => Some("transfers"),
            _ => None,
        }
    }
}

impl From<AccountMailKind> for MailKind {
    fn from(kind: AccountMailKind) -> Self {
        match kind {
            AccountMailKind::ConfirmEmail => Self::ConfirmEmail,
            AccountMailKind::EmailTaken => Self::EmailTaken,
            AccountMailKind::ResetPassword => Self::ResetPassword,
            AccountMailKind::PasswordChanged => Self::PasswordChanged,
            AccountMailKind::ConfirmNewEmail => Self::ConfirmNewEmail,
            AccountMailKind::ApproveNewEmail => Self::ApproveNewEmail,
            AccountMailKind::EmailChanged => Self::EmailChanged,
            AccountMailKind::SecondFactorEnabled => Self::SecondFactorEnabled,
            AccountMailKind::SecondFactorWeakened => Self::SecondFactorWeakened,
            AccountMailKind::DeletionRefused => Self::DeletionRefused,
            AccountMailKind::AccountDeleted => Self::AccountDeleted,
        }
    }
}
