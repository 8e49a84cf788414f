use std::{fmt, str::FromStr};

use lapin::uri::{AMQPScheme, AMQPUri};

/// Where the broker is and who we are there: `amqp://user:password@host:5672/%2f`. It never shows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct AmqpUrl(AMQPUri);

/// A text that is no broker's URL. It does not repeat the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must look like amqp://user:password@host:5672/%2f ({0})")]
pub struct MalformedUrl(&'static str);

/// Bytes in a frame. lapin keeps two buffers of 32 frames for each connection: with the broker's usual 128 KiB these
/// are 8 MiB for each service. 8 KiB is the least that RabbitMQ 4 accepts.
const FRAME: u32 = 8192;

/// Seconds after which a silent peer counts as gone.
const HEARTBEAT: u16 = 10;

impl FromStr for AmqpUrl {
    type Err = MalformedUrl;

    fn from_str(text: &str) -> Result<Self, MalformedUrl> {
        let (scheme, rest) = text.split_once("://").ok_or(MalformedUrl("it has no scheme"))?;
        match scheme {
            "amqp" => {}
            "amqps" => {
                return Err(MalformedUrl(
                    "amqps is not built in: put a TLS proxy beside the service",
                ));
            }
            _ => return Err(MalformedUrl("the scheme is not amqp")),
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        if host.is_empty() || host.starts_with(':') {
            return Err(MalformedUrl("it has no host"));
        }
        let mut uri: AMQPUri = text.parse().map_err(|_| MalformedUrl("it cannot be read"))?;
        if let Some((address, _)) = host.strip_prefix('[').and_then(|host| host.split_once(']')) {
            // AMQPUri takes an IPv6 address for localhost.
            address.clone_into(&mut uri.authority.host);
        }
        if uri.vhost.is_empty() {
            // A trailing slash names the virtual host "", which nobody has.
            "/".clone_into(&mut uri.vhost);
        }
        uri.query.frame_max.get_or_insert(FRAME);
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        Ok(Self(uri))
    }
}

impl AmqpUrl {
    /// The same broker, in the same virtual host and as the same user, where it is now: for one that moves.
    #[must_use]
    pub fn at(&self, host: &str, port: u16) -> Self {
        let mut uri = self.uri();
        host.clone_into(&mut uri.authority.host);
        uri.authority.port = port;
        Self(uri)
    }

    pub(crate) fn uri(&self) -> AMQPUri {
        self.0.clone()
    }
}

/// Without the password.
impl fmt::Display for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri {
            scheme,
            authority,
            vhost,
            ..
        } = &self.0;
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

/// Without the password.
impl fmt::Debug for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_never_shows_its_password() {
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
    fn the_virtual_host_is_the_usual_one_unless_named() {
        for text in ["amqp://localhost", "amqp://localhost/", "amqp://localhost:5672/%2f"] {
            assert_eq!(
                text.parse::<AmqpUrl>().unwrap().to_string(),
                "amqp://guest:***@localhost:5672/%2f",
                "{text}"
            );
        }
    }

    #[test]
    fn a_broker_that_moved_is_the_same_but_for_its_address() {
        let url: AmqpUrl = "amqp://ada:s3cret@rabbitmq:1/tickets".parse().unwrap();
        let moved = url.at("10.0.0.7", 5673);
        assert_eq!(moved, "amqp://ada:s3cret@10.0.0.7:5673/tickets".parse().unwrap());
    }

    #[test]
    fn an_ipv6_address_is_not_taken_for_localhost() {
        let url: AmqpUrl = "amqp://[2001:db8::1]:5672/%2f".parse().unwrap();
        assert_eq!(url.uri().authority.host, "2001:db8::1");
    }
}
