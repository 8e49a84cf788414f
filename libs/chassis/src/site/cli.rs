use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use values::Clock;

use super::{Site, running};
use crate::{
    LogSettings, OperatorError, Settings, SiteSettings, TraceSettings, logging, main_of, raise_file_limit, settings,
    signals::Stop,
};

#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli<A: Settings> {
    #[command(flatten)]
    log: LogSettings,
    #[command(subcommand)]
    command: Command<A>,
}

#[derive(Debug, Subcommand)]
enum Command<A: Settings> {
    /// Run the site until SIGINT or SIGTERM.
    Serve {
        #[command(flatten)]
        site: Box<SiteSettings>,
        #[command(flatten)]
        traces: TraceSettings,
        #[command(flatten)]
        own: A,
    },
    /// Print the version.
    Version,
}

/// Returns the command line of a site's binary.
pub fn command_line<S: Site>() -> clap::Command {
    let name = format!("ticketing-{}", S::NAME);
    let about = format!(
        "{}\n\nEvery flag can also be set by its environment variable.",
        S::ABOUT
    );
    Cli::<S::Settings>::command()
        .name(name.clone())
        .bin_name(name)
        .about(S::ABOUT)
        .long_about(about)
}

/// The whole `main` of a site: parses the command line, runs the command and prints its outcome.
pub fn main<S: Site>() -> ExitCode {
    let parsed = settings::parse(
        command_line::<S>(),
        std::env::args_os(),
        |cli: &Cli<S::Settings>, errors| {
            if let Command::Serve { site, traces, own } = &cli.command {
                site.validate(errors);
                traces.validate(errors);
                own.validate(errors);
            }
        },
    );
    main_of(S::NAME, parsed, run::<S>)
}

fn run<S: Site>(cli: Cli<S::Settings>) -> Result<String, OperatorError> {
    logging::start_for(Some(S::NAME), &cli.log.log, cli.log.format())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(OperatorError::new)?;
    runtime.block_on(async {
        match cli.command {
            Command::Serve { site, traces, own } => traces.export_during(serve::<S>(*site, own)).await,
            Command::Version => Ok(format!("ticketing-{} {}", S::NAME, env!("CARGO_PKG_VERSION"))),
        }
    })
}

async fn serve<S: Site>(site: SiteSettings, own: S::Settings) -> Result<String, OperatorError> {
    raise_file_limit();
    let mut stop = Stop::listen()?;
    let running = running::start::<S>(site, own, Clock::system()).await?;
    stop.requested().await?;
    running.stop().await;
    Ok(String::new())
}
