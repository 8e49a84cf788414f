use chassis::ClientAddress;
use idempotency::IdempotencyKey;
use input::{Body, Header};
use poem::web::Data;
use poem_openapi::{ApiResponse, OpenApi, payload::Json};
use problem::problem_responses;
use token::{CsrfGuard, Jwks, SignedIn};

use super::{
    app::App,
    cookies::WithCookies,
    credentials::{Credentials, NewAccount},
    devices::DeviceCookie,
    problems::session_over,
    refresh_token::RefreshTokenParam,
    sign_out_tokens::SignOutTokens,
    views::{SignedOutView, TokensView, UserView},
};
use crate::{
    domain::Password,
    use_cases::{AuthContext, SignIn, SignUp, current_user, refresh_session, sign_in, sign_out, sign_up},
};

/// The operations of the auth service.
#[derive(Debug)]
pub struct Api;

#[derive(poem_openapi::Tags)]
enum Tags {
    /// Accounts and their sessions.
    Auth,
}

#[derive(ApiResponse)]
enum AccountCreated {
    /// The account was created, and the user is signed in.
    #[oai(status = 201)]
    Created(Json<TokensView>),
}

#[derive(ApiResponse)]
enum PublishedKeys {
    /// The key that signs, and the keys of tokens that are still valid.
    #[oai(status = 200)]
    Keys(Json<Jwks>, #[oai(header = "Cache-Control")] String),
}

problem_responses! {
    SignUpProblem {
        403 => "A browser sent this for another site's page.",
        409 => "`email-taken`: the email address has an account already.",
        429 => "Too many sign-ups or failed attempts from the network, or too many requests at the moment; Retry-After states when to retry.",
    }
}

problem_responses! {
    SignInProblem {
        401 => "The email address or the password is wrong.",
        403 => "A browser sent this for another site's page.",
        429 => "Too many failed attempts, or too many requests at the moment; Retry-After states when to retry.",
    }
}

problem_responses! {
    RefreshProblem {
        401 => "The session is over, or the refresh token is invalid or was used before: sign in again.",
        403 => "A browser sent this for another site's page.",
    }
}

problem_responses! {
    SignOutProblem {
        401 => "There is neither a valid access token nor a refresh cookie, or the session is over.",
        403 => "A browser sent this for another site's page.",
    }
}

problem_responses! {
    SignedInProblem {
        401 => "Not signed in, or the session is over.",
    }
}

#[OpenApi(prefix_path = "/api/v1/auth", tag = "Tags::Auth")]
#[expect(clippy::unused_async, reason = "the macro wants it")]
impl Api {
    /// Create an account
    ///
    /// The user is signed in; `delivery` chooses how the tokens reach the client. A repeated request with the same
    /// `Idempotency-Key`, email address and password gets the same tokens for a day, byte for byte, whatever the limits are.
    ///
    /// Sign-ups are limited by network: 300 an hour unless configured otherwise, for an IPv4 address or an IPv6 network of 64
    /// bits; networks of 56 bits have 4 times that, those of 48 bits 16 times. One with an address that has an account counts
    /// as a failed attempt to sign in, too.
    #[oai(path = "/signup", method = "post", operation_id = "signUp")]
    async fn sign_up(
        &self,
        app: Data<&App>,
        _csrf: CsrfGuard,
        client: ClientAddress,
        devices: DeviceCookie,
        /// Identifies the request: a repeated request with the same key creates no second account.
        #[oai(name = "Idempotency-Key")]
        key: Header<Option<IdempotencyKey>>,
        body: Body<NewAccount>,
    ) -> Result<WithCookies<AccountCreated>, SignUpProblem> {
        let command = SignUp {
            email: body.0.email.0,
            password: body.0.password.0,
            idempotency_key: key.0,
            client: client.0,
            devices: devices.0,
        };
        let signed_up = sign_up(app.context(), command).await;
        app.counters().count_sign_up(&signed_up);
        Ok(app.cookies().deliver(&signed_up?, body.0.delivery.0, |tokens| {
            AccountCreated::Created(Json(tokens))
        }))
    }

