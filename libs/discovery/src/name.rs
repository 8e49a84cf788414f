use std::{fmt, str::FromStr, sync::Arc};

/// The name of a service in Consul.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ServiceName(Arc<str>);

/// The text is not the name of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the name of a service in Consul: up to 63 letters, digits and dashes, such as ticketing-auth")]
pub struct MalformedName;

impl FromStr for ServiceName {
    type Err = MalformedName;

    /// Accepts names that are also DNS labels, as Consul recommends.
    fn from_str(text: &str) -> Result<Self, MalformedName> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if (1..=63).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(MalformedName)
        }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_change_the_path_of_the_query() {
        for bad in [
            "",
            "../kv/secret",
            "auth?near=_agent",
            "a b",
            "rabbit.mq",
            &"a".repeat(64),
        ] {
            assert_eq!(bad.parse::<ServiceName>(), Err(MalformedName), "{bad}");
        }
        assert_eq!(
            "ticketing-auth".parse::<ServiceName>().unwrap().to_string(),
            "ticketing-auth"
        );
    }
}
