//! The people of a drill. Their passwords follow from a seed in a file beside the record that only its owner may read.

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
    Trouble,
    http::{Ask, Door, Reply},
    op::Op,
};

/// What all passwords and addresses of a crew follow from.
#[derive(Clone, Debug)]
pub(crate) struct Seed(String);

impl Seed {
    /// The given one, or that of the file beside the record, which is drawn where it is missing.
    pub(crate) fn of(record: &Path, given: Option<&str>) -> Result<Self, Trouble> {
        if let Some(given) = given {
            return Ok(Self(given.to_owned()));
        }
        let path = beside(record);
        let trouble = |error| Trouble::file(&path, &error);
        match OpenOptions::new().read(true).open(&path) {
            Ok(mut file) => {
                let mut text = String::new();
                file.read_to_string(&mut text).map_err(trouble)?;
                Ok(Self(text.trim().to_owned()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let drawn = format!("{:016x}{:016x}", random()?, random()?);
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
                let mut file = file.map_err(trouble)?;
                writeln!(file, "{drawn}").map_err(trouble)?;
                Ok(Self(drawn))
            }
            Err(error) => Err(trouble(error)),
        }
    }

    /// The part of it that everybody may see: crews differ by it.
    fn tag(&self) -> String {
        let hash = self.0.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("{:08x}", hash >> 32)
    }

    fn email(&self, who: &str) -> String {
        format!("{who}.{}@drill.example.com", self.tag())
    }

    fn password(&self, who: &str) -> String {
        format!("{who} says {}", self.0)
    }
}

fn beside(record: &Path) -> PathBuf {
    let mut name = record.as_os_str().to_owned();
    name.push(".seed");
    name.into()
}

/// Eight bytes that nobody can guess.
pub(crate) fn random() -> Result<u64, Trouble> {
    getrandom::u64().map_err(Trouble::new)
}

/// What somebody is let in with.
#[derive(Clone, Debug)]
struct Session {
    access: String,
    refresh: String,
}

/// Somebody with an account.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) who: String,
    email: String,
    password: String,
    user: Mutex<Option<String>>,
    session: Mutex<Option<Session>>,
    /// A refresh token is good once: two at a time would end the session.
    pub(crate) renewing: tokio::sync::Mutex<()>,
    /// Orders that are to be paid or cancelled.
    pub(crate) open: Mutex<Vec<String>>,
    /// The newest orders and payments, to look at.
    pub(crate) orders: Mutex<Vec<String>>,
    pub(crate) payments: Mutex<Vec<String>>,
}

impl Person {
    pub(crate) fn new(who: &str, seed: &Seed) -> Self {
        Self {
            who: who.to_owned(),
            email: seed.email(who),
            password: seed.password(who),
            user: Mutex::default(),
            session: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
            open: Mutex::default(),
            orders: Mutex::default(),
            payments: Mutex::default(),
        }
    }

    /// Asks, signed in as they are.
    pub(crate) async fn ask(&self, door: &Door, ask: Ask) -> Reply {
        let token = locked(&self.session).as_ref().map(|session| session.access.clone());
        let user = locked(&self.user).clone();
        door.ask(ask, &self.who, user, token.as_deref()).await
    }

    pub(crate) async fn sign_up(&self, door: &Door, key: String) -> Reply {
        let mut ask = self.credentials(Op::SignUp, "/api/v1/auth/signup");
        ask.key = Some(key);
        self.let_in(door.ask(ask, &self.who, None, None).await, 201)
    }

    pub(crate) async fn sign_in(&self, door: &Door) -> Reply {
        let ask = self.credentials(Op::SignIn, "/api/v1/auth/signin");
        self.let_in(door.ask(ask, &self.who, None, None).await, 200)
    }

    /// Goes on with the session; nothing if there is none.
    pub(crate) async fn refresh(&self, door: &Door) -> Option<Reply> {
        let token = locked(&self.session).as_ref()?.refresh.clone();
        let mut ask = Ask::new(Op::Refresh, Method::POST, "/api/v1/auth/refresh", json!({}));
        ask.body = Some(json!({"refreshToken": token}));
        let user = locked(&self.user).clone();
        Some(self.let_in(door.ask(ask, &self.who, user, None).await, 200))
    }

    fn credentials(&self, op: Op, path: &str) -> Ask {
        let mut ask = Ask::new(op, Method::POST, path, json!({"email": self.email}));
        ask.body = Some(json!({"email": self.email, "password": self.password}));
        ask
    }

    fn let_in(&self, reply: Reply, status: u16) -> Reply {
        if reply.is(status) {
            *locked(&self.user) = Some(reply.text("/user/id"));
            *locked(&self.session) = Some(Session {
                access: reply.text("/accessToken"),
                refresh: reply.text("/refreshToken"),
            });
        }
        reply
    }
}

/// What is behind a lock, also if somebody panicked with it.
pub(crate) fn locked<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
