//! The settings of the service.

use chassis::{SecretArg, SecretFlag, parsed};
use clap::ArgAction;
use sale_limits::SaleLimits;
use sealing::EncryptionKeys;

/// The settings of the ticket service.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Settings {
    /// The limits that the order service enforces, to show.
    #[command(flatten)]
    pub sale: SaleLimits,

    /// Whether sellers and buyers must have confirmed their email address: true or false. Use the same value for order and
    /// ticket [default: true; in `stack dev` false].
    #[arg(
        long,
        env = "TICKETING_REQUIRE_CONFIRMED_ADDRESS",
        value_name = "BOOL",
        action = ArgAction::Set,
        value_parser = parsed::<bool>
    )]
    pub require_confirmed_address: Option<bool>,

    /// The key that encrypts the codes of admissions.
    #[command(flatten)]
    pub admission_key: Option<SecretArg<AdmissionKeyFlag>>,
}

/// `--admission-key` or `--admission-key-file`.
#[derive(Clone, Copy, Debug)]
pub struct AdmissionKeyFlag;

impl SecretFlag for AdmissionKeyFlag {
    type Value = EncryptionKeys;
    const FLAG: &'static str = "admission-key";
    const ENV: &'static str = "TICKETING_ADMISSION_KEY";
    const FILE_FLAG: &'static str = "admission-key-file";
    const FILE_ENV: &'static str = "TICKETING_ADMISSION_KEY_FILE";
    const VALUE_NAME: &'static str = "KEY";
    const HELP: &'static str = "The key that encrypts the codes of admissions in the database and in events, 64 hexadecimal digits; \
                                while it is replaced, the new and the old one, separated by a space. Use the same key for ticket \
                                and notification. Prefer --admission-key-file [default: the content of ticket.key beside \
                                ticket.db, which is created with the first code]";
    const FILE_HELP: &'static str = "The file that contains the key, such as the output of `openssl rand -hex 32`.";
}

impl Settings {
    /// Whether users must have confirmed their email address.
    pub(crate) fn requires_confirmed_address(&self) -> bool {
        self.require_confirmed_address.unwrap_or(true)
    }

    /// Returns the key of admissions, if it is given.
    pub(crate) fn admission_key(&self) -> Option<EncryptionKeys> {
        self.admission_key.as_deref().cloned()
    }
}

impl chassis::Settings for Settings {}

impl Default for Settings {
    fn default() -> Self {
        chassis::default_settings()
    }
}
