use crate::operator;

/// The result of what was done.
pub const OK: &str = "ok";

/// What happened.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Entry {
    /// The action, such as `sign-in`.
    pub action: &'static str,
    /// Who: a user, an [`operator`], or a service; `None` if it is not known.
    pub actor: Option<String>,
    /// Whose, or which: a user, a session, a key.
    pub subject: Option<String>,
    /// From where: an IPv4 address, or an IPv6 network of 64 bits.
    pub network: Option<String>,
    /// `ok`, or why not.
    pub result: &'static str,
}

/// Who does something, and from where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Author {
    /// A user, an [`operator`], or `service:` and its name.
    pub actor: String,
    /// An IPv4 address, or an IPv6 network of 64 bits; operators and services have none.
    pub network: Option<String>,
}

impl Author {
    /// Returns the operator who runs this process.
    pub fn operator() -> Self {
        Self {
            actor: operator(),
            network: None,
        }
    }

    /// Returns the author of what a service does by itself.
    pub fn service(name: &str) -> Self {
        Self {
            actor: format!("service:{name}"),
            network: None,
        }
    }

    /// Returns the entry of what the author has done to `subject`.
    pub fn did(&self, action: &'static str, subject: &(impl ToString + ?Sized)) -> Entry {
        Entry {
            action,
            actor: Some(self.actor.clone()),
            subject: Some(subject.to_string()),
            network: self.network.clone(),
            result: OK,
        }
    }
}
