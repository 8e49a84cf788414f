use std::net::SocketAddr;

use auth::{Auth, Settings};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chassis::SecretArg;
use events::{AccountMail, AccountMailKind, Event};
use sealing::EncryptionKeys;
use serde_json::{Value, json};
use testkit::{Client, Reply, RunningService, TestEnv};
use values::{Clock, Timestamp};

pub(crate) const SIGN_UP: &str = "/api/v1/auth/signup";
pub(crate) const SIGN_IN: &str = "/api/v1/auth/signin";
pub(crate) const SIGN_OUT: &str = "/api/v1/auth/signout";
pub(crate) const REFRESH: &str = "/api/v1/auth/refresh";
pub(crate) const CURRENT_USER: &str = "/api/v1/auth/users/current";
pub(crate) const JWKS: &str = "/api/v1/auth/jwks.json";

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// The key that auth and notification share.
const MAIL_KEY: [u8; 32] = [0x4d; 32];

/// A running auth service.
pub(crate) struct TestApp {
    pub(crate) env: TestEnv,
    service: RunningService,
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::start(TestEnv::new().await, Settings::default()).await
    }

    /// A sign-up does not reveal whether the address has an account.
    pub(crate) async fn concealing_addresses() -> Self {
        let env = TestEnv::new().await;
        let service = env.start::<Auth>(with_mail_key(Settings::default())).await;
        Self { env, service }
    }

    pub(crate) async fn with_settings(settings: Settings) -> Self {
        Self::start(TestEnv::new().await, settings).await
    }

    /// Trusts the `X-Forwarded-For` of this machine.
    pub(crate) async fn behind_a_proxy(settings: Settings) -> Self {
        let mut env = TestEnv::new().await;
        env.trusted_proxies = "127.0.0.0/8".parse().unwrap();
        Self::start(env, settings).await
    }

    /// With a clock that only the test advances.
    pub(crate) async fn with_manual_clock() -> Self {
        let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
        Self::start(TestEnv::with_clock(clock).await, Settings::default()).await
    }

    /// A new user is signed in at once.
    async fn start(env: TestEnv, settings: Settings) -> Self {
        let settings = Settings {
            sign_up_reveals_addresses: true,
            ..with_mail_key(settings)
        };
        let service = env.start::<Auth>(settings).await;
        Self { env, service }
    }

    /// Stops the service. The database stays.
    pub(crate) async fn stop(self) -> TestEnv {
        self.service.stop().await;
        self.env
    }

    /// Starts the service again on the database of a stopped one.
    pub(crate) async fn restart(env: TestEnv) -> Self {
        Self::start(env, Settings::default()).await
    }

    pub(crate) fn client(&self) -> Client {
        self.service.client()
    }

    /// Returns the address of the service, for raw connections.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.service.address()
    }

    /// Returns the value of a metric; `series` is its name with its labels.
    pub(crate) async fn metric(&self, series: &str) -> u64 {
        let text = self.client().get("/metrics").await.expect(200).text;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
        value.unwrap_or_else(|| panic!("no metric {series}: {text}"))
    }

    /// Waits for a mail of a kind to an address. The number of earlier ones is `after`.
    pub(crate) async fn mail(&self, address: &str, kind: AccountMailKind, after: usize) -> AccountMail {
        let find = || {
            let events = self.env.published_events();
            let mails = events.iter().filter_map(Event::as_account_mail);
            let mut found = mails.filter(|mail| mail.address == address && mail.kind == kind);
            found.nth(after).cloned()
        };
        testkit::eventually(&format!("{kind} to {address}"), || std::future::ready(find())).await
    }

    /// Waits for the first mail of a kind to an address, and returns the token of its link.
    pub(crate) async fn token(&self, address: &str, kind: AccountMailKind) -> String {
        token_of(&self.mail(address, kind, 0).await)
    }

    /// How many mails to an address were requested.
    pub(crate) fn mail_count(&self, address: &str) -> usize {
        let events = self.env.published_events();
        let mails = events.iter().filter_map(Event::as_account_mail);
        mails.filter(|mail| mail.address == address).count()
    }

    /// Creates an account.
    pub(crate) async fn sign_up(&self, email: &str) -> Session {
        let reply = self.client().post(SIGN_UP, credentials(email, PASSWORD)).await;
        Session::from_reply(&reply.expect(201))
    }

    /// Requests to sign in.
    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Reply {
        self.client().post(SIGN_IN, credentials(email, password)).await
    }

    /// Requests to exchange a refresh token.
    pub(crate) async fn refresh(&self, token: &str) -> Reply {
        self.client().post(REFRESH, json!({"refreshToken": token})).await
    }

    /// Requests the user of an access token.
    pub(crate) async fn current_user(&self, access_token: &str) -> Reply {
        self.client().bearer(access_token).get(CURRENT_USER).await
    }

    /// How many keys are published.
    pub(crate) async fn published_keys(&self) -> usize {
        let jwks = self.client().get(JWKS).await.json();
        jwks["keys"].as_array().unwrap().len()
    }
}

/// Returns the token in the link of a mail, as the notification service opens it.
pub(crate) fn token_of(mail: &AccountMail) -> String {
    let sealed = BASE64_URL_SAFE_NO_PAD
        .decode(mail.sealed_token.as_ref().unwrap())
        .unwrap();
    let purpose = format!("account mail {}", mail.id);
    let token = EncryptionKeys::new(MAIL_KEY).open(purpose.as_bytes(), &sealed).unwrap();
    String::from_utf8(token.to_vec()).unwrap()
}

fn with_mail_key(settings: Settings) -> Settings {
    Settings {
        mail_key: Some(SecretArg::new(EncryptionKeys::new(MAIL_KEY))),
        ..settings
    }
}

pub(crate) fn credentials(email: &str, password: &str) -> Value {
    json!({"email": email, "password": password})
}

/// The user and the tokens of a response.
pub(crate) struct Session {
    pub(crate) user_id: String,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
}

impl Session {
    pub(crate) fn from_reply(reply: &Reply) -> Self {
        Self {
            user_id: reply.text_at("/user/id"),
            access_token: reply.text_at("/accessToken"),
            refresh_token: reply.text_at("/refreshToken"),
        }
    }
}

/// Returns the value and the attributes of a cookie that a response sets.
pub(crate) fn cookie(reply: &Reply, name: &str) -> (String, String) {
    let mut lines = reply
        .headers
        .get_all("set-cookie")
        .into_iter()
        .map(|line| line.to_str().unwrap());
    let start = format!("{name}=");
    let line = lines
        .find_map(|line| line.strip_prefix(&start))
        .unwrap_or_else(|| panic!("no cookie {name}"));
    let (value, attributes) = line.split_once("; ").unwrap();
    (value.to_owned(), attributes.to_owned())
}
