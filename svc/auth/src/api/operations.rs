use idempotency::IdempotencyKey;
use poem::web::Data;
use poem_openapi::{ApiResponse, OpenApi, param::Header, payload::Json};
use problem::{Body, FieldErrors, Problem, problem_responses};
use token::{CsrfGuard, Jwks, SignedIn};

use super::{
    app::App,
    client_address::ClientAddress,
    cookies::WithCookies,
    problems::session_over,
    refresh_token::RefreshTokenParam,
    views::{Credentials, SignedOutView, TokensView, UserView},
};
use crate::{
    domain::{Email, Password},
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
enum NewAccount {
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
        429 => "Too many requests at the moment; Retry-After states when to retry.",
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
    SignedInProblem {
        401 => "Not signed in, or the session is over.",
    }
}

#[OpenApi(prefix_path = "/api/v1/auth", tag = "Tags::Auth")]
#[expect(clippy::unused_async, reason = "the macro wants it")]
impl Api {
    /// Create an account
    ///
    /// The response contains the tokens of the first session. A repeated request with the same `Idempotency-Key`, email
    /// address and password gets the same response, byte for byte, for a day.
    #[oai(path = "/signup", method = "post", operation_id = "signUp")]
    async fn sign_up(
        &self,
        app: Data<&App>,
        _csrf: CsrfGuard,
        client: ClientAddress,
        /// Identifies the request: a repeated request with the same key creates no second account.
        #[oai(name = "Idempotency-Key")]
        key: Header<Option<IdempotencyKey>>,
        body: Body<Credentials>,
    ) -> Result<WithCookies<NewAccount>, SignUpProblem> {
        let command = new_account(body.0, key.0, client)?;
        let signed_up = sign_up(app.context(), command).await;
        app.counters().count_sign_up(&signed_up);
        let tokens = signed_up?;
        let response = NewAccount::Created(Json(tokens.clone().into()));
        Ok(app.cookies().set(&tokens, response))
    }

    /// Sign in
    #[oai(path = "/signin", method = "post", operation_id = "signIn")]
    async fn sign_in(
        &self,
        app: Data<&App>,
        _csrf: CsrfGuard,
        client: ClientAddress,
        body: Body<Credentials>,
    ) -> Result<WithCookies<Json<TokensView>>, SignInProblem> {
        let Credentials { email, password } = body.0;
        let command = SignIn {
            email,
            password: Password::from_typed(password),
            client: client.0,
        };
        let signed_in = sign_in(app.context(), command).await;
        app.counters().count_sign_in(&signed_in);
        let tokens = signed_in?;
        Ok(app.cookies().set(&tokens, Json(tokens.clone().into())))
    }

    /// Get new tokens
    ///
    /// The refresh token is read from the body, else from the cookie. It can be used once; the response contains the next
    /// one. A second use ends the session, because the token may have been stolen.
    #[oai(path = "/refresh", method = "post", operation_id = "refresh")]
    async fn refresh(
        &self,
        app: Data<&App>,
        _csrf: CsrfGuard,
        token: RefreshTokenParam,
    ) -> Result<WithCookies<Json<TokensView>>, RefreshProblem> {
        let refreshed = refresh_session(app.context(), &token.0).await;
        app.counters().count_refresh(&refreshed);
        let tokens = refreshed?;
        Ok(app.cookies().set(&tokens, Json(tokens.clone().into())))
    }

    /// Sign out
    ///
    /// Ends the session: its refresh token becomes invalid, and the cookies are cleared. The access token stays valid in the
    /// other services until it expires, 15 minutes at most.
    #[oai(path = "/signout", method = "post", operation_id = "signOut")]
    async fn sign_out(
        &self,
        app: Data<&App>,
        signed_in: SignedIn,
    ) -> Result<WithCookies<Json<SignedOutView>>, SignedInProblem> {
        let AuthContext { db, clock, .. } = app.context();
        let now = clock.now();
        let ended = db
            .write(move |tx| sign_out(tx, now, signed_in.session_id))
            .await
            .map_err(|error: db::Error| error)?;
        if !ended {
            return Err(session_over().into());
        }
        Ok(app.cookies().clear(Json(SignedOutView {
            session_id: signed_in.session_id,
        })))
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

/// Checks both fields, so that the response names all invalid ones.
fn new_account(body: Credentials, key: Option<IdempotencyKey>, client: ClientAddress) -> Result<SignUp, Problem> {
    let mut invalid = FieldErrors::new();
    let email = invalid.check("email", Email::parse(&body.email));
    let password = invalid.check("password", Password::parse(body.password));
    let command = email.zip(password).map(|(email, password)| SignUp {
        email,
        password,
        idempotency_key: key,
        client: client.0,
    });
    invalid.into_result(command)
}
