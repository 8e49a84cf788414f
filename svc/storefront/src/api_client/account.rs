//! The views and calls of the auth service for an account: what a person sees and changes of it.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use values::{Language, SessionId, Timestamp};

use super::{ApiError, ApiRequest, ApiResponse, Caller, Service};

/// The person who is signed in.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) email: String,
    /// A release without confirmations does not state it.
    #[serde(default = "yes")]
    pub(crate) email_confirmed: bool,
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) language: Language,
}

const fn yes() -> bool {
    true
}

/// A signed-in browser or program.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OpenSession {
    pub(crate) id: SessionId,
    pub(crate) device: Option<String>,
    pub(crate) network: Option<String>,
    pub(crate) started_at: Timestamp,
    pub(crate) last_used_at: Timestamp,
    /// It is the one of this browser.
    pub(crate) current: bool,
}

#[derive(Deserialize)]
struct OpenSessions {
    items: Vec<OpenSession>,
}

/// The status of the second factor.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecondFactor {
    pub(crate) enabled: bool,
    pub(crate) enabled_at: Option<Timestamp>,
    pub(crate) recovery_codes_left: u32,
}

/// What an authenticator needs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Enrolment {
    pub(crate) secret: String,
    pub(crate) uri: String,
    pub(crate) qr_svg: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecoveryCodes {
    recovery_codes: Vec<String>,
}

/// A confirmed address.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfirmedEmail {
    pub(crate) email: String,
    /// Whether the account has no password. A release before does not state it.
    #[serde(default)]
    pub(crate) needs_password: bool,
}

#[derive(Deserialize)]
struct EmailChange {
    status: EmailChangeStatus,
}

/// The progress of a change of the address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EmailChangeStatus {
    /// The other address has not confirmed yet.
    Waiting,
    Changed,
}

/// The newest request to delete the account.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deletion {
    pub(crate) status: DeletionStatus,
    pub(crate) requested_at: Timestamp,
    pub(crate) obstacles: Vec<DeletionObstacle>,
}

/// What became of a request to delete the account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DeletionStatus {
    /// Services have not decided yet.
    Requested,
    Refused,
}

/// What prevents the deletion of an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DeletionObstacle {
    OpenOrders,
    OpenListings,
    OpenRefunds,
    OpenDisputes,
    Balance,
    OpenTransfers,
    /// One of a later release.
    #[serde(other)]
    Other,
}

#[derive(Serialize)]
struct ProfileChange<'a> {
    name: Option<&'a str>,
    language: Language,
}

async fn post(caller: &impl Caller, path: &str, body: &impl Serialize) -> Result<ApiResponse, ApiError> {
    let request = ApiRequest::post(Service::Auth, format!("/api/v1/auth/{path}"));
    caller.send(request.json(body)).await
}

/// Returns the person who is signed in.
pub(crate) async fn current(caller: &impl Caller) -> Result<User, ApiError> {
    let request = ApiRequest::get(Service::Auth, "/api/v1/auth/users/current");
    caller.send(request).await?.json()
}

/// Changes name and language.
pub(crate) async fn change_profile(
    caller: &impl Caller,
    name: Option<&str>,
    language: Language,
) -> Result<(), ApiError> {
    let request = ApiRequest::patch(Service::Auth, "/api/v1/auth/users/current");
    let sent = caller.send(request.json(&ProfileChange { name, language })).await;
    sent.map(drop)
}

/// Changes the password. All other sessions end.
pub(crate) async fn change_password(caller: &impl Caller, current: &str, new: &str) -> Result<(), ApiError> {
    let request = ApiRequest::put(Service::Auth, "/api/v1/auth/users/current/password");
    let body = json!({"currentPassword": current, "password": new});
    caller.send(request.json(&body)).await.map(drop)
}

/// Requests mails to the present and to the new address.
pub(crate) async fn request_email_change(caller: &impl Caller, email: &str, password: &str) -> Result<(), ApiError> {
    let body = json!({"email": email, "password": password});
    post(caller, "email-changes", &body).await.map(drop)
}

/// Confirms a change of the address, by the token of one of the mails.
pub(crate) async fn confirm_email_change(caller: &impl Caller, token: &str) -> Result<EmailChangeStatus, ApiError> {
    let response = post(caller, "email-changes/confirmations", &json!({"token": token})).await?;
    Ok(response.json::<EmailChange>()?.status)
}

/// Confirms an address by the token of the mail, and returns it.
pub(crate) async fn confirm_email(caller: &impl Caller, token: &str) -> Result<ConfirmedEmail, ApiError> {
    let response = post(caller, "email-confirmations", &json!({"token": token})).await?;
    response.json()
}

