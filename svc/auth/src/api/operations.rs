use chassis::ClientAddress;
use idempotency::IdempotencyKey;
use input::{Body, Header};
use poem::web::Data;
use poem_openapi::{ApiResponse, OpenApi, payload::Json};
use problem::problem_responses;
use token::{CsrfGuard, Jwks, SignedIn};

use super::{
    account_changes::MailRequestedView,
    app::App,
    client::Visitor,
    cookies::WithCookies,
    credentials::{ChallengeResponse, Credentials, NewAccount},
    problems::session_over,
    profile::{PreferredLanguage, ProfileChange},
    refresh_token::RefreshTokenParam,
    sign_out_tokens::SignOutTokens,
    views::{ChallengeView, SignedOutView, TokensView, UserView},
};
use crate::{
    domain::{CHALLENGE_LIFETIME, CONFIRMATION_LIFETIME, Password, Profile},
    use_cases::{
        AuthContext, ChangeProfile, NameChange, ProveSecondFactor, SignIn, SignInOutcome, SignUp, change_profile,
        current_user, prove_second_factor, refresh_session, request_sign_up, sign_in, sign_out, sign_up,
    },
};

/// The operations of the auth service.
#[derive(Debug)]
pub struct Api;

#[derive(poem_openapi::Tags)]
pub(super) enum Tags {
    /// Accounts and their sessions.
    Auth,
}

#[derive(ApiResponse)]
enum AccountCreated {
    /// The account was created, and the user is signed in.
    #[oai(status = 201)]
    Created(Json<TokensView>),
    /// The outcome is mailed to the address: the marketplace does not reveal whether it has an account. The user signs in after
    /// confirming the address.
    #[oai(status = 202)]
    Requested(Json<MailRequestedView>),
}

