//! The operations on the second factor of the signed-in user.

use chassis::ClientAddress;
use input::{Body, Text};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, payload::Json, types::Example};
use problem::{Problem, problem_responses};
use token::SignedIn;
use values::Timestamp;

use super::{app::App, client::Visitor, code_rule::CodeRule, operations::Tags, problems::session_over};
use crate::{
    domain::RecoveryCode,
    use_cases::{
        AuthContext, SecondFactorError, SecondFactorStatus, enable_second_factor, enrol_second_factor,
        remove_second_factor, renew_recovery_codes, second_factor_status,
    },
};

/// The operations on the second factor of the signed-in user.
#[derive(Debug)]
pub struct SecondFactorApi;

input::object! {
    /// The password of the signed-in user.
    #[secret]
    struct Enrol {
        /// The password.
        password as "password": String,
    }
    example: {"password": "correct horse battery staple"}
}

input::object! {
    /// A code.
    #[secret]
    struct Code {
        /// The six digits that the authenticator shows.
        code as "code": Text<CodeRule>,
    }
    example: {"code": "287082"}
}

input::object! {
    /// The password of the signed-in user, and a code.
    #[secret]
    struct PasswordAndCode {
        /// The password.
        password as "password": String,
        /// The six digits that the authenticator shows, or a recovery code.
        code as "code": Text<CodeRule>,
    }
    example: {"password": "correct horse battery staple", "code": "287082"}
}

/// The status of the second factor.
#[derive(Object)]
#[oai(rename = "SecondFactor", rename_all = "camelCase", example)]
struct SecondFactorView {
    /// Whether signing in needs a code.
    enabled: bool,
    /// Since when.
    #[oai(nullable)]
    enabled_at: Option<Timestamp>,
    /// The number of unused recovery codes.
    recovery_codes_left: u32,
}

/// What an authenticator needs. It is shown once.
#[derive(Object)]
#[oai(rename = "SecondFactorEnrolment", rename_all = "camelCase", example)]
struct EnrolmentView {
    /// The secret, in Base32, to type into an authenticator.
    secret: String,
    /// The same as a link that authenticators open.
    uri: String,
    /// The link as a QR code: an SVG image without a size.
    qr_svg: String,
}

/// Recovery codes. They are shown once.
#[derive(Object)]
#[oai(rename = "RecoveryCodes", rename_all = "camelCase", example)]
struct RecoveryCodesView {
    /// The codes: each replaces one code of the authenticator.
    recovery_codes: Vec<String>,
}

impl Example for SecondFactorView {
    fn example() -> Self {
        Self {
            enabled: true,
            enabled_at: Some(Timestamp::from_millis(1_800_000_000_000)),
            recovery_codes_left: 10,
        }
    }
}

impl Example for EnrolmentView {
    fn example() -> Self {
        Self {
            secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned(),
            uri: "otpauth://totp/Ticketing:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Ticketing"
                .to_owned(),
            qr_svg: "<svg/>".to_owned(),
        }
    }
}

impl Example for RecoveryCodesView {
    fn example() -> Self {
        Self {
            recovery_codes: vec!["q2vh-7xnk-3b5c-m4pd".to_owned()],
        }
    }
}

impl From<SecondFactorStatus> for SecondFactorView {
    fn from(status: SecondFactorStatus) -> Self {
        Self {
            enabled: status.enabled_at.is_some(),
            enabled_at: status.enabled_at,
            recovery_codes_left: status.recovery_codes,
        }
    }
}

impl From<Vec<RecoveryCode>> for RecoveryCodesView {
    fn from(codes: Vec<RecoveryCode>) -> Self {
        Self {
            recovery_codes: codes.iter().map(|code| code.as_str().to_owned()).collect(),
        }
    }
}

problem_responses! {
    GetSecondFactorProblem {
        401 => "Not signed in, or the session is over.",
    }
}

problem_responses! {
    EnrolProblem {
        401 => "Not signed in, or the session is over.",
        403 => "`wrong-password`: the password is wrong. Or a browser sent this for another site's page.",
        409 => "`second-factor-enabled`: remove it first.",
        429 => "Too many failed attempts, or too many requests at the moment; Retry-After states when to retry.",
    }
}

problem_responses! {
    EnableProblem {
        401 => "Not signed in, or the session is over.",
        403 => "`wrong-code`: the code is wrong, or was used before. Or a browser sent this for another site's page.",
        409 => "`second-factor-enabled`: it is enabled already. `no-second-factor`: enrol first.",
        429 => "Too many failed attempts; Retry-After states when to retry.",
    }
}

