//! Settings: typed command-line arguments, each of which has an environment variable.

mod bus;
mod command_line;
mod common;
mod config_errors;
mod consul;
mod http;
mod secret;
mod site;
mod value_parsers;

pub use bus::{AmqpUrlFlag, BusSettings};
pub use command_line::{CommandLineError, Settings, default_settings, parse, parse_settings};
pub(crate) use common::DatabaseSettings;
pub use common::{CommonSettings, LogSettings, log_filter};
pub use config_errors::ConfigErrors;
pub use consul::ConsulSettings;
pub use http::HttpSettings;
pub use secret::{Secret, SecretArg, SecretFlag};
pub use site::SiteSettings;
pub use value_parsers::{at_least, in_range, list_of, parsed, seconds};
