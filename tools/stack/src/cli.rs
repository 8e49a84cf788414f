use std::{net::IpAddr, path::PathBuf};

use chassis::{ConfigErrors, OperatorError, Service, TraceArgs};
use clap::{Args, Parser, Subcommand};
use stack::{Ports, Settings, Stripe};
use values::Clock;

/// Ticketing in one process: for development, and for trying it out.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything until Ctrl-C: five services, the Stripe double, one front door.
    Dev(Box<DevArgs>),
    /// Write the files of the interfaces, or see whether they are what the code says.
    Specs(SpecsArgs),
    /// Print the page of all settings, write it, or see whether it is what the code says.
    Settings(SettingsArgs),
    /// Check the five databases of a folder. Nothing may be running with them.
    Check {
        /// The folder.
        #[arg(long, default_value = ".data", value_name = "FOLDER")]
        data: PathBuf,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SpecsArgs {
    /// Write them into this folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) write: Option<PathBuf>,
    /// Fail unless those in this folder are what the code says.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) check: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct SettingsArgs {
    /// Write it into this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,
    /// Fail unless what is in this file is what the code says.
    #[arg(long, value_name = "FILE")]
    pub(crate) check: Option<PathBuf>,
}

/// What a person at a terminal wants to hear of. (The Stripe client warns of every card that is declined.)
pub(crate) const LOG: &str = "warn,stripe=error";

#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// The front door's port; the services take the five after it, the Stripe double the tenth. 0: whichever are free.
    #[arg(long, env = "TICKETING_PORT", default_value = "4000", value_name = "PORT")]
    port: String,
    /// The address to listen on; 0.0.0.0 for everybody who can reach this machine.
    #[arg(long, env = "TICKETING_BIND", default_value = "127.0.0.1", value_name = "ADDRESS")]
    bind: String,
    /// The folder that keeps everything from one run to the next.
    #[arg(long, env = "TICKETING_DATA", default_value = ".data", value_name = "FOLDER")]
    data: PathBuf,
    /// The broker's address. It holds a password: prefer --amqp-url-file [default: `AMQP_URL`, else
    /// `amqp://guest:guest@127.0.0.1:5672/%2f`]
    #[arg(long, env = "TICKETING_AMQP_URL", hide_env_values = true, value_name = "URL")]
    amqp_url: Option<String>,
    /// The file that holds the broker's address.
    #[arg(long, env = "TICKETING_AMQP_URL_FILE", value_name = "FILE")]
    amqp_url_file: Option<String>,
    /// What scripts/with-broker says.
    #[arg(long, env = "AMQP_URL", hide = true)]
    usual_amqp_url: Option<String>,
    /// What to log: a level, or a list such as info,order=debug.
    #[arg(long, env = "TICKETING_LOG", default_value = LOG, value_name = "FILTER")]
    pub(crate) log: String,
    #[command(flatten)]
    pub(crate) traces: TraceArgs,
    #[command(flatten)]
    order: order::Args,
    #[command(flatten)]
    sweep: expiration::SweepArgs,
    #[command(flatten, next_help_heading = "Stripe instead of the double")]
    payment: payment::Args,
}

impl DevArgs {
    /// Understands the flags, or names all errors.
    pub(crate) fn settings(&self) -> Result<Settings, OperatorError> {
        let mut errors = ConfigErrors::default();
        let settings = self.parse(&mut errors);
        settings
            .filter(|_| errors.is_empty())
            .ok_or_else(|| OperatorError::new(errors))
    }

    fn parse(&self, errors: &mut ConfigErrors) -> Option<Settings> {
        let ports = self.ports(errors);
        let bind = errors.parse::<IpAddr>("--bind", &self.bind);
        let broker = self.broker(errors);
        let stripe = self.stripe(errors);
        let order = order::Orders::settings(&self.order, errors);
        let sweep_interval = self.sweep.interval(errors);
        Some(Settings {
            data: self.data.clone(),
            bind: bind?,
            ports: ports?,
            broker: broker?,
            stripe: stripe?,
            // A browser keeps a cookie that is for TLS only from http:// pages of any host but localhost.
            auth: auth::Settings {
                cookie_secure: false,
                ..auth::Settings::default()
            },
            // One flag for both.
            expiration: expiration::Settings {
                order_window: order?.order_window,
                sweep_interval: sweep_interval?,
            },
            order: order?,
            clock: Clock::system(),
        })
    }

    fn ports(&self, errors: &mut ConfigErrors) -> Option<Ports> {
        let port = errors.parse::<u16>("--port", &self.port)?;
        let fits = port <= 65_525;
        let port = errors.check(
            "--port",
            fits.then_some(port).ok_or("must be at most 65525: ten more follow it"),
        )?;
        Some(if port == 0 { Ports::Free } else { Ports::From(port) })
    }

    fn broker(&self, errors: &mut ConfigErrors) -> Option<bus::AmqpUrl> {
        const USUAL: &str = "amqp://guest:guest@127.0.0.1:5672/%2f";
        let given = errors.secret("--amqp-url", self.amqp_url.as_deref(), self.amqp_url_file.as_deref());
        let usual = self.usual_amqp_url.as_deref().unwrap_or(USUAL);
        errors.parse("--amqp-url", given.as_ref().map_or(usual, |url| url.expose()))
    }

    fn stripe(&self, errors: &mut ConfigErrors) -> Option<Stripe> {
        if self.payment.say_who() {
            payment::Payments::settings(&self.payment, errors).map(Stripe::At)
        } else {
            self.payment.platform_fee(errors).map(Stripe::Simulator)
        }
    }
}
