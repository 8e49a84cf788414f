use poem::http::{HeaderMap, HeaderName, header};
use problem::Problem;

/// The start of the names that our cookies have over TLS.
const HOST_PREFIX: &[u8] = b"__Host-ticketing_";

/// A cookie of ours, with the two names that it may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cookie {
    /// The name over TLS. Browsers accept a name with this prefix only from our own host, over TLS, for all of its paths:
    /// neither a page of another subdomain nor an attacker on the network can plant such a cookie.
    pub name: &'static str,
    /// The name without TLS, for development. Releases up to 0.1 have it over TLS as well.
    pub plain_name: &'static str,
}

/// The cookie that carries the refresh token of a page.
pub const REFRESH_COOKIE: Cookie = Cookie {
    name: "__Host-ticketing_refresh",
    plain_name: "ticketing_refresh",
};

/// The cookie by which a browser is recognised that has signed in before.
pub const DEVICE_COOKIE: Cookie = Cookie {
    name: "__Host-ticketing_device",
    plain_name: "ticketing_device",
};

impl Cookie {
    /// Returns the value of the cookie. An error if it is not ASCII, or if there are two: one of them was not set by us. Other
    /// cookies may be anything.
    ///
    /// The plain name is accepted only from a browser that has none of our cookies with the prefix. One that has, has been
    /// signed in over TLS: a plain cookie was planted, and waits for the expiry of the other one.
    pub fn value(self, headers: &HeaderMap) -> Result<Option<&str>, Problem> {
        match cookie_value(headers, self.name)? {
            Some(value) => Ok(Some(value)),
            None if pairs(headers).any(|(name, _)| name.starts_with(HOST_PREFIX)) => Ok(None),
            None => cookie_value(headers, self.plain_name),
        }
    }
}

/// Returns the names and values of all cookies.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = pair.split_at(equals);
        Some((name.trim_ascii(), value[1..].trim_ascii()))
    })
}

/// Returns the value of the cookie with this name, like [`Cookie::value`].
pub fn cookie_value<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let named = pairs(headers).filter(|(other, _)| *other == name.as_bytes());
    let mut values = named.map(|(_, value)| value);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(unreadable(&header::COOKIE));
    }
    let value = str::from_utf8(value).ok().filter(|value| value.is_ascii());
    let value = value.ok_or_else(|| unreadable(&header::COOKIE))?;
    Ok(Some(value.trim_matches('"')))
}

/// 401: a header with credentials that cannot be read. It is not treated as absent.
pub(crate) fn unreadable(name: &HeaderName) -> Problem {
    Problem::unauthorized()
        .code("invalid-token")
        .field(name.as_str(), "must consist of visible ASCII characters and come once")
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    const COOKIE: Cookie = Cookie {
        name: "__Host-ticketing_a",
        plain_name: "ticketing_a",
    };

    #[test]
    fn the_name_with_the_prefix_takes_precedence_and_a_duplicate_is_refused() {
        for (lines, expected) in [
            (&["__Host-ticketing_a=1; ticketing_a=2"][..], Some(Some("1"))),
            (&["ticketing_a=2; __Host-ticketing_a=1"], Some(Some("1"))),
            (&["ticketing_a=2"], Some(Some("2"))),
            (&["b=3; aa=4"], Some(None)),
            (&["__Host-ticketing_a=1; __Host-ticketing_a=1"], None),
            (&["__Host-ticketing_a=1", "__Host-ticketing_a=2"], None),
            (&["ticketing_a=1; ticketing_a=2"], None),
            // What an attacker plants under the plain name does not sign anybody out.
            (&["__Host-ticketing_a=1; ticketing_a=2; ticketing_a=3"], Some(Some("1"))),
            (&["__host-ticketing_a=1; ticketing_a=2"], Some(Some("2"))),
            // Nor does it sign anybody in whose cookie has expired.
            (&["__Host-ticketing_b=1; ticketing_a=2"], Some(None)),
            (&["ticketing_a=2", "__Host-ticketing_b="], Some(None)),
            (&["ticketing_a=2; ticketing_a=3; __Host-ticketing_b=1"], Some(None)),
            (&["__Host-other=1; ticketing_a=2"], Some(Some("2"))),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, HeaderValue::from_str(line).unwrap());
            }
            assert_eq!(COOKIE.value(&headers).ok(), expected, "{lines:?}");
        }
    }
}