problem_responses! {
    WithCodeProblem {
        401 => "Not signed in, or the session is over.",
        403 => "`wrong-password`, `wrong-code`: the password or the code is wrong. Or a browser sent this for another site's page.",
        409 => "`no-second-factor`: there is none.",
        429 => "Too many failed attempts, or too many requests at the moment; Retry-After states when to retry.",
    }
}

impl From<SecondFactorError> for Problem {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::Enabled => {
                Self::conflict("second-factor-enabled", "The second factor is enabled already")
            }
            SecondFactorError::Missing => Self::conflict("no-second-factor", "There is no second factor"),
            SecondFactorError::WrongCode => super::problems::wrong_code(),
            SecondFactorError::Unusable(_) => Self::internal(&error),
            SecondFactorError::Account(error) => error.into(),
            SecondFactorError::Db(error) => error.into(),
        }
    }
}

#[OpenApi(prefix_path = "/api/v1/auth", tag = "Tags::Auth")]
impl SecondFactorApi {
    /// Get the status of your second factor
    #[oai(path = "/second-factor", method = "get", operation_id = "getSecondFactor")]
    async fn status(
        &self,
        app: Data<&App>,
        signed_in: SignedIn,
    ) -> Result<Json<SecondFactorView>, GetSecondFactorProblem> {
        let AuthContext { db, clock, .. } = app.context();
        let now = clock.now();
        let status = db.read(move |conn| second_factor_status(conn, now, signed_in)).await?;
        Ok(Json(status.ok_or_else(session_over)?.into()))
    }

    /// Enrol a second factor
    ///
    /// Returns the secret for an authenticator (TOTP: SHA-1, 6 digits, 30 seconds), once. Signing in needs it after it was
    /// confirmed by a code.
    #[oai(path = "/second-factor", method = "post", operation_id = "enrolSecondFactor")]
    async fn enrol(
        &self,
        app: Data<&App>,
        signed_in: SignedIn,
        visitor: Visitor,
        body: Body<Enrol>,
    ) -> Result<Json<EnrolmentView>, EnrolProblem> {
        let current = visitor.reauthentication(signed_in, body.0.password);
        let enrolment = enrol_second_factor(app.context(), current).await?;
        let qr_svg = qr::svg(&enrolment.uri).map_err(|error| Problem::internal(&error))?;
        Ok(Json(EnrolmentView {
            secret: enrolment.secret,
            uri: enrolment.uri,
            qr_svg,
        }))
    }

    /// Confirm the second factor
    ///
    /// By a code of the authenticator. Signing in needs a code from then on. Returns ten recovery codes, once; each replaces one
    /// code of the authenticator. Your access token states the second factor after the next refresh.
    #[oai(
        path = "/second-factor/confirmations",
        method = "post",
        operation_id = "confirmSecondFactor"
    )]
    async fn confirm(
        &self,
        app: Data<&App>,
        signed_in: SignedIn,
        client: ClientAddress,
        body: Body<Code>,
    ) -> Result<Json<RecoveryCodesView>, EnableProblem> {
        let codes = enable_second_factor(app.context(), signed_in, body.0.code.0, client.0).await?;
        Ok(Json(codes.into()))
    }

    /// Renew your recovery codes
    ///
    /// The earlier ones become invalid.
    #[oai(
        path = "/second-factor/recovery-codes",
        method = "post",
        operation_id = "renewRecoveryCodes"
    )]
    async fn renew(
        &self,
        app: Data<&App>,
        signed_in: SignedIn,
        visitor: Visitor,
        body: Body<PasswordAndCode>,
    ) -> Result<Json<RecoveryCodesView>, WithCodeProblem> {
        let current = visitor.reauthentication(signed_in, body.0.password);
        let codes = renew_recovery_codes(app.context(), current, body.0.code.0).await?;
        Ok(Json(codes.into()))
    }

    /// Remove the second factor
    ///
    /// Signing in needs the password alone from then on.
    #[oai(
        path = "/second-factor/removals",
        method = "post",
        operation_id = "removeSecondFactor"
    )]
    async fn remove(
        &self,
        app: Data<&App>,
        signed_in: SignedIn,
        visitor: Visitor,
        body: Body<PasswordAndCode>,
    ) -> Result<Json<SecondFactorView>, WithCodeProblem> {
        let current = visitor.reauthentication(signed_in, body.0.password);
        remove_second_factor(app.context(), current, body.0.code.0).await?;
        Ok(Json(SecondFactorView {
            enabled: false,
            enabled_at: None,
            recovery_codes_left: 0,
        }))
    }
}
