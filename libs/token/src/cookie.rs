use poem::http::{HeaderMap, HeaderName, header};
use problem::Problem;

/// A cookie of ours, with the two names that it may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cookie {
    /// The name over TLS. Browsers accept a name with this prefix only from our own host, over TLS, for all of its paths:
    /// neither a page of another subdomain nor an attacker on the network can plant such a cookie.
    pub name: &'static str,
    /// The name without TLS, for development. Releases up to 0.1 have it over TLS as well.
    pub plain_name: &'static str,
}

impl Cookie {
    /// Returns the value of the cookie; under its plain name only if it has no other. An error if it is not ASCII, or if there
    /// are two: one of them was not set by us. Other cookies may be anything.
    pub fn value(self, headers: &HeaderMap) -> Result<Option<&str>, Problem> {
        match cookie_value(headers, self.name)? {
            Some(value) => Ok(Some(value)),
            None => cookie_value(headers, self.plain_name),
        }
    }
}

/// Returns the value of the cookie with this name, like [`Cookie::value`].
pub fn cookie_value<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let mut values = pairs.filter_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (key, value) = pair.split_at(equals);
        (key.trim_ascii() == name.as_bytes()).then(|| value[1..].trim_ascii())
    });
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
        name: "__Host-a",
        plain_name: "a",
    };

    #[test]
    fn the_name_with_the_prefix_takes_precedence_and_a_duplicate_is_refused() {
        for (lines, expected) in [
            (&["__Host-a=1; a=2"][..], Some(Some("1"))),
            (&["a=2; __Host-a=1"], Some(Some("1"))),
            (&["a=2"], Some(Some("2"))),
            (&["b=3; aa=4"], Some(None)),
            (&["__Host-a=1; __Host-a=1"], None),
            (&["__Host-a=1", "__Host-a=2"], None),
            (&["a=1; a=2"], None),
            // What an attacker plants under the plain name does not sign anybody out.
            (&["__Host-a=1; a=2; a=3"], Some(Some("1"))),
            (&["__host-a=1; a=2"], Some(Some("2"))),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, HeaderValue::from_str(line).unwrap());
            }
            assert_eq!(COOKIE.value(&headers).ok(), expected, "{lines:?}");
        }
    }
}
