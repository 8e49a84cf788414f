use std::path::PathBuf;

use bus::parked::Selection;
use clap::{CommandFactory, Parser, Subcommand};

use crate::{
    BusSettings, CommonSettings, ConfigErrors, LogSettings, Service, Settings, TraceSettings, audit_log::AuditFilter,
    settings::DatabaseSettings,
};

#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub(super) struct Cli<A: Settings, C: Subcommand> {
    #[command(flatten)]
    pub(super) database: DatabaseSettings,
    #[command(flatten)]
    pub(super) log: LogSettings,
    #[command(subcommand)]
    pub(super) command: Command<A, C>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command<A: Settings, C: Subcommand> {
    /// Run the service until SIGINT or SIGTERM.
    Serve {
        #[command(flatten)]
        common: Box<CommonSettings>,
        #[command(flatten)]
        traces: TraceSettings,
        #[command(flatten)]
        own: A,
    },
    /// Create the database, or bring it to this release's schema.
    Migrate {
        /// Migrate only a copy of the database, which may be in use, and check the result.
        #[arg(long)]
        dry_run: bool,
        /// The file of the copy [default: beside the database]; it must not exist.
        #[arg(long, value_name = "FILE", requires = "dry_run")]
        copy_to: Option<PathBuf>,
        /// Keep the migrated copy.
        #[arg(long, requires = "dry_run")]
        keep: bool,
    },
    /// Print the OpenAPI document.
    Openapi,
    /// Copy the database while the service runs.
    Backup {
        /// The file to write; it must not exist.
        to: PathBuf,
    },
    /// Replace the database by a backup. The service must not be running.
    Restore {
        /// The backup.
        from: PathBuf,
        /// Replace an existing database.
        #[arg(long)]
        force: bool,
    },
    /// Check the invariants of the database, also while the service runs: in short reads, whatever its size.
    Check {
        /// Check the structure, too: each page, and each entry of each index. If a process has the database open, a copy is
        /// checked, for which there must be room beside it.
        #[arg(long)]
        full: bool,
    },
    /// Publish the current state of everything again, so that services that missed events catch up.
    Republish,
    /// Make the service catch up from the broker's journal at its next start, as after a restore.
    Rehear,
    /// Manage the messages that the service could not handle.
    Parked {
        #[command(flatten)]
        bus: Box<BusSettings>,
        #[command(subcommand)]
        command: ParkedCommand,
    },
    /// Print the audit log: who did what, whose, when and from where, with what result. A line of JSON for each row.
    Audit(AuditFilter),
    /// Print the version.
    Version,
    #[command(flatten)]
    Own(C),
}

#[derive(Debug, Subcommand)]
pub(super) enum ParkedCommand {
    /// List the messages, one a line: id, type, subject, attempts and reason.
    List,
    /// Show one message with its body.
    Show {
        /// The message's id.
        id: String,
    },
    /// Deliver messages to the service again.
    Redrive {
        /// The message's id, or all.
        which: Selection,
    },
    /// Delete messages permanently.
    Discard {
        /// The message's id, or all.
        which: Selection,
    },
}

impl<A: Settings, C: Subcommand> Cli<A, C> {
    /// Adds the errors that concern several settings together.
    pub(super) fn validate(&self, errors: &mut ConfigErrors) {
        match &self.command {
            Command::Serve { common, traces, own } => {
                common.validate(errors);
                traces.validate(errors);
                own.validate(errors);
            }
            Command::Parked { bus, .. } => bus.validate(errors),
            _ => {}
        }
    }
}

/// Returns the command line of a service's binary.
pub fn command_line<S: Service>() -> clap::Command {
    let about = format!(
        "{}\n\nEvery flag can also be set by its environment variable.",
        S::ABOUT
    );
    let name = format!("ticketing-{}", S::NAME);
    let command = Cli::<S::Settings, S::Command>::command();
    let names: Vec<_> = command
        .get_subcommands()
        .map(|inner| inner.get_name().to_owned())
        .collect();
    // The settings of the broker, also after the subcommands of `parked`. A changed subcommand becomes the last one: all
    // are passed, so that their order stays.
    let command = names.into_iter().fold(command, |command, name| {
        let is_parked = name == "parked";
        command.mut_subcommand(name, |inner| {
            if is_parked {
                inner.mut_args(|arg| arg.global(true))
            } else {
                inner
            }
        })
    });
    command
        .name(name.clone())
        .bin_name(name)
        .about(S::ABOUT)
        .long_about(about)
}
