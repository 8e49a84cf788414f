use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use values::{Language, MailId, Timestamp, UserId, text_enum};

/// An account. Personal data is absent once it is deleted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The account.
    pub id: UserId,
    /// The number of this state of the account: 1, 2, 3 …
    pub version: u64,
    /// Its status.
    pub status: AccountStatus,
    /// The email address, as the user wrote it.
    pub email: Option<String>,
    /// The name to print on tickets; absent if the user gave none.
    pub name: Option<String>,
    /// The language of mails.
    pub language: Language,
    /// When the user confirmed the email address; absent if that has not happened.
    pub email_confirmed_at: Option<Timestamp>,
    /// When this state began.
    pub updated_at: Timestamp,
}

text_enum! {
    /// The status of an account.
    #[derive(JsonSchema)]
    pub enum AccountStatus {
        /// It can be used.
        Active = "active",
        /// Its user has requested the deletion; each service decides whether anything prevents it.
        Closing = "closing",
        /// It is deleted: each service erases the personal data that it stores about the user.
        Deleted = "deleted",
    }
}

/// The decision of one service about the deletion of an account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Closure {
    /// The account.
    pub account_id: UserId,
    /// The version of the account whose status is `closing`.
    pub version: u64,
    /// What prevents the deletion; empty if nothing does. The service accepts nothing new of the account from then on, until
    /// the account is active again.
    pub obstacles: Vec<ClosureObstacle>,
    /// When the service decided.
    pub decided_at: Timestamp,
}

text_enum! {
    /// What prevents the deletion of an account.
    #[derive(JsonSchema)]
    pub enum ClosureObstacle {
        /// Orders of the user, or of a listing of the user, are not finished.
        OpenOrders = "open-orders",
        /// A listing of the user is on sale, or its event has not begun and tickets are sold, or its buyers are guaranteed
        /// a refund.
        OpenListings = "open-listings",
        /// A refund is requested or not yet paid.
        OpenRefunds = "open-refunds",
        /// A dispute is open.
        OpenDisputes = "open-disputes",
        /// Money is owed to the user, or by the user.
        Balance = "balance",
        /// A transfer of a ticket is not finished.
        OpenTransfers = "open-transfers",
    }
}

/// A mail about an account, which the auth service requests.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountMail {
    /// The mail.
    pub id: MailId,
    /// Always 1: a mail is requested once.
    pub version: u64,
    /// The account that it is about.
    pub account_id: UserId,
    /// The address that it is sent to: that of the account, the former one, or one that is not confirmed yet.
    pub address: String,
    /// The language in which it is written.
    pub language: Language,
    /// What it is about.
    pub kind: AccountMailKind,
    /// The token of the link, encrypted with the key that auth and notification share, for the purpose `account mail` and the
    /// mail's id; absent if there is no link. Base64url without padding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_token: Option<String>,
    /// Until when the link can be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was requested. A mail that reports a change reports it as of this time.
    pub requested_at: Timestamp,
}

impl AccountMail {
    /// Returns the purpose for which the token of a mail is sealed.
    pub fn token_purpose(id: MailId) -> String {
        format!("account mail {id}")
    }
}

text_enum! {
    /// What a mail about an account is about.
    #[derive(JsonSchema)]
    pub enum AccountMailKind {
        /// The user has to confirm the address of a new account.
        ConfirmEmail = "confirm-email",
        /// Somebody tried to sign up with the address of this account.
        EmailTaken = "email-taken",
        /// A new password can be set.
        ResetPassword = "reset-password",
        /// The password was changed.
        PasswordChanged = "password-changed",
        /// The address is to be changed to the one that this mail is sent to, which has to be confirmed.
        ConfirmNewEmail = "confirm-new-email",
        /// The address is to be changed to another one; sent to the current one, which has to agree.
        ApproveNewEmail = "approve-new-email",
        /// The address was changed; sent to the former one.
        EmailChanged = "email-changed",
        /// The second factor was switched on.
        SecondFactorEnabled = "second-factor-enabled",
        /// The second factor was switched off, or a recovery code was used.
        SecondFactorWeakened = "second-factor-weakened",
        /// The account was not deleted, because something prevents it.
        DeletionRefused = "deletion-refused",
        /// The account was deleted.
        AccountDeleted = "account-deleted",
    }
}
