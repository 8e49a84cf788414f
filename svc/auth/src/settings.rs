use std::{thread::available_parallelism, time::Duration};

use chassis::{SecretArg, SecretFlag, at_least, parsed, seconds};
use clap::ArgAction;
use sealing::EncryptionKeys;

use crate::passwords::{MailLimits, QueueLimits, SignInLimits, SignUpLimits};

/// The settings of the auth service.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Settings {
    /// Whether browsers send the cookies over TLS only (and to localhost): true or false.
    #[arg(
        long,
        env = "TICKETING_COOKIE_SECURE",
        default_value = "true",
        value_name = "BOOL",
        action = ArgAction::Set,
        value_parser = parsed::<bool>
    )]
    pub cookie_secure: bool,
    /// The key that encrypts the signing keys and the key of refresh tokens in the database.
    #[command(flatten)]
    pub encryption_key: Option<SecretArg<EncryptionKeyFlag>>,
    /// Failed attempts to sign in to one account that are allowed in one window: from one network address, or from a browser
    /// that has signed in to it before.
    #[arg(
        long = "sign-in-failures-per-account",
        env = "TICKETING_SIGN_IN_FAILURES_PER_ACCOUNT",
        default_value = "10",
        value_name = "NUMBER",
        value_parser = at_least::<u32>(1)
    )]
    pub failures_per_account: u32,
    /// Failed attempts to sign in to one account from all networks in one window, after which it is slowed down for other
    /// browsers than those that have signed in to it before. After as many failures of those, they are treated like the others.
    #[arg(
        long = "sign-in-failures-before-slowing",
        env = "TICKETING_SIGN_IN_FAILURES_BEFORE_SLOWING",
        default_value = "50",
        value_name = "NUMBER",
        value_parser = at_least::<u32>(1)
    )]
    pub failures_before_slowing: u32,
    /// The time between two attempts on an account that is slowed down.
    #[arg(
        long = "sign-in-slow-seconds",
        env = "TICKETING_SIGN_IN_SLOW_SECONDS",
        default_value = "10",
        value_name = "SECONDS",
        value_parser = seconds(1..=3600)
    )]
    pub slow_interval: Duration,
    /// Failed attempts to sign in from one network address that are allowed in one window, and sign-ups with an address that
    /// has an account. An IPv6 network of 64 bits counts as one address; one of 56 bits has four times the allowance, one of
    /// 48 bits 16 times.
    #[arg(
        long = "sign-in-failures-per-address",
        env = "TICKETING_SIGN_IN_FAILURES_PER_ADDRESS",
        default_value = "100",
        value_name = "NUMBER",
        value_parser = at_least::<u32>(1)
    )]
    pub failures_per_address: u32,
    /// The length of that window, from the first failure.
    #[arg(
        long = "sign-in-window-seconds",
        env = "TICKETING_SIGN_IN_WINDOW_SECONDS",
        default_value = "900",
        value_name = "SECONDS",
        value_parser = seconds(1..=u32::MAX.into())
    )]
    pub failure_window: Duration,
    /// Sign-ups from one network address that are allowed in one window. Wider IPv6 networks have more, as above.
    #[arg(
        long = "sign-ups-per-address",
        env = "TICKETING_SIGN_UPS_PER_ADDRESS",
        default_value = "300",
        value_name = "NUMBER",
        value_parser = at_least::<u32>(1)
    )]
    pub sign_ups_per_address: u32,
    /// The length of that window, from the first sign-up.
    #[arg(
        long = "sign-up-window-seconds",
        env = "TICKETING_SIGN_UP_WINDOW_SECONDS",
        default_value = "3600",
        value_name = "SECONDS",
        value_parser = seconds(1..=u32::MAX.into())
    )]
    pub sign_up_window: Duration,
    /// Whether the response to a sign-up reveals that the address has an account: true or false. With true, a new user is signed
    /// in at once, and a taken address is refused. With false, each sign-up gets the same response, the outcome is mailed, and
    /// the user signs in after confirming the address.
    #[arg(
        long,
        env = "TICKETING_SIGN_UP_REVEALS_ADDRESSES",
        default_value = "false",
        value_name = "BOOL",
        action = ArgAction::Set,
        value_parser = parsed::<bool>
    )]
    pub sign_up_reveals_addresses: bool,
    /// The key that encrypts the tokens of links in mails, shared with the notification service.
    #[command(flatten)]
    pub mail_key: Option<SecretArg<MailKeyFlag>>,
    /// Mails to confirm an address or to set a password that can be requested for one address in one window. Further requests
    /// get the same response and send nothing.
    #[arg(
        long = "mails-per-account",
        env = "TICKETING_MAILS_PER_ACCOUNT",
        default_value = "5",
        value_name = "NUMBER",
        value_parser = at_least::<u32>(1)
    )]
    pub mails_per_account: u32,
    /// Mails that can be requested from one network address in one window. Wider IPv6 networks have more, as above.
    #[arg(
        long = "mails-per-address",
        env = "TICKETING_MAILS_PER_ADDRESS",
        default_value = "300",
        value_name = "NUMBER",
        value_parser = at_least::<u32>(1)
    )]
    pub mails_per_address: u32,
    /// The length of that window, from the first request.
    #[arg(
        long = "mail-window-seconds",
        env = "TICKETING_MAIL_WINDOW_SECONDS",
        default_value = "3600",
        value_name = "SECONDS",
        value_parser = seconds(1..=u32::MAX.into())
    )]
    pub mail_window: Duration,
    /// Passwords that are hashed at the same time; each takes 19 MiB meanwhile [default: one for each processor]
    #[arg(
        long,
        env = "TICKETING_PASSWORD_HASHERS",
        value_name = "NUMBER",
        value_parser = at_least::<u32>(1)
    )]
    pub password_hashers: Option<u32>,
    /// Sign-ups, and sign-ins, that may wait for a hasher; beyond, the answer is 429.
    #[arg(
        long = "password-line",
        env = "TICKETING_PASSWORD_LINE",
        default_value = "2000",
        value_name = "NUMBER",
        value_parser = at_least::<u32>(1)
    )]
    pub password_queue: u32,
    /// Sign-ups, and sign-ins, from one network address that may wait for a hasher; beyond, the answer is 429.
    #[arg(
        long = "password-line-per-address",
        env = "TICKETING_PASSWORD_LINE_PER_ADDRESS",
        default_value = "1000",
        value_name = "NUMBER",
        value_parser = at_least::<u32>(1)
    )]
    pub password_queue_per_address: u32,
}

