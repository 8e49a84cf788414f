use std::fmt::Write;

use chassis::{OperatorError, SecretArg};
use db::Db;
use values::{Clock, Timestamp};

use crate::{
    domain::{PUBLISHED_AFTER_RETIREMENT, StoredKey},
    keys::{EncryptionKeyError, encryption_keys},
    settings::EncryptionKeyFlag,
    store,
    use_cases::{RevokeKeysError, RotateKeysError, end_sessions, revoke_keys, rotate_keys},
};

/// The subcommands of this service.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Manage the keys that sign access tokens.
    Keys {
        /// The key that encrypts them, as the service has it.
        #[command(flatten)]
        encryption_key: Option<SecretArg<EncryptionKeyFlag>>,
        /// The operation.
        #[command(subcommand)]
        what: KeysCommand,
    },
}

/// The operations on the signing keys.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub enum KeysCommand {
    /// List the keys: id, creation time and status.
    List,
    /// Create a new key that signs from now on. Tokens of the previous key stay valid. A running service loads the key
    /// within seconds.
    Rotate,
    /// Delete all keys, create new ones, and end all sessions: if the keys may have leaked. All users have to sign in again.
    /// A running service loads the keys within seconds.
    Revoke {
        /// Revoke the keys although they cannot be decrypted, because their encryption key is lost. The new keys are
        /// encrypted with the key that is given, which the service needs from then on.
        #[arg(long)]
        lost_encryption_key: bool,
    },
}

pub(crate) async fn run(command: Command, db: Db, clock: Clock) -> Result<String, OperatorError> {
    let Command::Keys { encryption_key, what } = command;
    let now = clock.now();
    let given = encryption_key.as_deref().cloned();
    match what {
        KeysCommand::List => {
            let stored = db.read_internal(store::signing_keys).await?;
            let lines = stored.iter().fold(format!("{} keys", stored.len()), |mut lines, key| {
                let _ = write!(lines, "\n{}", describe(key, now));
                lines
            });
            Ok(lines)
        }
        KeysCommand::Rotate => {
            let encryption = encryption_keys(&db, given).await.map_err(OperatorError::new)?;
            let kid = db
                .write(move |tx| rotate_keys(tx, now, &encryption))
                .await
                .map_err(|error: RotateKeysError| OperatorError::new(error))?;
            Ok(format!(
                "{kid} signs from now on; the tokens of the key before it stay good"
            ))
        }
        KeysCommand::Revoke { lost_encryption_key } => {
            // The file beside the database has the lost key, or another one that the service does not use.
            let encryption = match given {
                None if lost_encryption_key => return Err(OperatorError::new(EncryptionKeyError::NotGiven)),
                given => encryption_keys(&db, given).await.map_err(OperatorError::new)?,
            };
            let kid = db
                .write(move |tx| revoke_keys(tx, now, &encryption, lost_encryption_key))
                .await
                .map_err(|error: RevokeKeysError| OperatorError::new(error))?;
            let ended = end_all_sessions(&db, now).await?;
            Ok(format!(
                "{kid} alone signs from now on, {ended} sessions are ended: all users have to sign in again"
            ))
        }
    }
}

/// In several transactions, so that a running service can write in between.
async fn end_all_sessions(db: &Db, now: Timestamp) -> Result<usize, db::Error> {
    let mut total = 0;
    loop {
        match db.write(move |tx| end_sessions(tx, now)).await? {
            0 => return Ok(total),
            ended => total += ended,
        }
    }
}

fn describe(key: &StoredKey, now: Timestamp) -> String {
    let status = match key.retired_at {
        None => "signs".to_owned(),
        Some(at) if key.is_published(now) => format!("verifies until {}", at + PUBLISHED_AFTER_RETIREMENT),
        Some(at) => format!("retired since {at}"),
    };
    format!("{} made {} {status}", key.kid, key.created_at)
}
