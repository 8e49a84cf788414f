use std::{net::IpAddr, path::PathBuf, time::Duration};

use bus::{AmqpUrl, Namespace};
use chassis::{ConfigErrors, SecretArg, SecretFlag, TraceSettings, at_least, log_filter, parsed, seconds};
use clap::{Args, Parser, Subcommand};
use notification::SmtpUrl;
use stack::{Ports, Settings, Stripe};
use values::Clock;

/// Run the whole marketplace in one process, for development.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything until Ctrl-C: six services, the Stripe simulator, one front door.
    Dev(Box<DevSettings>),
    /// Write the interface documents, or check that they are up to date.
    Specs(SpecsArgs),
    /// Print the page of all settings, write it, or check that it is up to date.
    Settings(SettingsArgs),
    /// Print the broker's definitions, write them, or check that they are up to date: exchanges, queues, bindings, and what each
    /// service's user may do.
    BrokerDefinitions(BrokerDefinitionsArgs),
    /// Check every database of a data folder, also while services use them.
    Check {
        /// The data folder.
        #[arg(long, default_value = ".data", value_name = "FOLDER")]
        data: PathBuf,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SpecsArgs {
    /// Write the documents to this folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) write: Option<PathBuf>,
    /// Fail unless the documents in this folder are up to date.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) check: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct SettingsArgs {
    /// Write the page to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,
    /// Fail unless the page in this file is up to date.
    #[arg(long, value_name = "FILE")]
    pub(crate) check: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct BrokerDefinitionsArgs {
    /// The prefix of all names in the broker.
    #[arg(long, default_value = "ticketing", value_name = "NAME", value_parser = parsed::<Namespace>)]
    pub(crate) namespace: Namespace,
    /// The virtual host.
    #[arg(long, default_value = "/", value_name = "NAME")]
    pub(crate) vhost: String,
    /// Seconds to pay an order (10 to 86400), as in the settings of order and expiration.
    #[arg(long, default_value = "900", value_name = "SECONDS", value_parser = seconds(10..=86_400))]
    pub(crate) order_window_seconds: Duration,
    /// Write the definitions to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,
    /// Fail unless the definitions in this file are up to date.
    #[arg(long, value_name = "FILE", conflicts_with = "write")]
    pub(crate) check: Option<PathBuf>,
}

/// The default log filter for a terminal. The Stripe client warns about every declined card.
pub(crate) const LOG: &str = "warn,stripe=error";

/// The settings of `stack dev`.
#[derive(Debug, Args)]
pub(crate) struct DevSettings {
    /// The front door's port; the services take the ones after it, the mails the ninth, the Stripe simulator the tenth. 0: free ones.
    #[arg(long, env = "TICKETING_PORT", default_value = "4000", value_name = "PORT", value_parser = ports)]
    port: Ports,
    /// The address to listen on; 0.0.0.0 for all interfaces.
    #[arg(
        long,
        env = "TICKETING_BIND",
        default_value = "127.0.0.1",
        value_name = "ADDRESS",
        value_parser = parsed::<IpAddr>
    )]
    bind: IpAddr,
    /// The data folder, kept between runs.
    #[arg(long, env = "TICKETING_DATA", default_value = ".data", value_name = "FOLDER")]
    data: PathBuf,
    /// The broker's address.
    #[command(flatten)]
    amqp_url: Option<SecretArg<AmqpUrlFlag>>,
    /// The broker's address that scripts/with-broker sets.
    #[arg(
        long = "usual-amqp-url",
        env = "AMQP_URL",
        default_value = chassis::AmqpUrlFlag::DEFAULT,
        value_parser = parsed::<AmqpUrl>,
        hide = true
    )]
    default_amqp_url: AmqpUrl,
    /// What to log: a level, or a list such as info,order=debug.
    #[arg(long, env = "TICKETING_LOG", default_value = LOG, value_name = "FILTER", value_parser = log_filter)]
    pub(crate) log: String,
    #[command(flatten)]
    pub(crate) traces: TraceSettings,
    /// Sign-ups from one network address that are allowed in an hour.
    #[arg(
        long,
        env = "TICKETING_SIGN_UPS_PER_ADDRESS",
        default_value = "300",
        value_name = "NUMBER",
        value_parser = at_least::<u32>(1)
    )]
    sign_ups_per_address: u32,
    /// Whether a new user is signed in at once, and a taken address is refused: true or false. With false, as in production, the
    /// outcome of a sign-up is mailed.
    #[arg(
        long,
        env = "TICKETING_SIGN_UP_REVEALS_ADDRESSES",
        default_value = "true",
        value_name = "BOOL",
        action = clap::ArgAction::Set,
        value_parser = parsed::<bool>
    )]
    sign_up_reveals_addresses: bool,
    #[command(flatten)]
    order: order::Settings,
    #[command(flatten)]
    sweep: expiration::SweepSettings,
    /// The SMTP server that mails are sent to. Without one they are files in the folder mail of the data folder, which pages on
    /// the ninth port show.
    #[arg(long, env = "TICKETING_SMTP_URL", hide_env_values = true, value_name = "URL", value_parser = parsed::<SmtpUrl>)]
    smtp_url: Option<SmtpUrl>,
    /// The SMTP server of programs that use `SMTP_URL`.
    #[arg(
        long = "usual-smtp-url",
        env = "SMTP_URL",
        hide_env_values = true,
        value_parser = parsed::<SmtpUrl>,
        hide = true
    )]
    default_smtp_url: Option<SmtpUrl>,
    #[command(flatten, next_help_heading = "Stripe instead of the simulator")]
    payment: payment::Settings,
}