/// `--encryption-key` or `--encryption-key-file`.
#[derive(Clone, Copy, Debug)]
pub struct EncryptionKeyFlag;

impl SecretFlag for EncryptionKeyFlag {
    type Value = EncryptionKeys;
    const FLAG: &'static str = "encryption-key";
    const ENV: &'static str = "TICKETING_ENCRYPTION_KEY";
    const FILE_FLAG: &'static str = "encryption-key-file";
    const FILE_ENV: &'static str = "TICKETING_ENCRYPTION_KEY_FILE";
    const VALUE_NAME: &'static str = "KEY";
    const HELP: &'static str = "The key that encrypts the signing keys and the key of refresh tokens in the database, 64 \
                                hexadecimal digits; while it is replaced, the new and the old one, separated by a space. \
                                Prefer --encryption-key-file [default: the content of auth.key beside auth.db, which is \
                                created with the database]";
    const FILE_HELP: &'static str = "The file that contains the key, such as the output of `openssl rand -hex 32`.";
}

/// `--mail-key` or `--mail-key-file`.
#[derive(Clone, Copy, Debug)]
pub struct MailKeyFlag;

impl SecretFlag for MailKeyFlag {
    type Value = EncryptionKeys;
    const FLAG: &'static str = "mail-key";
    const ENV: &'static str = "TICKETING_MAIL_KEY";
    const FILE_FLAG: &'static str = "mail-key-file";
    const FILE_ENV: &'static str = "TICKETING_MAIL_KEY_FILE";
    const VALUE_NAME: &'static str = "KEY";
    const HELP: &'static str = "The key that encrypts the tokens of links in mails, 64 hexadecimal digits, the same for auth and \
                                notification; while it is replaced, the new and the old one, separated by a space. Prefer \
                                --mail-key-file [default: the content of auth.mail.key beside auth.db, which is created]";
    const FILE_HELP: &'static str = "The file that contains the key, such as the output of `openssl rand -hex 32`.";
}

impl chassis::Settings for Settings {}

impl Default for Settings {
    fn default() -> Self {
        chassis::default_settings()
    }
}

impl Settings {
    /// Returns the encryption keys, if they are given.
    pub(crate) fn encryption_keys(&self) -> Option<EncryptionKeys> {
        self.encryption_key.as_deref().cloned()
    }

    /// Returns how many failed attempts to sign in are allowed.
    pub(crate) const fn sign_in_limits(&self) -> SignInLimits {
        SignInLimits {
            per_account: self.failures_per_account,
            per_address: self.failures_per_address,
            before_slowing: self.failures_before_slowing,
            slow_interval: self.slow_interval,
            window: self.failure_window,
        }
    }

    /// Returns how many sign-ups are allowed.
    pub(crate) const fn sign_up_limits(&self) -> SignUpLimits {
        SignUpLimits {
            per_address: self.sign_ups_per_address,
            window: self.sign_up_window,
        }
    }

    /// Returns the keys that seal the tokens of links, if they are given.
    pub(crate) fn mail_keys(&self) -> Option<EncryptionKeys> {
        self.mail_key.as_deref().cloned()
    }

    /// Returns how many mails may be requested.
    pub(crate) const fn mail_limits(&self) -> MailLimits {
        MailLimits {
            per_account: self.mails_per_account,
            per_address: self.mails_per_address,
            window: self.mail_window,
        }
    }

    /// Returns how many passwords are hashed at the same time.
    pub(crate) fn hashers(&self) -> usize {
        match self.password_hashers {
            Some(number) => to_usize(number),
            None => available_parallelism().map_or(1, usize::from),
        }
    }

    /// Returns how many sign-ups, and how many sign-ins, may wait for a hasher.
    pub(crate) fn queue_limits(&self) -> QueueLimits {
        QueueLimits {
            waiting: to_usize(self.password_queue),
            per_network: to_usize(self.password_queue_per_address),
        }
    }
}

fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
