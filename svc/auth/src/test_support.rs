//! The service without HTTP, for the tests of its use cases.

use std::net::{IpAddr, Ipv4Addr};

use chassis::{Context, Service};
use db::Db;
use sealing::EncryptionKeys;
use tempfile::TempDir;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::{Clock, Language, Timestamp};

use crate::{
    Auth,
    api::App,
    domain::{DeviceTokens, Email, Password, Profile, TokenPair},
    keys::LiveKeys,
    settings::Settings,
    use_cases::{AuthContext, SignUp, SignUpError, request_sign_up, sign_up},
};

pub(crate) struct TestService {
    pub(crate) context: AuthContext,
    pub(crate) clock: Clock,
    _folder: TempDir,
}

impl TestService {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
        let context = Context {
            db: Db::open(&folder.path().join("auth.db"), &Auth::SCHEMA).unwrap(),
            clock: clock.clone(),
            metrics: metrics::MetricsRegistry::new("auth"),
            token_issuer: token::DEFAULT_ISSUER.to_owned(),
            token_audience: token::DEFAULT_AUDIENCE.to_owned(),
            denied_tokens: token::DenyList::default(),
            refusals: audit::Refusals::default(),
            recovered: chassis::RecoveryStatus::default(),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let keys = LiveKeys::open(context.db.clone(), clock.clone(), test_encryption())
            .await
            .unwrap();
        Self {
            context: App::new(&context, keys, EncryptionKeys::new([8; 32]), &settings)
                .context()
                .clone(),
            clock,
            _folder: folder,
        }
    }

    pub(crate) async fn sign_up(&self, email: &str, password: &str) -> Result<TokenPair, SignUpError> {
        self.sign_up_with(email, password, None).await
    }

    pub(crate) async fn sign_up_with_key(
        &self,
        email: &str,
        password: &str,
        key: &str,
    ) -> Result<TokenPair, SignUpError> {
        self.sign_up_with(email, password, Some(key)).await
    }

    async fn sign_up_with(&self, email: &str, password: &str, key: Option<&str>) -> Result<TokenPair, SignUpError> {
        sign_up(&self.context, sign_up_command(email, password, key)).await
    }

    /// Requests an account without revealing whether the address has one.
    pub(crate) async fn request_sign_up(&self, email: &str, password: &str, key: Option<&str>) {
        let requested = request_sign_up(&self.context, sign_up_command(email, password, key));
        requested.await.unwrap();
    }

    /// How many passwords were hashed so far.
    pub(crate) fn hash_count(&self) -> u64 {
        self.context.passwords.hash_count()
    }
}

fn sign_up_command(email: &str, password: &str, key: Option<&str>) -> SignUp {
    SignUp {
        email: Email::parse(email).unwrap(),
        password: Password::parse(password.to_owned()).unwrap(),
        profile: Profile {
            name: None,
            language: Language::English,
        },
        idempotency_key: key.map(|key| key.parse().unwrap()),
        client: client_address(1),
        devices: DeviceTokens::default(),
        user_agent: None,
    }
}

/// The key that encrypts the keys.
pub(crate) fn test_encryption() -> EncryptionKeys {
    EncryptionKeys::new([9; 32])
}

/// A network address that ends with `last`.
pub(crate) fn client_address(last: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, last).into()
}
