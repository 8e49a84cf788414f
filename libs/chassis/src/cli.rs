use std::{path::PathBuf, process::ExitCode};

use bus::parked::Selection;
use clap::{CommandFactory, Parser, Subcommand};

use crate::{
    BusSettings, CommandLineError, CommonSettings, ConfigErrors, LogSettings, OperatorError, Service, Settings,
    TraceSettings, command,
    settings::{self, DatabaseSettings},
    telemetry,
};

#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli<A: Settings, C: Subcommand> {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    log: LogSettings,
    #[command(subcommand)]
    command: Command<A, C>,
}

#[derive(Debug, Subcommand)]
enum Command<A: Settings, C: Subcommand> {
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
        /// Only rehearse it, on a copy of the database, which may be in use, and check the result.
        #[arg(long)]
        dry_run: bool,
        /// The copy [default: beside the database]; it must not exist.
        #[arg(long, value_name = "FILE", requires = "dry_run")]
        copy_to: Option<PathBuf>,
        /// Leave the migrated copy where it is.
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
    /// Put a backup in the database's place. The service must not be running.
    Restore {
        /// The backup.
        from: PathBuf,
        /// Replace a database that is there.
        #[arg(long)]
        force: bool,
    },
    /// Check the integrity of the database and everything that must be true of its content.
    Check,
    /// Announce the state of everything again, so that services which missed it catch up.
    Republish,
    /// Have the service catch up from the broker's journal at its next start, as after a restore.
    Rehear,
    /// Look after the messages that the service could not handle.
    Parked {
        #[command(flatten)]
        bus: Box<BusSettings>,
        #[command(subcommand)]
        what: Parked,
    },
    /// Print the version.
    Version,
    #[command(flatten)]
    Own(C),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Parked {
    /// One line for each message: id, type, subject, attempts and why.
    List,
    /// One message, whole.
    Show {
        /// The message's id.
        id: String,
    },
    /// Hand messages to the service again.
    Redrive {
        /// The message's id, or all.
        which: Selection,
    },
    /// Delete messages for good.
    Discard {
        /// The message's id, or all.
        which: Selection,
    },
}

impl<A: Settings, C: Subcommand> Cli<A, C> {
    fn validate(&self, errors: &mut ConfigErrors) {
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

/// The command line of a service's binary.
pub fn command_line<S: Service>() -> clap::Command {
    let about = format!(
        "{}\n\nEvery flag can also be given as the environment variable beside it.",
        S::ABOUT
    );
    let name = format!("ticketing-{}", S::NAME);
    Cli::<S::Settings, S::Command>::command()
        .name(name.clone())
        .bin_name(name)
        .about(S::ABOUT)
        .long_about(about)
}

/// The whole `main` of a service: reads the command line, does what it says, and tells failure in one sentence.
pub fn main<S: Service>() -> ExitCode {
    let cli = match settings::parse(command_line::<S>(), std::env::args_os(), Cli::validate) {
        Ok(cli) => Ok(cli),
        Err(CommandLineError::Settings(errors)) => Err(OperatorError::new(errors)),
        Err(CommandLineError::Usage(error)) => error.exit(),
    };
    match cli.and_then(run::<S>) {
        Ok(said) => {
            if !said.is_empty() {
                println!("{said}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("ticketing-{}: {error}", S::NAME);
            ExitCode::FAILURE
        }
    }
}

fn run<S: Service>(cli: Cli<S::Settings, S::Command>) -> Result<String, OperatorError> {
    telemetry::start_as(Some(S::NAME), &cli.log.log, cli.log.format())?;
    let database = cli.database.path::<S>();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(OperatorError::new)?;
    runtime.block_on(async {
        match cli.command {
            Command::Serve { common, traces, own } => {
                traces.recorded(command::serve::<S>(database, *common, own)).await
            }
            Command::Migrate { dry_run, copy_to, keep } if dry_run => {
                command::rehearse::<S>(&database, copy_to.as_deref(), keep)
            }
            Command::Migrate { .. } => command::migrate::<S>(&database),
            Command::Openapi => command::openapi::<S>(),
            Command::Backup { to } => command::backup(&database, &to),
            Command::Restore { from, force } => command::restore::<S>(&from, &database, force),
            Command::Check => command::check::<S>(&database),
            Command::Republish => command::republish::<S>(&database).await,
            Command::Rehear => command::rehear::<S>(&database).await,
            Command::Parked { bus, what } => command::parked::<S>(&bus, what).await,
            Command::Version => Ok(format!("ticketing-{} {}", S::NAME, env!("CARGO_PKG_VERSION"))),
            Command::Own(command) => command::own::<S>(command, &database).await,
        }
    })
}
