//! `stack dev` runs the marketplace; `stack specs`, `stack settings` and `stack broker-definitions` write or check generated
//! documents; `stack check` checks the databases of a data folder, also while the stack runs.

mod banner;
mod cli;
mod dev;
mod settings_page;
mod signals;

use std::{env, process::ExitCode};

use chassis::{CommandLineError, ConfigErrors, OperatorError, Settings};
use clap::CommandFactory;
use cli::{BrokerDefinitionsArgs, Cli, Command, SettingsArgs, SpecsArgs};

fn main() -> ExitCode {
    let outcome = command().and_then(|command| match command {
        Command::Dev(args) => dev::dev(&args),
        Command::Specs(args) => specs(&args).map(|()| ExitCode::SUCCESS),
        Command::Settings(args) => settings(&args).map(|()| ExitCode::SUCCESS),
        Command::BrokerDefinitions(args) => broker_definitions(&args).map(|()| ExitCode::SUCCESS),
        Command::Check { data } => check(&data).map(|()| ExitCode::SUCCESS),
    });
    outcome.unwrap_or_else(|error| {
        eprintln!("ticketing: {}", chassis::printable_lines(&error.to_string()));
        ExitCode::FAILURE
    })
}

/// Parses the command line. Clap prints usage errors and the help, and exits.
fn command() -> Result<Command, OperatorError> {
    let validate = |cli: &Cli, errors: &mut ConfigErrors| {
        if let Command::Dev(settings) = &cli.command {
            settings.validate(errors);
        }
    };
    match chassis::parse(Cli::command(), env::args_os(), validate) {
        Ok(cli) => Ok(cli.command),
        Err(CommandLineError::Settings(errors)) => Err(OperatorError::new(errors)),
        Err(CommandLineError::Usage(error)) => error.exit(),
    }
}

fn specs(args: &SpecsArgs) -> Result<(), OperatorError> {
    if let Some(folder) = &args.write {
        stack::specs::write(folder)?;
        println!("{}: up to date", folder.display());
    }
    if let Some(folder) = &args.check {
        stack::specs::check(folder)?;
        println!("{}: up to date", folder.display());
    }
    Ok(())
}

fn settings(args: &SettingsArgs) -> Result<(), OperatorError> {
    let line = Cli::command();
    let dev = line.find_subcommand("dev").unwrap_or(&line);
    let page = settings_page::page(dev);
    match (&args.write, &args.check) {
        (Some(file), _) => settings_page::write(file, &page),
        (None, Some(file)) => settings_page::check(file, &page),
        (None, None) => {
            print!("{page}");
            Ok(())
        }
    }
}

fn broker_definitions(args: &BrokerDefinitionsArgs) -> Result<(), OperatorError> {
    let definitions = stack::broker_definitions::text(&args.namespace, &args.vhost, args.order_window_seconds);
    match (&args.write, &args.check) {
        (Some(file), _) => stack::broker_definitions::write(file, &definitions),
        (None, Some(file)) => stack::broker_definitions::check(file, &definitions),
        (None, None) => {
            print!("{definitions}");
            Ok(())
        }
    }
}

fn check(data: &std::path::Path) -> Result<(), OperatorError> {
    let findings = stack::check(data)?;
    if findings.is_empty() {
        println!("{}: no findings in any database", data.display());
        return Ok(());
    }
    Err(OperatorError(format!(
        "{}: {} findings\n  {}",
        data.display(),
        findings.len(),
        findings.join("\n  ")
    )))
}
