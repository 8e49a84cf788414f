use std::fmt::Write;

use chassis::OperatorError;
use db::Db;
use values::{Clock, Timestamp};

use crate::{
    keys::{self, NoKeys, StoredKey},
    store,
};

/// The subcommands of this service.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Look after the keys that sign access tokens.
    Keys {
        /// What to do with them.
        #[command(subcommand)]
        what: KeysCommand,
    },
}

/// What can be done with the signing keys.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub enum KeysCommand {
    /// One line for each key: its name, since when it is there, and what it does.
    List,
    /// Make a new key that signs from now on. The tokens of the one before stay good; a running service notices within
    /// seconds.
    Rotate,
    /// Forget all keys at once, make new ones, and end all sessions: for when somebody else may have them. Everybody signs
    /// in anew; a running service notices within seconds.
    Revoke,
}

pub(crate) async fn run(command: Command, db: Db, clock: Clock) -> Result<String, OperatorError> {
    let now = clock.now();
    match command {
        Command::Keys {
            what: KeysCommand::List,
        } => {
            let stored = db.read(store::signing_keys).await?;
            let lines = stored.iter().fold(format!("{} keys", stored.len()), |mut lines, key| {
                let _ = write!(lines, "\n{}", line(key, now));
                lines
            });
            Ok(lines)
        }
        Command::Keys {
            what: KeysCommand::Rotate,
        } => {
            let kid = db
                .write(move |tx| keys::rotate(tx, now))
                .await
                .map_err(|error: NoKeys| OperatorError::new(error))?;
            Ok(format!(
                "{kid} signs from now on; the tokens of the key before it stay good"
            ))
        }
        Command::Keys {
            what: KeysCommand::Revoke,
        } => {
            let kid = db
                .write(move |tx| keys::revoke(tx, now))
                .await
                .map_err(|error: NoKeys| OperatorError::new(error))?;
            let ended = end_all_sessions(&db, now).await?;
            Ok(format!(
                "{kid} alone signs from now on, {ended} sessions are ended: everybody signs in anew"
            ))
        }
    }
}

/// Page by page, so that a running service is not kept waiting.
async fn end_all_sessions(db: &Db, now: Timestamp) -> Result<usize, db::Error> {
    let mut all = 0;
    loop {
        match db.write(move |tx| store::end_sessions(tx, now)).await? {
            0 => return Ok(all),
            some => all += some,
        }
    }
}

fn line(key: &StoredKey, now: Timestamp) -> String {
    let does = match key.retired_at {
        None => "signs".to_owned(),
        Some(at) if key.is_published(now) => format!("verifies until {}", at + keys::PUBLISHED),
        Some(at) => format!("retired since {at}"),
    };
    format!("{} made {} {does}", key.kid, key.created_at)
}
