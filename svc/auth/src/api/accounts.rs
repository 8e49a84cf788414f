//! The operations that confirm, reset and change.

use chassis::ClientAddress;
use input::Body;
use poem::web::Data;
use poem_openapi::{ApiResponse, OpenApi, payload::Json};
use problem::problem_responses;
use token::{CsrfGuard, SignedIn};

use super::{
    account_changes::{
        EmailChangeView, MailAddress, MailRequestedView, NewAddress, PasswordChange, PasswordReset, UsedLink,
    },
    app::App,
    client::Visitor,
    operations::Tags,
    views::{ConfirmedView, DoneView},
};
use crate::{
    domain::{CONFIRMATION_LIFETIME, RESET_LIFETIME},
    store::MailPurpose,
    use_cases::{
        AuthContext, UseLinkError, change_password, confirm_email, confirm_email_change, request_email_change,
        request_mail, reset_password,
    },
};

/// The operations that confirm, reset and change.
#[derive(Debug)]
pub struct AccountsApi;

#[derive(ApiResponse)]
enum MailRequested {
    /// A mail is sent if there is a reason: the response is the same whether or not the address has an account.
    #[oai(status = 202)]
    Accepted(Json<MailRequestedView>),
}

problem_responses! {
    RequestMailProblem {
        403 => "A browser sent this for another site's page.",
        429 => "Too many requests for mails from the network; Retry-After states when to retry.",
    }
}

problem_responses! {
    UseLinkProblem {
        400 => "`invalid-link`: the link was never sent, was used, or has expired.",
        403 => "A browser sent this for another site's page.",
    }
}

problem_responses! {
    ResetPasswordProblem {
        400 => "`invalid-link`: the link was never sent, was used, or has expired.",
        403 => "A browser sent this for another site's page.",
        429 => "Too many requests at the moment; Retry-After states when to retry.",
    }
}

problem_responses! {
    ChangePasswordProblem {
        401 => "Not signed in, or the session is over.",
        403 => "`wrong-password`: the present password is wrong. Or a browser sent this for another site's page.",
        429 => "Too many failed attempts, or too many requests at the moment; Retry-After states when to retry.",
    }
}

problem_responses! {
    ChangeEmailProblem {
        401 => "Not signed in, or the session is over.",
        403 => "`wrong-password`: the password is wrong. Or a browser sent this for another site's page.",
        429 => "Too many failed attempts, mails, or requests at the moment; Retry-After states when to retry.",
    }
}

#[OpenApi(prefix_path = "/api/v1/auth", tag = "Tags::Auth")]
impl AccountsApi {
    /// Confirm an email address
    ///
    /// By the token in the mail that a sign-up sends; it can be used once, for 24 hours. An access token states the confirmation
    /// after the next refresh. If several sign-ups with the address wait, the account has no password, and a link to set one is
    /// mailed.
    #[oai(path = "/email-confirmations", method = "post", operation_id = "confirmEmail")]
    async fn confirm_email(
        &self,
        app: Data<&App>,
        _csrf: CsrfGuard,
        client: ClientAddress,
        body: Body<UsedLink>,
    ) -> Result<Json<ConfirmedView>, UseLinkProblem> {
        let AuthContext {
            db, clock, mail_keys, ..
        } = app.context();
        let (now, mail_keys, token) = (clock.now(), mail_keys.clone(), body.0.token.0);
        let confirmed = db
            .write(move |tx| confirm_email(tx, now, &mail_keys, &token, client))
            .await;
        let account = confirmed.map_err(|error: UseLinkError| error)?;
        Ok(Json(ConfirmedView {
            email: account.email().to_owned(),
            needs_password: account.password_hash().is_none(),
        }))
    }