/// `--amqp-url` or `--amqp-url-file`.
#[derive(Clone, Copy, Debug)]
struct AmqpUrlFlag;

impl SecretFlag for AmqpUrlFlag {
    type Value = AmqpUrl;
    const FLAG: &'static str = chassis::AmqpUrlFlag::FLAG;
    const ENV: &'static str = chassis::AmqpUrlFlag::ENV;
    const FILE_FLAG: &'static str = chassis::AmqpUrlFlag::FILE_FLAG;
    const FILE_ENV: &'static str = chassis::AmqpUrlFlag::FILE_ENV;
    const VALUE_NAME: &'static str = chassis::AmqpUrlFlag::VALUE_NAME;
    const HELP: &'static str = "The broker's address. It contains a password: prefer --amqp-url-file [default: \
                                `AMQP_URL`, else `amqp://guest:guest@127.0.0.1:5672/%2f`]";
    const FILE_HELP: &'static str = chassis::AmqpUrlFlag::FILE_HELP;
}

impl chassis::Settings for DevSettings {
    fn validate(&self, errors: &mut ConfigErrors) {
        self.traces.validate(errors);
        if self.payment.has_account() {
            self.payment.validate(errors);
        }
    }
}

impl DevSettings {
    /// Returns the settings of the stack.
    pub(crate) fn stack(&self) -> Settings {
        let amqp_url = self.amqp_url.as_deref().unwrap_or(&self.default_amqp_url);
        Settings {
            data: self.data.clone(),
            bind: self.bind,
            ports: self.port,
            broker: amqp_url.clone(),
            stripe: if self.payment.has_account() {
                Stripe::At(self.payment.clone())
            } else {
                Stripe::Simulator(self.payment.platform_fee, self.payment.card_limits)
            },
            // A browser keeps a cookie that is for TLS only from http:// pages of any host but localhost.
            auth: auth::Settings {
                cookie_secure: false,
                sign_ups_per_address: self.sign_ups_per_address,
                sign_up_reveals_addresses: self.sign_up_reveals_addresses,
                ..auth::Settings::default()
            },
            order: self.order,
            // One flag for both.
            expiration: expiration::Settings {
                order_window: self.order.order_window,
                sweep: self.sweep,
            },
            notification: notification::Settings {
                smtp_url: self.smtp_url().cloned().map(SecretArg::new),
                ..notification::Settings::default()
            },
            clock: Clock::system(),
        }
    }

    /// Returns the SMTP server, if there is one.
    fn smtp_url(&self) -> Option<&SmtpUrl> {
        self.smtp_url.as_ref().or(self.default_smtp_url.as_ref())
    }

    /// Returns the SMTP server as the banner names it.
    pub(crate) fn mail_server(&self) -> Option<String> {
        self.smtp_url().map(|url| format!("sent to {url:?}"))
    }
}

fn ports(text: &str) -> Result<Ports, String> {
    match parsed::<u16>(text)? {
        0 => Ok(Ports::Free),
        port if port <= 65_525 => Ok(Ports::From(port)),
        _ => Err("must be at most 65525: ten more follow it".to_owned()),
    }
}
