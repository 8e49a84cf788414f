use std::fmt::Write;

use chassis::{OperatorError, parsed, printable};
use db::Db;
use values::{Clock, MailId, Timestamp};

use crate::{
    domain::{Mail, MailRules},
    settings::Settings,
    store,
    use_cases::{discard_mail, retry_mail},
};

/// The subcommands of this service.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Manage mails that were given up.
    Undelivered {
        /// The operation.
        #[command(subcommand)]
        what: UndeliveredCommand,
    },
}

/// The operations on mails that were given up.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum UndeliveredCommand {
    /// List mails that were given up: id, time, kind, address and reason.
    List {
        /// List mails that another instance has probably sent, before the database was restored.
        #[arg(long)]
        presumed_sent: bool,
        /// The number of mails.
        #[arg(long, default_value = "100", value_name = "NUMBER")]
        limit: u32,
    },
    /// Show one mail.
    Show {
        /// Its id.
        #[arg(value_parser = parsed::<MailId>)]
        id: MailId,
    },
    /// Send mails again. A running service sends them within seconds.
    Retry {
        /// Their ids.
        #[arg(value_parser = parsed::<MailId>, required_unless_present_any = ["all", "presumed_sent"])]
        ids: Vec<MailId>,
        /// All that were given up.
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        /// All that are presumed sent.
        #[arg(long, conflicts_with = "ids")]
        presumed_sent: bool,
    },
    /// Decide that mails are not sent.
    Discard {
        /// Their ids.
        #[arg(value_parser = parsed::<MailId>, required = true)]
        ids: Vec<MailId>,
    },
}

/// The mails that one command queues.
const MAX_RETRIED: u32 = 10_000;

pub(crate) async fn run(command: Command, db: Db, clock: Clock) -> Result<String, OperatorError> {
    let Command::Undelivered { what } = command;
    // A mail that is retried has the default time for it.
    let rules = Settings::default().rules();
    match what {
        UndeliveredCommand::List { presumed_sent, limit } => {
            let mails = read_mails(&db, presumed_sent, limit).await?;
            let lines = mails.iter().fold(format!("{} mails", mails.len()), |mut lines, mail| {
                let _ = write!(lines, "\n{}", describe(mail));
                lines
            });
            Ok(lines)
        }
        UndeliveredCommand::Show { id } => {
            let mail = db.read_internal(move |conn| store::mail(conn, id)).await?;
            let mail = mail.ok_or_else(|| OperatorError(format!("there is no mail {id}")))?;
            Ok(describe_in_full(&mail))
        }
        UndeliveredCommand::Retry {
            ids,
            all,
            presumed_sent,
        } => {
            let ids = if all || presumed_sent {
                let mails = read_mails(&db, presumed_sent, MAX_RETRIED).await?;
                mails.into_iter().map(|mail| mail.id).collect()
            } else {
                ids
            };
            let count = change(&db, clock.now(), ids, rules, retry_mail).await?;
            Ok(format!("{count} mails are sent again"))
        }
        UndeliveredCommand::Discard { ids } => {
            let count = change(&db, clock.now(), ids, rules, discard_mail).await?;
            Ok(format!("{count} mails are discarded"))
        }
    }
}

async fn read_mails(db: &Db, presumed_sent: bool, limit: u32) -> Result<Vec<Mail>, OperatorError> {
    let mails = db.read_internal(move |conn| {
        if presumed_sent {
            store::presumed_sent(conn, limit)
        } else {
            store::undelivered(conn, limit)
        }
    });
    Ok(mails.await?)
}

/// Changes each mail in a transaction of its own, so that a running service can write in between.
async fn change<E: std::fmt::Display + From<db::Error> + Send + 'static>(
    db: &Db,
    now: Timestamp,
    ids: Vec<MailId>,
    rules: MailRules,
    change: fn(&db::Tx, Timestamp, MailId, &MailRules) -> Result<(), E>,
) -> Result<usize, OperatorError> {
    let count = ids.len();
    for id in ids {
        let changed: Result<(), E> = db.write(move |tx| change(tx, now, id, &rules)).await;
        changed.map_err(OperatorError::new)?;
    }
    Ok(count)
}

fn describe(mail: &Mail) -> String {
    format!(
        "{} {} {} to {}: {}",
        mail.id,
        mail.created_at,
        mail.kind,
        recipient(mail),
        printable(mail.reason.as_deref().unwrap_or("no reason is known"))
    )
}

fn recipient(mail: &Mail) -> String {
    match (&mail.address, mail.account_id) {
        (Some(address), _) => printable(address),
        (None, Some(account)) => format!("account {account}"),
        (None, None) => "nobody".to_owned(),
    }
}

/// Describes a mail without the token of its link.
fn describe_in_full(mail: &Mail) -> String {
    let mut lines = describe(mail);
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(lines, "\n{name}: {value}");
        }
    };
    line("state", Some(mail.state.to_string()));
    line("key", Some(mail.key.clone()));
    line("caused at", Some(mail.caused_at.to_string()));
    line("attempts", Some(mail.attempts.to_string()));
    line("last attempt", mail.claimed_at.map(|at| at.to_string()));
    line("ended at", mail.ended_at.map(|at| at.to_string()));
    line("link expires at", mail.expires_at.map(|at| at.to_string()));
    line("account", mail.account_id.map(|id| id.to_string()));
    line("order", mail.order_id.map(|id| id.to_string()));
    line("listing", mail.ticket_id.map(|id| id.to_string()));
    lines
}