    /// Sign in
    ///
    /// `delivery` chooses how the tokens reach the client: in the body, or as cookies that scripts cannot read.
    ///
    /// Failed attempts are limited, within 15 minutes: 10 for an account from one network, 100 from a network in all, with
    /// larger allowances for IPv6 networks of 56 and 48 bits. After 50 failures from all networks an account is slowed down
    /// to an attempt in 10 seconds. A device that has signed in before is limited by its own failures alone: a browser sends
    /// the cookie that it got, a program the `deviceToken`.
    #[oai(path = "/signin", method = "post", operation_id = "signIn")]
    async fn sign_in(
        &self,
        app: Data<&App>,
        _csrf: CsrfGuard,
        client: ClientAddress,
        devices: DeviceCookie,
        body: Body<Credentials>,
    ) -> Result<WithCookies<Json<TokensView>>, SignInProblem> {
        let Credentials {
            email,
            password,
            device_token,
            delivery,
        } = body.0;
        let command = SignIn {
            email,
            password: Password::from_typed(password),
            client: client.0,
            devices: device_token.map_or(devices.0, |token| token.0),
        };
        let signed_in = sign_in(app.context(), command).await;
        app.counters().count_sign_in(&signed_in);
        Ok(app.cookies().deliver(&signed_in?, delivery.0, Json))
    }

    /// Get new tokens
    ///
    /// The refresh token is read from the body, else from the cookie. The next one is delivered in the same way, or as
    /// `delivery` in the body chooses. What came as a cookie never leaves in a body. For 30 seconds a repeated request gets
    /// the same refresh token: two tabs may send it at once, and a response may be lost. A later use of an earlier token ends
    /// the session, because it may have been stolen. A session is over after 30 days without a refresh, and after 90 days.
    #[oai(path = "/refresh", method = "post", operation_id = "refresh")]
    async fn refresh(
        &self,
        app: Data<&App>,
        _csrf: CsrfGuard,
        client: ClientAddress,
        token: RefreshTokenParam,
    ) -> Result<WithCookies<Json<TokensView>>, RefreshProblem> {
        let refreshed = refresh_session(app.context(), &token.token, client.0).await;
        app.counters().count_refresh(&refreshed);
        Ok(app.cookies().deliver(&refreshed?, token.delivery, Json))
    }

    /// Sign out
    ///
    /// Ends the session of the access token or of the refresh cookie: one of them is enough, so a page can sign out after its
    /// access token has expired. The refresh token becomes invalid, and the cookies are cleared. Within two seconds every
    /// service refuses the access tokens of the session; while the broker is down, they stay valid in the other services
    /// until they expire, 15 minutes at most.
    #[oai(path = "/signout", method = "post", operation_id = "signOut")]
    async fn sign_out(
        &self,
        app: Data<&App>,
        tokens: SignOutTokens,
    ) -> Result<WithCookies<Json<SignedOutView>>, SignOutProblem> {
        let session_id = sign_out(app.context(), tokens.0).await?;
        Ok(app.cookies().clear(Json(SignedOutView { session_id })))
    }

    /// Get the signed-in user
    #[oai(path = "/users/current", method = "get", operation_id = "currentUser")]
    async fn current_user(&self, app: Data<&App>, signed_in: SignedIn) -> Result<Json<UserView>, SignedInProblem> {
        let AuthContext { db, clock, .. } = app.context();
        let now = clock.now();
        let account = db
            .read(move |conn| current_user(conn, now, signed_in))
            .await
            .map_err(|error: db::Error| error)?;
        let account = account.ok_or_else(session_over)?;
        Ok(Json(account.into()))
    }

    /// Get the keys that verify access tokens
    #[oai(path = "/jwks.json", method = "get", operation_id = "jwks")]
    async fn jwks(&self, app: Data<&App>) -> PublishedKeys {
        PublishedKeys::Keys(
            Json(app.context().keys().jwks().clone()),
            "public, max-age=60".to_owned(),
        )
    }
}
