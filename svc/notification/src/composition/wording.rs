use std::sync::LazyLock;

use localization::Messages;
use values::Language;

use crate::domain::MailKind;

/// The messages of all mails.
pub(super) static MESSAGES: LazyLock<Messages> = LazyLock::new(|| Messages::embedded(&FILES));

pub(super) const FILES: [(Language, &str); 2] = [
    (Language::English, include_str!("../../texts/en.ftl")),
    (Language::German, include_str!("../../texts/de.ftl")),
];

/// The messages of one kind of mail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wording {
    pub(super) subject: &'static str,
    pub(super) body: &'static str,
    /// The label of the link.
    pub(super) action: Option<&'static str>,
}

/// Returns the messages of each kind.
#[rustfmt::skip]
pub(super) const fn wording(kind: MailKind) -> Wording {
    let (subject, body, action) = match kind {
        MailKind::ConfirmEmail => ("confirm-email-subject", "confirm-email-body", Some("confirm-email-action")),
        MailKind::EmailTaken => ("email-taken-subject", "email-taken-body", Some("email-taken-action")),
        MailKind::ResetPassword => ("reset-password-subject", "reset-password-body", Some("reset-password-action")),
        MailKind::PasswordChanged => ("password-changed-subject", "password-changed-body", Some("password-changed-action")),
        MailKind::ConfirmNewEmail => ("confirm-new-email-subject", "confirm-new-email-body", Some("confirm-new-email-action")),
        MailKind::ApproveNewEmail => ("approve-new-email-subject", "approve-new-email-body", Some("approve-new-email-action")),
        MailKind::EmailChanged => ("email-changed-subject", "email-changed-body", None),
        MailKind::SecondFactorEnabled => ("second-factor-enabled-subject", "second-factor-enabled-body", Some("second-factor-enabled-action")),
        MailKind::SecondFactorWeakened => ("second-factor-weakened-subject", "second-factor-weakened-body", Some("second-factor-weakened-action")),
        MailKind::DeletionRefused => ("deletion-refused-subject", "deletion-refused-body", Some("deletion-refused-action")),
        MailKind::AccountDeleted => ("account-deleted-subject", "account-deleted-body", None),
        MailKind::OrderConfirmed => ("order-confirmed-subject", "order-confirmed-body", Some("order-confirmed-action")),
        MailKind::OrderExpired => ("order-expired-subject", "order-expired-body", Some("order-expired-action")),
        MailKind::RefundRequested => ("refund-requested-subject", "refund-requested-body", Some("refund-requested-action")),
        MailKind::RefundPaid => ("refund-paid-subject", "refund-paid-body", Some("refund-paid-action")),
        MailKind::RefundFailed => ("refund-failed-subject", "refund-failed-body", Some("refund-failed-action")),
        MailKind::RefundDeclined => ("refund-declined-subject", "refund-declined-body", Some("refund-declined-action")),
        MailKind::ListingWithdrawn => ("listing-withdrawn-subject", "listing-withdrawn-body", Some("listing-withdrawn-action")),
        MailKind::TransferOffered => ("transfer-offered-subject", "transfer-offered-body", Some("transfer-offered-action")),
        MailKind::TransferAccepted => ("transfer-accepted-subject", "transfer-accepted-body", Some("transfer-accepted-action")),
        MailKind::TransferReturned => ("transfer-returned-subject", "transfer-returned-body", Some("transfer-returned-action")),
        MailKind::TicketReceived => ("ticket-received-subject", "ticket-received-body", Some("ticket-received-action")),
    };
    Wording { subject, body, action }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_message_exists_in_both_languages_and_is_used() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert_eq!(localization::verify(&FILES, &sources).unwrap(), Vec::<String>::new());
    }
}
