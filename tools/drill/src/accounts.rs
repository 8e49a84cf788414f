//! Accounts of buyers and sellers. Their passwords are derived from a seed, in a file next to the record that only its
//! owner can read.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use reqwest::Method;
use serde_json::json;

use crate::{
    DrillError,
    client::{ApiRequest, HttpClient, Reply},
    operation::Operation,
};

/// The seed of all passwords and email addresses of a load.
#[derive(Clone, Debug)]
pub(crate) struct AccountSeed(String);

impl AccountSeed {
    /// Returns the given seed, or that of the file next to the record, which is created if it is missing.
    pub(crate) fn load(record: &Path, given: Option<&str>) -> Result<Self, DrillError> {
        if let Some(given) = given {
            return Ok(Self(given.to_owned()));
        }
        let path = seed_path(record);
        let failed = |error| DrillError::file(&path, &error);
        match OpenOptions::new().read(true).open(&path) {
            Ok(mut file) => {
                let mut text = String::new();
                file.read_to_string(&mut text).map_err(failed)?;
                Ok(Self(text.trim().to_owned()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let seed = format!("{:016x}{:016x}", random_u64()?, random_u64()?);
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
                let mut file = file.map_err(failed)?;
                writeln!(file, "{seed}").map_err(failed)?;
                Ok(Self(seed))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Returns a public hash of the seed, by which the addresses of loads differ.
    fn tag(&self) -> String {
        let hash = self.0.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("{:08x}", hash >> 32)
    }

    fn email(&self, name: &str) -> String {
        format!("{name}.{}@drill.example.com", self.tag())
    }

    fn password(&self, name: &str) -> String {
        format!("{name} says {}", self.0)
    }
}

fn seed_path(record: &Path) -> PathBuf {
    let mut name = record.as_os_str().to_owned();
    name.push(".seed");
    name.into()
}

/// Returns eight unpredictable bytes.
pub(crate) fn random_u64() -> Result<u64, DrillError> {
    getrandom::u64().map_err(DrillError::new)
}

/// The tokens of a session.
#[derive(Clone, Debug)]
struct Session {
    access: String,
    refresh: String,
}

/// A buyer or a seller.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) name: String,
    email: String,
    password: String,
    user_id: Mutex<Option<String>>,
    session: Mutex<Option<Session>>,
    /// Serialises refreshes: a refresh token is valid once, and its reuse ends the session.
    pub(crate) refresh_lock: tokio::sync::Mutex<()>,
    /// Orders to pay or cancel.
    pub(crate) open_orders: Mutex<Vec<String>>,
    /// The newest orders and payments, to get.
    pub(crate) orders: Mutex<Vec<String>>,
    pub(crate) payments: Mutex<Vec<String>>,
    /// The newest orders that were paid, whose tickets are used.
    pub(crate) paid_orders: Mutex<Vec<String>>,
}

impl Account {
    pub(crate) fn new(name: &str, seed: &AccountSeed) -> Self {
        Self {
            name: name.to_owned(),
            email: seed.email(name),
            password: seed.password(name),
            user_id: Mutex::default(),
            session: Mutex::default(),
            refresh_lock: tokio::sync::Mutex::default(),
            open_orders: Mutex::default(),
            orders: Mutex::default(),
            payments: Mutex::default(),
            paid_orders: Mutex::default(),
        }
    }

    /// Sends a request with the access token of the session.
    pub(crate) async fn send(&self, client: &HttpClient, request: ApiRequest) -> Reply {
        let token = lock(&self.session).as_ref().map(|session| session.access.clone());
        let user = lock(&self.user_id).clone();
        client.send(request, &self.name, user, token.as_deref()).await
    }

    pub(crate) async fn sign_up(&self, client: &HttpClient, key: String) -> Reply {
        let mut request = self.credentials(Operation::SignUp, "/api/v1/auth/signup");
        request.key = Some(key);
        self.start_session(client.send(request, &self.name, None, None).await, 201)
    }

    pub(crate) async fn sign_in(&self, client: &HttpClient) -> Reply {
        let request = self.credentials(Operation::SignIn, "/api/v1/auth/signin");
        self.start_session(client.send(request, &self.name, None, None).await, 200)
    }

    /// Refreshes the session; `None` if there is none.
    pub(crate) async fn refresh(&self, client: &HttpClient) -> Option<Reply> {
        let token = lock(&self.session).as_ref()?.refresh.clone();
        let mut request = ApiRequest::new(Operation::Refresh, Method::POST, "/api/v1/auth/refresh", json!({}));
        request.body = Some(json!({"refreshToken": token}));
        let user = lock(&self.user_id).clone();
        Some(self.start_session(client.send(request, &self.name, user, None).await, 200))
    }

    fn credentials(&self, operation: Operation, path: &str) -> ApiRequest {
        let mut request = ApiRequest::new(operation, Method::POST, path, json!({"email": self.email}));
        request.body = Some(json!({"email": self.email, "password": self.password}));
        request
    }

    fn start_session(&self, reply: Reply, status: u16) -> Reply {
        if reply.is(status) {
            *lock(&self.user_id) = Some(reply.text("/user/id"));
            *lock(&self.session) = Some(Session {
                access: reply.text("/accessToken"),
                refresh: reply.text("/refreshToken"),
            });
        }
        reply
    }
}

/// Locks a mutex, even if it is poisoned.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
