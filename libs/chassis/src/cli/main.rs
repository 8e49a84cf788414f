use std::process::ExitCode;

use super::{
    arguments::{Cli, Command, command_line},
    commands,
};
use crate::{CommandLineError, OperatorError, Service, logging, printable_lines, settings};

/// The whole `main` of a service: parses the command line, runs the command and prints its outcome.
pub fn main<S: Service>() -> ExitCode {
    let parsed = settings::parse(command_line::<S>(), std::env::args_os(), Cli::validate);
    main_of(S::NAME, parsed, run::<S>)
}

/// Runs the command of a binary, if its command line could be parsed, and prints the outcome.
pub(crate) fn main_of<C>(
    name: &str,
    parsed: Result<C, CommandLineError>,
    run: impl FnOnce(C) -> Result<String, OperatorError>,
) -> ExitCode {
    let parsed = match parsed {
        Ok(parsed) => Ok(parsed),
        Err(CommandLineError::Settings(errors)) => Err(OperatorError::new(errors)),
        Err(CommandLineError::Usage(error)) => error.exit(),
    };
    match parsed.and_then(run) {
        Ok(output) => {
            if !output.is_empty() {
                println!("{}", printable_lines(&output));
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("ticketing-{name}: {}", printable_lines(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}

fn run<S: Service>(cli: Cli<S::Settings, S::Command>) -> Result<String, OperatorError> {
    logging::start_for(Some(S::NAME), &cli.log.log, cli.log.format())?;
    let database = cli.database.path::<S>();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(OperatorError::new)?;
    runtime.block_on(async {
        match cli.command {
            Command::Serve { common, traces, own } => {
                traces.export_during(commands::serve::<S>(database, *common, own)).await
            }
            Command::Migrate { dry_run, copy_to, keep } if dry_run => {
                commands::rehearse::<S>(&database, copy_to.as_deref(), keep)
            }
            Command::Migrate { .. } => commands::migrate::<S>(&database),
            Command::Openapi => commands::openapi::<S>(),
            Command::Backup { to } => commands::backup(&database, &to),
            Command::Restore { from, force } => commands::restore::<S>(&from, &database, force),
            Command::Check { full } => commands::check::<S>(&database, full),
            Command::Republish => commands::republish::<S>(&database).await,
            Command::Rehear => commands::catch_up::<S>(&database).await,
            Command::Parked { bus, command } => commands::parked::<S>(&bus, command, &database).await,
            Command::Audit(filter) => commands::audit::<S>(&database, filter).await,
            Command::Version => Ok(format!("ticketing-{} {}", S::NAME, env!("CARGO_PKG_VERSION"))),
            Command::Own(command) => commands::own::<S>(command, &database).await,
        }
    })
}
