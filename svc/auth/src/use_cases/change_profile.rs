use chassis::ClientAddress;
use db::Tx;
use token::SignedIn;
use values::{Language, Timestamp};

use super::{audit_entries::account_changed, current_user::current_user};
use crate::{
    domain::{Account, Name, Profile},
    events::publish_account,
    store,
};

/// A change of the name.
#[derive(Clone, Debug)]
pub(crate) enum NameChange {
    /// The name stays.
    Keep,
    /// The user has this name from now on, or none.
    Set(Option<Name>),
}

/// A change of what a user states about the account. What is absent stays.
#[derive(Clone, Debug)]
pub(crate) struct ChangeProfile {
    pub(crate) name: NameChange,
    pub(crate) language: Option<Language>,
}

/// Changes the name and the language of the signed-in user, and publishes the account. Returns `None` if the session has
/// ended since the access token was issued.
pub(crate) fn change_profile(
    tx: &Tx,
    now: Timestamp,
    signed_in: SignedIn,
    change: ChangeProfile,
    client: ClientAddress,
) -> Result<Option<Account>, db::Error> {
    let Some(mut account) = current_user(tx, now, signed_in)? else {
        return Ok(None);
    };
    let profile = Profile {
        name: match change.name {
            NameChange::Keep => account.state().name.clone(),
            NameChange::Set(name) => name,
        },
        language: change.language.unwrap_or(account.state().language),
    };
    if account.change_profile(profile, now) {
        store::update_profile(tx, &account)?;
        publish_account(tx, now, &account)?;
        audit::append_limited(tx, now, &account_changed("profile-change", account.id(), client.0))?;
    }
    Ok(Some(account))
}
