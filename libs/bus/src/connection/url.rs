use std::{fmt, str::FromStr};

use lapin::uri::{AMQPScheme, AMQPUri};
use tls::{ClientTls, ServerName};

/// The broker's address and credentials: `amqp://user:password@host:5672/%2f`, or `amqps://…` for TLS. `Display` and `Debug`
/// hide the password.
#[derive(Clone, PartialEq, Eq)]
pub struct AmqpUrl {
    uri: AMQPUri,
    /// The name in the broker's certificate, for `amqps`: the host of the text, whatever address it has.
    server_name: Option<ServerName>,
    /// `None` trusts the CAs of the operating system.
    tls: Option<ClientTls>,
}

/// An invalid URL of a broker. The error does not contain the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must look like amqp://user:password@host:5672/%2f ({0})")]
pub struct MalformedUrl(&'static str);

/// Seconds without traffic after which a connection counts as lost.
const HEARTBEAT_SECONDS: u16 = 10;

impl FromStr for AmqpUrl {
    type Err = MalformedUrl;

    fn from_str(text: &str) -> Result<Self, MalformedUrl> {
        let (scheme, rest) = text.split_once("://").ok_or(MalformedUrl("it has no scheme"))?;
        if !["amqp", "amqps"].contains(&scheme) {
            return Err(MalformedUrl("the scheme is neither amqp nor amqps"));
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        if host.is_empty() || host.starts_with(':') {
            return Err(MalformedUrl("it has no host"));
        }
        let mut uri: AMQPUri = text.parse().map_err(|_| MalformedUrl("it cannot be parsed"))?;
        if let Some((address, _)) = host.strip_prefix('[').and_then(|host| host.split_once(']')) {
            // AMQPUri parses an IPv6 address as localhost.
            address.clone_into(&mut uri.authority.host);
        }
        if uri.vhost.is_empty() {
            // A trailing slash would mean the virtual host "", which does not exist.
            "/".clone_into(&mut uri.vhost);
        }
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
        let has_tls = uri.scheme == AMQPScheme::AMQPS;
        let server_name = has_tls
            .then(|| ServerName::try_from(uri.authority.host.as_str()))
            .transpose()
            .map_err(|_| MalformedUrl("no certificate can contain its host"))?;
        Ok(Self {
            uri,
            server_name,
            tls: None,
        })
    }
}

impl AmqpUrl {
    /// Returns this URL with another host and port, and the same user and virtual host. The broker's certificate still has to
    /// contain the host of the text: an address that was looked up does not name the broker.
    #[must_use]
    pub fn with_address(&self, host: &str, port: u16) -> Self {
        let mut this = self.clone();
        host.clone_into(&mut this.uri.authority.host);
        this.uri.authority.port = port;
        this
    }

    /// Returns this URL with a configuration of TLS, which only `amqps` uses.
    #[must_use]
    pub fn with_tls(self, tls: ClientTls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Whether the connection is encrypted.
    pub const fn has_tls(&self) -> bool {
        self.server_name.is_some()
    }

    /// Returns the name that the broker's certificate must contain, and the configuration.
    pub(crate) fn tls(&self) -> Option<(ServerName, Option<ClientTls>)> {
        Some((self.server_name.clone()?, self.tls.clone()))
    }

    /// Returns the name of the user.
    pub(crate) fn user(&self) -> String {
        self.uri.authority.userinfo.username.clone()
    }

    pub(crate) fn uri(&self) -> AMQPUri {
        self.uri.clone()
    }
}

/// Formats the URL without the password.
impl fmt::Display for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri {
            scheme,
            authority,
            vhost,
            ..
        } = &self.uri;
        let scheme = match scheme {
            AMQPScheme::AMQP => "amqp",
            AMQPScheme::AMQPS => "amqps",
        };
        let vhost = if vhost == "/" { "%2f" } else { vhost };
        write!(
            f,
            "{scheme}://{}:***@{}:{}/{vhost}",
            authority.userinfo.username, authority.host, authority.port
        )
    }
}

/// Formats the URL without the password.
impl fmt::Debug for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_hides_its_password() {
        let url: AmqpUrl = "amqp://ada:s3cret@broker.example:5673/tickets".parse().unwrap();
        assert_eq!(url.to_string(), "amqp://ada:***@broker.example:5673/tickets");
        assert_eq!(format!("{url:?}"), url.to_string());
        assert_eq!(url.uri().authority.userinfo.password, "s3cret");
        for bad in [
            "amqp:s3cret",
            "http://ada:s3cret@host",
            "amqp://ada:s3cret@",
            "s3cret",
            "amqp://ada:s3cret@host:port",
        ] {
            let error = bad.parse::<AmqpUrl>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn the_virtual_host_defaults_to_the_root() {
        for text in ["amqp://localhost", "amqp://localhost/", "amqp://localhost:5672/%2f"] {
            assert_eq!(
                text.parse::<AmqpUrl>().unwrap().to_string(),
                "amqp://guest:***@localhost:5672/%2f",
                "{text}"
            );
        }
    }

    #[test]
    fn with_address_changes_only_host_and_port() {
        let url: AmqpUrl = "amqp://ada:s3cret@rabbitmq:1/tickets".parse().unwrap();
        let moved = url.with_address("10.0.0.7", 5673);
        assert_eq!(moved, "amqp://ada:s3cret@10.0.0.7:5673/tickets".parse().unwrap());
    }

    #[test]
    fn the_certificate_contains_the_host_of_the_text_whatever_address_it_has() {
        let url: AmqpUrl = "amqps://ada:s3cret@broker.example/tickets".parse().unwrap();
        assert_eq!(url.to_string(), "amqps://ada:***@broker.example:5671/tickets");
        let found = url.with_address("10.0.0.7", 5673);
        assert_eq!(found.to_string(), "amqps://ada:***@10.0.0.7:5673/tickets");
        assert_eq!(found.tls(), url.tls());
        assert!(found.has_tls() && !"amqp://localhost".parse::<AmqpUrl>().unwrap().has_tls());
        "amqps://ada:s3cret@[2001:db8::1]:5671".parse::<AmqpUrl>().unwrap();
        for bad in [
            "amqps://ada:s3cret@a_b\u{e4}c",
            "AMQPS://ada:s3cret@host",
            "amqps://ada:s3cret@:5671",
        ] {
            let error = bad.parse::<AmqpUrl>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn an_ipv6_address_is_not_parsed_as_localhost() {
        let url: AmqpUrl = "amqp://[2001:db8::1]:5672/%2f".parse().unwrap();
        assert_eq!(url.uri().authority.host, "2001:db8::1");
    }
}
