use std::time::Duration;

use idempotency::Key;
use poem::{http::StatusCode, web::Data};
use poem_openapi::{ApiResponse, Object, OpenApi, param::Header, payload::Json, types::Example};
use problem::{Body, Invalid, Problem, statuses};
use serde::Deserialize;
use token::{ACCESS_TOKEN_LIFETIME, CsrfGuard, Jwks, SignedIn};
use values::UserId;

use crate::{
    app::{App, NotVerified},
    attempts::TooManyFailures,
    client::ClientAddress,
    cookies::WithCookies,
    current_user::current_user,
    email::Email,
    grant::Grant,
    password::Password,
    refresh::{RefreshError, refresh},
    sign_in::{SignIn, SignInError, sign_in},
    sign_out::sign_out,
    sign_up::{SignUp, SignUpError, sign_up},
};

mod presented;

use presented::PresentedToken;

/// The operations of the auth service.
#[derive(Debug)]
pub struct Api;

#[derive(poem_openapi::Tags)]
enum Tags {
    /// People and their sessions.
    Auth,
}

/// An address and a password.
#[derive(Object, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[oai(rename_all = "camelCase", deny_unknown_fields, example)]
struct Credentials {
    /// An email address. Upper and lower case do not matter.
    email: String,
    /// For a new account 8 to 128 characters, of any script.
    password: String,
}

impl Example for Credentials {
    fn example() -> Self {
        Self {
            email: "ada@example.com".to_owned(),
            password: "correct horse battery staple".to_owned(),
        }
    }
}

/// Somebody who signed up.
#[derive(Object)]
#[oai(rename_all = "camelCase", example)]
struct User {
    /// Who it is, in all services.
    id: UserId,
    /// The email address, as it was typed at sign-up.
    email: String,
}

impl Example for User {
    fn example() -> Self {
        let id = "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e".parse();
        Self {
            id: id.unwrap_or_else(|_| UserId::new(values::Timestamp::from_millis(0))),
            email: "ada@example.com".to_owned(),
        }
    }
}

/// Who signed in, and the tokens that show it.
#[derive(Object)]
#[oai(rename_all = "camelCase", example)]
struct Tokens {
    /// Who signed in.
    user: User,
    /// For `Authorization: Bearer`, in all services.
    access_token: String,
    /// Always `Bearer`.
    token_type: String,
    /// For how many seconds the access token is good.
    expires_in: u64,
    /// For the next pair of tokens, once.
    refresh_token: String,
}

impl Example for Tokens {
    fn example() -> Self {
        Self {
            user: User::example(),
            access_token: "eyJ0eXAiOiJKV1QiLCJhbGciOiJFZERTQSIsImtpZCI6IuKApiJ9.e30.c2lnbmF0dXJl".to_owned(),
            token_type: "Bearer".to_owned(),
            expires_in: ACCESS_TOKEN_LIFETIME.as_secs(),
            refresh_token: "01936f5e-8c1b-7a51-8f0e-5f1d2c3b4a59.0.q8kzq0m1J9Y0b7n3c5v2x8z4l6k1j3h5g7f9d2s4a6Q"
                .to_owned(),
        }
    }
}

impl From<Grant> for Tokens {
    fn from(grant: Grant) -> Self {
        Self {
            user: User {
                id: grant.user_id,
                email: grant.email,
            },
            access_token: grant.access_token,
            token_type: "Bearer".to_owned(),
            expires_in: ACCESS_TOKEN_LIFETIME.as_secs(),
            refresh_token: grant.refresh_token.as_str().to_owned(),
        }
    }
}

/// The session has ended.
#[derive(Object)]
#[oai(rename_all = "camelCase", example)]
struct SignedOut {
    /// Which session that was.
    session_id: values::SessionId,
}

impl Example for SignedOut {
    fn example() -> Self {
        let id = "01936f5e-8c1b-7a51-8f0e-5f1d2c3b4a59".parse();
        Self {
            session_id: id.unwrap_or_else(|_| values::SessionId::new(values::Timestamp::from_millis(0))),
        }
    }
}

#[derive(ApiResponse)]
enum NewAccount {
    /// The account is there, and its owner signed in.
    #[oai(status = 201)]
    Created(Json<Tokens>),
}

#[derive(ApiResponse)]
enum PublishedKeys {
    /// The key that signs, and those that signed tokens which are still good.
    #[oai(status = 200)]
    Keys(Json<Jwks>, #[oai(header = "Cache-Control")] String),
}

statuses! {
    SignUpProblem {
        403 => "A browser sent this for another site's page.",
        409 => "`email-taken`: somebody has this email address already.",
        429 => "Too many sign up or sign in just now; Retry-After says when to try again.",
    }
}

statuses! {
    SignInProblem {
        401 => "The email address or the password is wrong.",
        403 => "A browser sent this for another site's page.",
        429 => "Too many failed attempts, or too many sign in just now; Retry-After says when to try again.",
    }
}

statuses! {
    RefreshProblem {
        401 => "The session is over, or the refresh token is none, or was used before: sign in again.",
        403 => "A browser sent this for another site's page.",
    }
}

statuses! {
    SignedInProblem {
        401 => "Not signed in, or not any more.",
    }
}

#[OpenApi(prefix_path = "/api/v1/auth", tag = "Tags::Auth")]
#[expect(clippy::unused_async, reason = "the macro wants it")]
impl Api {
    /// Make an account
    ///
    /// The answer signs its owner in. Sent again with the same `Idempotency-Key`, address and password it gets the same
    /// answer, byte for byte, for a day.
    #[oai(path = "/signup", method = "post", operation_id = "signUp")]
    async fn sign_up(
        &self,
        app: Data<&App>,
        _csrf: CsrfGuard,
        client: ClientAddress,
        /// Names this request: sent again with the same key, it is done once.
        #[oai(name = "Idempotency-Key")]
        key: Header<Option<Key>>,
        body: Body<Credentials>,
    ) -> Result<WithCookies<NewAccount>, SignUpProblem> {
        let command = new_account(body.0, key.0, client)?;
        let signed_up = sign_up(app.0, command).await;
        app.meters().signed_up(&signed_up);
        let grant = signed_up?;
        Ok(app
            .cookies()
            .of(&grant, NewAccount::Created(Json(grant.clone().into()))))
    }