    /// Request the mail that confirms an email address again
    ///
    /// The response is the same whether or not the address waits for a confirmation. At most 5 mails are sent to an address in
    /// an hour, unless configured otherwise.
    #[oai(
        path = "/email-confirmations/requests",
        method = "post",
        operation_id = "requestEmailConfirmation"
    )]
    async fn request_confirmation(
        &self,
        app: Data<&App>,
        _csrf: CsrfGuard,
        client: ClientAddress,
        body: Body<MailAddress>,
    ) -> Result<MailRequested, RequestMailProblem> {
        request_mail(app.context(), MailPurpose::ConfirmEmail, body.0.email.0, client.0).await?;
        Ok(MailRequested::Accepted(Json(MailRequestedView {
            expires_in: CONFIRMATION_LIFETIME.as_secs(),
        })))
    }

    /// Request a mail to set a new password
    ///
    /// The response is the same whether or not the address has an account. At most 5 mails are sent to an address in an hour,
    /// unless configured otherwise.
    #[oai(path = "/password-resets", method = "post", operation_id = "requestPasswordReset")]
    async fn request_reset(
        &self,
        app: Data<&App>,
        _csrf: CsrfGuard,
        client: ClientAddress,
        body: Body<MailAddress>,
    ) -> Result<MailRequested, RequestMailProblem> {
        request_mail(app.context(), MailPurpose::ResetPassword, body.0.email.0, client.0).await?;
        Ok(MailRequested::Accepted(Json(MailRequestedView {
            expires_in: RESET_LIFETIME.as_secs(),
        })))
    }

    /// Set a new password
    ///
    /// By the token in the mail; it can be used once, for 30 minutes. All sessions end, and the address counts as confirmed. A
    /// second factor stays.
    #[oai(
        path = "/password-resets/confirmations",
        method = "post",
        operation_id = "resetPassword"
    )]
    async fn reset_password(
        &self,
        app: Data<&App>,
        _csrf: CsrfGuard,
        client: ClientAddress,
        body: Body<PasswordReset>,
    ) -> Result<Json<DoneView>, ResetPasswordProblem> {
        reset_password(app.context(), body.0.token.0, body.0.password.0, client.0).await?;
        Ok(Json(DoneView::DONE))
    }

    /// Change the password
    ///
    /// All other sessions end. A wrong present password counts as a failed attempt to sign in.
    #[oai(path = "/users/current/password", method = "put", operation_id = "changePassword")]
    async fn change_password(
        &self,
        app: Data<&App>,
        signed_in: SignedIn,
        visitor: Visitor,
        body: Body<PasswordChange>,
    ) -> Result<Json<DoneView>, ChangePasswordProblem> {
        let current = visitor.reauthentication(signed_in, body.0.current_password);
        change_password(app.context(), current, body.0.password.0).await?;
        Ok(Json(DoneView::DONE))
    }

    /// Request a change of the email address
    ///
    /// Mails are sent to the current and to the new address. Both have to confirm within 24 hours; the response is the same
    /// whether or not the new address has an account.
    #[oai(path = "/email-changes", method = "post", operation_id = "requestEmailChange")]
    async fn request_email_change(
        &self,
        app: Data<&App>,
        signed_in: SignedIn,
        visitor: Visitor,
        body: Body<NewAddress>,
    ) -> Result<MailRequested, ChangeEmailProblem> {
        let current = visitor.reauthentication(signed_in, body.0.password);
        request_email_change(app.context(), current, body.0.email.0).await?;
        Ok(MailRequested::Accepted(Json(MailRequestedView {
            expires_in: CONFIRMATION_LIFETIME.as_secs(),
        })))
    }

    /// Confirm a change of the email address
    ///
    /// By the token in either mail; the second of both changes the address.
    #[oai(
        path = "/email-changes/confirmations",
        method = "post",
        operation_id = "confirmEmailChange"
    )]
    async fn confirm_email_change(
        &self,
        app: Data<&App>,
        _csrf: CsrfGuard,
        client: ClientAddress,
        body: Body<UsedLink>,
    ) -> Result<Json<EmailChangeView>, UseLinkProblem> {
        let AuthContext { db, clock, .. } = app.context();
        let (now, token) = (clock.now(), body.0.token.0);
        let confirmed = db.write(move |tx| confirm_email_change(tx, now, &token, client)).await;
        Ok(Json(confirmed.map_err(|error: UseLinkError| error)?.into()))
    }
}
