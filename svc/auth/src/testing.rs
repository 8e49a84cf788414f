//! The service without HTTP, for the tests of its use cases.

use std::net::{IpAddr, Ipv4Addr};

use chassis::{Context, Service};
use db::Db;
use tempfile::TempDir;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::{Clock, Timestamp};

use crate::{
    Auth,
    app::App,
    email::Email,
    grant::Grant,
    keys::LiveKeys,
    password::Password,
    settings::Settings,
    sign_up::{SignUp, SignUpError, sign_up},
};

pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    _folder: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
        let context = Context {
            db: Db::open(&folder.path().join("auth.db"), &Auth::SCHEMA).unwrap(),
            clock: clock.clone(),
            metrics: metrics::MetricsRegistry::new("auth"),
            token_issuer: token::DEFAULT_ISSUER.to_owned(),
            token_audience: token::DEFAULT_AUDIENCE.to_owned(),
            recovered: chassis::RecoveryStatus::default(),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let keys = LiveKeys::open(context.db.clone(), clock.clone()).await.unwrap();
        let settings = Settings::default();
        Self {
            app: App::new(&context, keys, settings.clone()),
            clock,
            settings,
            _folder: folder,
        }
    }

    pub(crate) async fn sign_up(&self, email: &str, password: &str) -> Result<Grant, SignUpError> {
        self.enter(email, password, None).await
    }

    pub(crate) async fn sign_up_with_key(&self, email: &str, password: &str, key: &str) -> Result<Grant, SignUpError> {
        self.enter(email, password, Some(key)).await
    }

    async fn enter(&self, email: &str, password: &str, key: Option<&str>) -> Result<Grant, SignUpError> {
        let command = SignUp {
            email: Email::parse(email).unwrap(),
            password: Password::parse(password.to_owned()).unwrap(),
            key: key.map(|key| key.parse().unwrap()),
            from: from(1),
        };
        sign_up(&self.app, command).await
    }
}

/// A network address that differs by its last number.
pub(crate) fn from(last: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, last).into()
}
