use db::Tx;
use events::AccountStatus;
use values::Timestamp;

use crate::{
    domain::Account,
    store::{self, WaitingFor},
};

/// Stores the newest state of an account. With a deleted account, the personal data in its mails is erased.
pub(crate) fn record_account(tx: &Tx, now: Timestamp, account: &events::Account) -> Result<(), db::Error> {
    let account = Account::from(account);
    let address = store::account(tx, account.id)?.and_then(|known| known.email);
    if !store::upsert_account(tx, &account)? {
        return Ok(());
    }
    if account.status == AccountStatus::Deleted {
        return store::erase_account_mails(tx, account.id, address.as_deref(), now);
    }
    store::queue_waiting_for(tx, WaitingFor::Account(account.id), now)
}