/// Requests the mail that confirms an address once more. The response does not depend on the address.
pub(crate) async fn request_confirmation(caller: &impl Caller, email: &str) -> Result<(), ApiError> {
    let sent = post(caller, "email-confirmations/requests", &json!({"email": email})).await;
    sent.map(drop)
}

/// Requests a mail to set a new password. The response does not depend on the address.
pub(crate) async fn request_reset(caller: &impl Caller, email: &str) -> Result<(), ApiError> {
    let sent = post(caller, "password-resets", &json!({"email": email})).await;
    sent.map(drop)
}

/// Sets a new password by the token of the mail. All sessions end.
pub(crate) async fn reset_password(caller: &impl Caller, token: &str, password: &str) -> Result<(), ApiError> {
    let body = json!({"token": token, "password": password});
    post(caller, "password-resets/confirmations", &body).await.map(drop)
}

/// Returns the open sessions, the newest first.
pub(crate) async fn sessions(caller: &impl Caller) -> Result<Vec<OpenSession>, ApiError> {
    let request = ApiRequest::get(Service::Auth, "/api/v1/auth/sessions");
    Ok(caller.send(request).await?.json::<OpenSessions>()?.items)
}

/// Ends a session.
pub(crate) async fn end_session(caller: &impl Caller, id: SessionId) -> Result<(), ApiError> {
    let request = ApiRequest::delete(Service::Auth, format!("/api/v1/auth/sessions/{id}"));
    caller.send(request).await.map(drop)
}

/// Ends all sessions except the present one.
pub(crate) async fn end_other_sessions(caller: &impl Caller) -> Result<(), ApiError> {
    let request = ApiRequest::delete(Service::Auth, "/api/v1/auth/sessions");
    caller.send(request).await.map(drop)
}

/// Returns the status of the second factor.
pub(crate) async fn second_factor(caller: &impl Caller) -> Result<SecondFactor, ApiError> {
    let request = ApiRequest::get(Service::Auth, "/api/v1/auth/second-factor");
    caller.send(request).await?.json()
}

/// Enrols a second factor, which a code has to confirm.
pub(crate) async fn enrol(caller: &impl Caller, password: &str) -> Result<Enrolment, ApiError> {
    post(caller, "second-factor", &json!({"password": password}))
        .await?
        .json()
}

/// Confirms the second factor, and returns the recovery codes.
pub(crate) async fn confirm_second_factor(caller: &impl Caller, code: &str) -> Result<Vec<String>, ApiError> {
    let response = post(caller, "second-factor/confirmations", &json!({"code": code})).await?;
    Ok(response.json::<RecoveryCodes>()?.recovery_codes)
}

/// Replaces the recovery codes, and returns the new ones.
pub(crate) async fn renew_recovery_codes(
    caller: &impl Caller,
    password: &str,
    code: &str,
) -> Result<Vec<String>, ApiError> {
    let body = json!({"password": password, "code": code});
    let response = post(caller, "second-factor/recovery-codes", &body).await?;
    Ok(response.json::<RecoveryCodes>()?.recovery_codes)
}

/// Removes the second factor.
pub(crate) async fn remove_second_factor(caller: &impl Caller, password: &str, code: &str) -> Result<(), ApiError> {
    let body = json!({"password": password, "code": code});
    post(caller, "second-factor/removals", &body).await.map(drop)
}

/// Requests the deletion of the account. `code` is needed with a second factor.
pub(crate) async fn request_deletion(caller: &impl Caller, password: &str, code: Option<&str>) -> Result<(), ApiError> {
    let mut body = json!({"password": password});
    if let Some(code) = code {
        body["code"] = code.into();
    }
    post(caller, "users/current/deletion", &body).await.map(drop)
}

/// Returns the newest request to delete the account, unless it was withdrawn.
pub(crate) async fn deletion(caller: &impl Caller) -> Result<Option<Deletion>, ApiError> {
    let request = ApiRequest::get(Service::Auth, "/api/v1/auth/users/current/deletion");
    match caller.send(request).await {
        Ok(response) => response.json().map(Some),
        Err(error) if error.is_status(StatusCode::NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Withdraws the request to delete the account.
pub(crate) async fn withdraw_deletion(caller: &impl Caller) -> Result<(), ApiError> {
    let request = ApiRequest::delete(Service::Auth, "/api/v1/auth/users/current/deletion");
    caller.send(request).await.map(drop)
}