    /// Sign in
    #[oai(path = "/signin", method = "post", operation_id = "signIn")]
    async fn sign_in(
        &self,
        app: Data<&App>,
        _csrf: CsrfGuard,
        client: ClientAddress,
        body: Body<Credentials>,
    ) -> Result<WithCookies<Json<Tokens>>, SignInProblem> {
        let Credentials { email, password } = body.0;
        let signed_in = sign_in(
            app.0,
            SignIn {
                email,
                password: Password::typed(password),
                from: client.0,
            },
        )
        .await;
        app.meters().signed_in(&signed_in);
        let grant = signed_in?;
        Ok(app.cookies().of(&grant, Json(grant.clone().into())))
    }

    /// Get new tokens
    ///
    /// The refresh token is taken from the body, else from the cookie. It is good once: the answer has the next one. If it
    /// comes a second time, somebody has a copy, and the session ends.
    #[oai(path = "/refresh", method = "post", operation_id = "refresh")]
    async fn refresh(
        &self,
        app: Data<&App>,
        _csrf: CsrfGuard,
        token: PresentedToken,
    ) -> Result<WithCookies<Json<Tokens>>, RefreshProblem> {
        let refreshed = refresh(app.0, &token.0).await;
        app.meters().refreshed(&refreshed);
        let grant = refreshed?;
        Ok(app.cookies().of(&grant, Json(grant.clone().into())))
    }

    /// Sign out
    ///
    /// Ends the session: its refresh token is worth nothing from now on, and the cookies are taken back. The access token
    /// that is out stays good in the other services until it expires, 15 minutes at most.
    #[oai(path = "/signout", method = "post", operation_id = "signOut")]
    async fn sign_out(&self, app: Data<&App>, who: SignedIn) -> Result<WithCookies<Json<SignedOut>>, SignedInProblem> {
        let now = app.clock().now();
        let ended = app
            .db()
            .write(move |tx| sign_out(tx, now, who.session_id))
            .await
            .map_err(|error: db::Error| error)?;
        if !ended {
            return Err(session_over().into());
        }
        Ok(app.cookies().cleared(Json(SignedOut {
            session_id: who.session_id,
        })))
    }

    /// Who is signed in
    #[oai(path = "/users/current", method = "get", operation_id = "currentUser")]
    async fn current_user(&self, app: Data<&App>, who: SignedIn) -> Result<Json<User>, SignedInProblem> {
        let now = app.clock().now();
        let account = app
            .db()
            .read(move |conn| current_user(conn, now, who))
            .await
            .map_err(|error: db::Error| error)?;
        let account = account.ok_or_else(session_over)?;
        Ok(Json(User {
            id: account.id,
            email: account.email,
        }))
    }

    /// The keys that access tokens are verified by
    #[oai(path = "/jwks.json", method = "get", operation_id = "jwks")]
    async fn jwks(&self, app: Data<&App>) -> PublishedKeys {
        PublishedKeys::Keys(Json(app.keys().jwks().clone()), "public, max-age=60".to_owned())
    }
}

/// Both fields are looked at, so that both are told.
fn new_account(body: Credentials, key: Option<Key>, client: ClientAddress) -> Result<SignUp, Problem> {
    let mut invalid = Invalid::new();
    let email = invalid.field("email", Email::parse(&body.email));
    let password = invalid.field("password", Password::parse(body.password));
    let command = email.zip(password).map(|(email, password)| SignUp {
        email,
        password,
        key,
        from: client.0,
    });
    invalid.finish(command)
}

fn session_over() -> Problem {
    Problem::unauthorized()
        .code("session-over")
        .detail("The session has ended: sign in again.")
}

impl From<NotVerified> for Problem {
    fn from(refused: NotVerified) -> Self {
        match refused {
            NotVerified::TooManyFailures(TooManyFailures(wait)) => {
                Self::too_many_requests("There were too many failed attempts to sign in.", wait)
                    .code("too-many-failures")
            }
            NotVerified::LineIsFull(_) => {
                Self::too_many_requests("Too many people sign up or sign in just now.", Duration::from_secs(10))
                    .code("busy")
            }
        }
    }
}

impl From<SignUpError> for Problem {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::EmailTaken => Self::conflict("email-taken", "This email address has an account already")
                .field("email", "has an account already: sign in, or use another"),
            SignUpError::KeyReused => idempotency::reused(),
            SignUpError::NotVerified(refused) => refused.into(),
            SignUpError::KeyGone(_) | SignUpError::Sign(_) => Self::internal(&error),
            SignUpError::Db(error) => error.into(),
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::WrongCredentials => Self::new(
                StatusCode::UNAUTHORIZED,
                "wrong-credentials",
                "The email address or the password is wrong",
            ),
            SignInError::NotVerified(refused) => refused.into(),
            SignInError::Sign(_) => Self::internal(&error),
            SignInError::Db(error) => error.into(),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Unknown => Self::unauthorized()
                .code("invalid-refresh-token")
                .detail("This is no refresh token: sign in again."),
            RefreshError::Refused(_) => session_over(),
            RefreshError::Sign(_) => Self::internal(&error),
            RefreshError::Db(error) => error.into(),
        }
    }
}
