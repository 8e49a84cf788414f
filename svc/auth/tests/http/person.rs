use auth::Auth;
use serde_json::{Value, json};
use testkit::{Client, Reply, RunningService};

pub(crate) const SIGN_UP: &str = "/api/v1/auth/signup";
pub(crate) const SIGN_IN: &str = "/api/v1/auth/signin";
pub(crate) const SIGN_OUT: &str = "/api/v1/auth/signout";
pub(crate) const REFRESH: &str = "/api/v1/auth/refresh";
pub(crate) const CURRENT: &str = "/api/v1/auth/users/current";
pub(crate) const JWKS: &str = "/api/v1/auth/jwks.json";

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// An address and a password.
pub(crate) fn credentials(email: &str, password: &str) -> Value {
    json!({"email": email, "password": password})
}

/// What somebody was given who signed in.
pub(crate) struct Given {
    pub(crate) user_id: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Given {
    pub(crate) fn of(reply: &Reply) -> Self {
        Self {
            user_id: reply.text_at("/user/id"),
            access: reply.text_at("/accessToken"),
            refresh: reply.text_at("/refreshToken"),
        }
    }
}

/// Somebody new.
pub(crate) async fn sign_up(auth: &RunningService, email: &str) -> Given {
    Given::of(
        &auth
            .client()
            .post(SIGN_UP, credentials(email, PASSWORD))
            .await
            .expect(201),
    )
}

pub(crate) async fn start(kit: &testkit::TestEnv) -> RunningService {
    kit.start::<Auth>(auth::Settings::default()).await
}

/// Exchanges a refresh token.
pub(crate) async fn refresh(client: &Client, token: &str) -> Reply {
    client.post(REFRESH, json!({"refreshToken": token})).await
}

/// Both cookies of an answer, by name: value and attributes.
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
