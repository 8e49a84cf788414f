use std::{fmt, net::IpAddr, str::FromStr};

use percent_encoding::percent_decode_str;
use url::Url;

/// The address of an SMTP server: `smtps://user:password@host:465`, `smtp://user:password@host:587`. `Debug` shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpUrl {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encryption: Encryption,
    pub(super) credentials: Option<(String, String)>,
}

/// How a connection is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Encryption {
    /// From its beginning.
    Tls,
    /// By STARTTLS, which is required.
    StartTls,
    /// Not at all: to this machine only.
    None,
}

/// A text that is no address of an SMTP server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be smtps://USER:PASSWORD@HOST:PORT or smtp://USER:PASSWORD@HOST:PORT; user and port may be missing")]
pub struct MalformedSmtpUrl;

impl SmtpUrl {
    /// Whether the server is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

impl FromStr for SmtpUrl {
    type Err = MalformedSmtpUrl;

    fn from_str(text: &str) -> Result<Self, MalformedSmtpUrl> {
        let url = text.trim().parse::<Url>().map_err(|_| MalformedSmtpUrl)?;
        let has_rest = !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
        // The host of a scheme that `url` does not know is not checked to be an address.
        let host = url
            .host_str()
            .filter(|host| !host.is_empty() && !has_rest)
            .ok_or(MalformedSmtpUrl)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let encryption = match url.scheme() {
            "smtps" => Encryption::Tls,
            "smtp" if is_loopback(&host) => Encryption::None,
            "smtp" => Encryption::StartTls,
            _ => return Err(MalformedSmtpUrl),
        };
        let usual_port = match encryption {
            Encryption::Tls => 465,
            Encryption::StartTls => 587,
            Encryption::None => 25,
        };
        let decode = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8().map_err(|_| MalformedSmtpUrl)?;
            Ok(decoded.into_owned())
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            ("", Some(_)) | (_, None) => return Err(MalformedSmtpUrl),
            (user, Some(password)) => Some((decode(user)?, decode(password)?)),
        };
        Ok(Self {
            host,
            port: url.port().unwrap_or(usual_port),
            encryption,
            credentials,
        })
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = if self.credentials.is_some() { "[secret]@" } else { "" };
        write!(f, "{secret}{}:{} {:?}", self.host, self.port, self.encryption)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, u16, Encryption) {
        let url = text.parse::<SmtpUrl>().unwrap();
        (url.host, url.port, url.encryption)
    }

    #[test]
    fn only_a_connection_to_this_machine_may_be_plain() {
        for (text, host, port, encryption) in [
            ("smtps://mail.example.com", "mail.example.com", 465, Encryption::Tls),
            ("smtp://mail.example.com", "mail.example.com", 587, Encryption::StartTls),
            (
                "smtp://mail.example.com:25",
                "mail.example.com",
                25,
                Encryption::StartTls,
            ),
            ("smtp://192.0.2.1", "192.0.2.1", 587, Encryption::StartTls),
            ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, Encryption::None),
            ("smtp://localhost", "localhost", 25, Encryption::None),
            ("smtp://[::1]:1025/", "::1", 1025, Encryption::None),
            (
                "smtp://localhost.example.com",
                "localhost.example.com",
                587,
                Encryption::StartTls,
            ),
            (
                "smtp://127.0.0.1.example.com",
                "127.0.0.1.example.com",
                587,
                Encryption::StartTls,
            ),
        ] {
            assert_eq!(parsed(text), (host.to_owned(), port, encryption), "{text}");
        }
    }

    #[test]
    fn a_user_has_a_password_and_neither_is_printed() {
        let url = "smtp://tickets%40example.com:p%3Assw%2Frd@mail.example.com"
            .parse::<SmtpUrl>()
            .unwrap();
        let credentials = Some(("tickets@example.com".to_owned(), "p:ssw/rd".to_owned()));
        assert_eq!(url.credentials, credentials);
        assert_eq!(format!("{url:?}"), "[secret]@mail.example.com:587 StartTls");
    }

    #[test]
    fn a_malformed_address_is_refused() {
        for bad in [
            "",
            "mail.example.com",
            "smtp://",
            "http://mail.example.com",
            "smtp://user@mail.example.com",
            "smtp://:password@mail.example.com",
            "smtp://mail.example.com/path",
            "smtp://mail.example.com?tls=none",
            "smtp://mail.example.com:99999",
        ] {
            assert!(bad.parse::<SmtpUrl>().is_err(), "{bad}");
        }
    }
}