#[derive(ApiResponse)]
enum PublishedKeys {
    /// The key that signs, and the keys of tokens that are still valid.
    #[oai(status = 200)]
    Keys(Json<Jwks>, #[oai(header = "Cache-Control")] String),
}

#[derive(ApiResponse)]
enum SignedInResponse {
    /// The user is signed in.
    #[oai(status = 200)]
    SignedIn(Json<TokensView>),
    /// The password is right, and the account has a second factor: continue with the second step.
    #[oai(status = 202)]
    Challenged(Json<ChallengeView>),
}

problem_responses! {
    SecondStepProblem {
        401 => "`invalid-challenge`: the challenge was not issued or has expired, or the password was changed. `wrong-code`: the code is wrong, or was used before.",
        403 => "A browser sent this for another site's page.",
        429 => "Too many wrong codes; Retry-After states when to retry.",
    }
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

problem_responses! {
    ChangeProblem {
        401 => "Not signed in, or the session is over.",
        403 => "A browser sent this for another site's page.",
    }
}

#[OpenApi(prefix_path = "/api/v1/auth", tag = "Tags::Auth")]
#[expect(clippy::unused_async, reason = "the macro wants it")]
impl Api {
    /// Create an account
    ///
    /// A mail is sent to confirm the address. Depending on the marketplace's setting, either the user is signed in at once (201),
    /// and an address that has an account is refused (409); or every sign-up gets the same response (202), the outcome is
    /// mailed, and the user signs in after confirming the address.
    ///
    /// With 201, `delivery` chooses how the tokens reach the client. A repeated request with the same
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
        visitor: Visitor,
        preferred: PreferredLanguage,
        /// Identifies the request: a repeated request with the same key creates no second account.
        #[oai(name = "Idempotency-Key")]
        key: Header<Option<IdempotencyKey>>,
        body: Body<NewAccount>,
    ) -> Result<WithCookies<AccountCreated>, SignUpProblem> {
        let command = SignUp {
            email: body.0.email.0,
            password: body.0.password.0,
            profile: Profile {
                name: body.0.name.map(|name| name.0),
                language: body.0.language.map_or(preferred.0, |language| language.0),
            },
            idempotency_key: key.0,
            client: visitor.client,
            devices: visitor.devices,
            user_agent: visitor.user_agent,
        };
        if !app.context().reveals_addresses {
            let requested = request_sign_up(app.context(), command).await;
            app.counters().count_sign_up(&requested);
            requested?;
            return Ok(WithCookies::unchanged(AccountCreated::Requested(Json(
                MailRequestedView {
                    expires_in: CONFIRMATION_LIFETIME.as_secs(),
                },
            ))));
        }
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
    ///
    /// For an account with a second factor the response is a challenge (202), with which the second step signs in.
    #[oai(path = "/signin", method = "post", operation_id = "signIn")]
    async fn sign_in(
        &self,
        app: Data<&App>,
        _csrf: CsrfGuard,
        visitor: Visitor,
        body: Body<Credentials>,
    ) -> Result<WithCookies<SignedInResponse>, SignInProblem> {
        let Credentials {
            email,
            password,
            device_token,
            delivery,
        } = body.0;
        let command = SignIn {
            email,
            password: Password::from_typed(password),
            client: visitor.client,
            devices: device_token.map_or(visitor.devices, |token| token.0),
            user_agent: visitor.user_agent,
        };
        let signed_in = sign_in(app.context(), command).await;
        app.counters().count_sign_in(&signed_in);
        Ok(match signed_in? {
            SignInOutcome::SignedIn(tokens) => app
                .cookies()
                .deliver(&tokens, delivery.0, |tokens| SignedInResponse::SignedIn(Json(tokens))),
            SignInOutcome::Challenged(challenge) => {
                WithCookies::unchanged(SignedInResponse::Challenged(Json(ChallengeView {
                    challenge,
                    expires_in: CHALLENGE_LIFETIME.as_secs(),
                })))
            }
        })
    }

    /// Sign in: the second step
    ///
    /// For an account with a second factor: with the challenge of the first step, within five minutes, and a code of the
    /// authenticator or a recovery code. Each code can be used once. Ten wrong codes of an account within 15 minutes are allowed.
    #[oai(
        path = "/signin/second-factor",
        method = "post",
        operation_id = "signInWithSecondFactor"
    )]
    async fn sign_in_with_second_factor(
        &self,
        app: Data<&App>,
        _csrf: CsrfGuard,
        visitor: Visitor,
        body: Body<ChallengeResponse>,
    ) -> Result<WithCookies<Json<TokensView>>, SecondStepProblem> {
        let ChallengeResponse {
            challenge,
            code,
            device_token,
            delivery,
        } = body.0;
        let command = ProveSecondFactor {
            challenge: challenge.0,
            code: code.0,
            client: visitor.client,
            devices: device_token.map_or(visitor.devices, |token| token.0),
            user_agent: visitor.user_agent,
        };
        let signed_in = prove_second_factor(app.context(), command).await;
        app.counters().count_second_factor(&signed_in);
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
        Ok(Json((&account).into()))
    }

    /// Change the name and the language of the signed-in user
    ///
    /// A field that is left out stays. The name is printed on tickets that are issued from then on; mails are written in the
    /// language.
    #[oai(path = "/users/current", method = "patch", operation_id = "changeCurrentUser")]
    async fn change_current_user(
        &self,
        app: Data<&App>,
        signed_in: SignedIn,
        client: ClientAddress,
        body: Body<ProfileChange>,
    ) -> Result<Json<UserView>, ChangeProblem> {
        let AuthContext { db, clock, .. } = app.context();
        let now = clock.now();
        let change = ChangeProfile {
            name: match body.0.name.0 {
                None => NameChange::Keep,
                Some(name) => NameChange::Set(name.map(|name| name.0)),
            },
            language: body.0.language.map(|language| language.0),
        };
        let changed = db
            .write(move |tx| change_profile(tx, now, signed_in, change, client))
            .await;
        let account = changed.map_err(|error: db::Error| error)?.ok_or_else(session_over)?;
        Ok(Json((&account).into()))
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
