use std::fmt::Write;

use chassis::StartError;
use db::Db;
use ids::{Clock, Timestamp};

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
}

pub(crate) async fn run(command: Command, db: Db, clock: Clock) -> Result<String, StartError> {
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
                .map_err(|error: NoKeys| StartError::new(error))?;
            Ok(format!(
                "{kid} signs from now on; the tokens of the key before it stay good"
            ))
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
