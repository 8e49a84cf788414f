use std::{path::PathBuf, time::Duration};

use chassis::{ConfigErrors, SecretArg, SecretFlag, at_least, in_range, parsed};
use lettre::message::Mailbox;
use sealing::EncryptionKeys;
use url::Url;

use crate::{
    domain::{MailRules, RateLimits},
    smtp::{SmtpUrl, parse_mailbox},
};

/// The settings of the notification service.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Settings {
    /// The SMTP server.
    #[command(flatten)]
    pub smtp_url: Option<SecretArg<SmtpUrlFlag>>,
    /// The certificates (PEM) that the SMTP server is verified by [default: those of the system]
    #[arg(long, env = "TICKETING_SMTP_CA_FILE", value_name = "FILE")]
    pub smtp_ca_file: Option<PathBuf>,
    /// Mails that are sent at the same time, each over a connection of its own (1 to 64).
    #[arg(
        long,
        env = "TICKETING_SMTP_CONNECTIONS",
        default_value = "4",
        value_name = "NUMBER",
        value_parser = in_range::<u32>(1..=64)
    )]
    pub smtp_connections: u32,
    /// The folder that mails are written to as files without an SMTP server [default: mail beside the database]
    #[arg(long, env = "TICKETING_MAIL_FOLDER", value_name = "FOLDER")]
    pub mail_folder: Option<PathBuf>,
    /// The sender of mails.
    #[arg(
        long,
        env = "TICKETING_MAIL_FROM",
        default_value = "Ticketing <tickets@localhost>",
        value_name = "MAILBOX",
        value_parser = parse_mailbox
    )]
    pub mail_from: Mailbox,
    /// Where answers to mails go [default: to the sender]
    #[arg(long, env = "TICKETING_MAIL_REPLY_TO", value_name = "MAILBOX", value_parser = parse_mailbox)]
    pub mail_reply_to: Option<Mailbox>,
    /// The address of the pages, which links in mails begin with.
    #[arg(
        long,
        env = "TICKETING_PUBLIC_URL",
        default_value = "http://localhost:4000",
        value_name = "URL",
        value_parser = parsed::<Url>
    )]
    pub public_url: Url,
    /// The key that encrypts tokens in events of the auth service.
    #[command(flatten)]
    pub mail_key: Option<SecretArg<MailKeyFlag>>,
    /// The key that encrypts codes and tokens in events of the ticket service.
    #[command(flatten)]
    pub admission_key: Option<SecretArg<AdmissionKeyFlag>>,
    /// Mails to one address in an hour, except those about its account; others wait.
    #[arg(
        long = "mails-per-recipient",
        env = "TICKETING_MAILS_PER_RECIPIENT",
        default_value = "30",
        value_name = "NUMBER",
        value_parser = at_least::<u32>(1)
    )]
    pub per_recipient: u32,
    /// Mails in a minute, in all; others wait.
    #[arg(
        long = "mails-per-minute",
        env = "TICKETING_MAILS_PER_MINUTE",
        default_value = "600",
        value_name = "NUMBER",
        value_parser = at_least::<u32>(1)
    )]
    pub per_minute: u32,
    /// Hours after which a mail that cannot be sent is given up (1 to 240).
    #[arg(
        long = "mail-give-up-hours",
        env = "TICKETING_MAIL_GIVE_UP_HOURS",
        default_value = "24",
        value_name = "HOURS",
        value_parser = in_range::<u32>(1..=240)
    )]
    pub give_up_hours: u32,
    /// The age of an event, in hours, beyond which it is not mailed any more (1 to 240).
    #[arg(
        long = "mail-max-event-age-hours",
        env = "TICKETING_MAIL_MAX_EVENT_AGE_HOURS",
        default_value = "24",
        value_name = "HOURS",
        value_parser = in_range::<u32>(1..=240)
    )]
    pub max_event_age_hours: u32,
    /// Days after which a mail that was sent or given up is deleted (1 to 365).
    #[arg(
        long = "mail-retention-days",
        env = "TICKETING_MAIL_RETENTION_DAYS",
        default_value = "30",
        value_name = "DAYS",
        value_parser = in_range::<u32>(1..=365)
    )]
    pub retention_days: u32,
}

/// `--smtp-url` or `--smtp-url-file`.
#[derive(Clone, Copy, Debug)]
pub struct SmtpUrlFlag;

impl SecretFlag for SmtpUrlFlag {
    type Value = SmtpUrl;
    const FLAG: &'static str = "smtp-url";
    const ENV: &'static str = "TICKETING_SMTP_URL";
    const FILE_FLAG: &'static str = "smtp-url-file";
    const FILE_ENV: &'static str = "TICKETING_SMTP_URL_FILE";
    const VALUE_NAME: &'static str = "URL";
    const HELP: &'static str = "The SMTP server, smtps://USER:PASSWORD@HOST:465 or smtp://USER:PASSWORD@HOST:587. The latter \
                                requires STARTTLS, except to this machine. It contains a password: prefer --smtp-url-file \
                                [default: none, mails are files in --mail-folder]";
    const FILE_HELP: &'static str = "The file that contains the address of the SMTP server.";
}

/// A key that is shared with another service.
pub trait KeyFlag: SecretFlag<Value = EncryptionKeys> {
    /// The extension of the file beside the database that has the key if it is not given.
    const EXTENSION: &'static str;
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
    const HELP: &'static str = "The key that encrypts tokens of links in events, 64 hexadecimal digits; auth has the same. Prefer \
                                --mail-key-file [default: the content of notification.mail-key beside the database, which is \
                                created]";
    const FILE_HELP: &'static str = "The file that contains the key that auth and notification share.";
}

impl KeyFlag for MailKeyFlag {
    const EXTENSION: &'static str = "mail-key";
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
    const HELP: &'static str = "The key that encrypts codes of tickets in events, 64 hexadecimal digits; ticket has the same. Prefer \
                                --admission-key-file [default: the content of notification.admission-key beside the database, \
                                which is created]";
    const FILE_HELP: &'static str = "The file that contains the key that ticket and notification share.";
}

impl KeyFlag for AdmissionKeyFlag {
    const EXTENSION: &'static str = "admission-key";
}

impl chassis::Settings for Settings {
    fn validate(&self, errors: &mut ConfigErrors) {
        if !matches!(self.public_url.scheme(), "http" | "https") || self.public_url.cannot_be_a_base() {
            errors.add("--public-url", "must begin with https:// or http://");
        }
        if self.smtp_url.is_some() && self.mail_folder.is_some() {
            errors.add("--mail-folder", "has no effect with --smtp-url: give one of them");
        }
        let domain = self.mail_from.email.domain();
        if self.smtp_url.is_some() && !self.is_local_server() && domain == "localhost" {
            errors.add(
                "--mail-from",
                "must be an address of your domain, which the SMTP server may send for",
            );
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        chassis::default_settings()
    }
}

impl Settings {
    pub(crate) fn rules(&self) -> MailRules {
        let hours = |hours: u32| Duration::from_hours(hours.into());
        MailRules {
            max_event_age: hours(self.max_event_age_hours),
            give_up_after: hours(self.give_up_hours),
            retention: hours(self.retention_days.saturating_mul(24)),
        }
    }

    pub(crate) const fn rates(&self) -> RateLimits {
        RateLimits {
            per_recipient_and_hour: self.per_recipient,
            per_minute: self.per_minute,
        }
    }

    /// Whether mails go to a server of this machine, which delivers them to nobody else in development.
    fn is_local_server(&self) -> bool {
        self.smtp_url.as_deref().is_some_and(SmtpUrl::is_loopback)
    }
}
