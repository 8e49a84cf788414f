//! The secret key, as `Authorization: Bearer sk_…` or as the user name of Basic.

use base64::{Engine, prelude::BASE64_STANDARD};
use poem::http::{HeaderMap, header::AUTHORIZATION};
use subtle::ConstantTimeEq;

use crate::error::StripeError;

/// Whether the request carries the secret key.
pub(crate) fn check(headers: &HeaderMap, secret_key: &str) -> Result<(), StripeError> {
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(key_of);
    let given = given.filter(|key| !key.is_empty()).ok_or_else(StripeError::no_key)?;
    if bool::from(given.as_bytes().ct_eq(secret_key.as_bytes())) {
        Ok(())
    } else {
        Err(StripeError::wrong_key(&given))
    }
}

fn key_of(header: &str) -> Option<String> {
    let (scheme, rest) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(BASE64_STANDARD.decode(rest.trim()).ok()?).ok()?;
    Some(
        pair.split_once(':')
            .map_or_else(|| pair.clone(), |(user, _)| user.to_owned()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(header: Option<&str>) -> Option<u16> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(AUTHORIZATION, header.parse().unwrap());
        }
        check(&headers, "sk_test_1").err().map(|error| error.status.as_u16())
    }

    #[test]
    fn the_key_is_taken_as_bearer_and_as_basic_and_nothing_else() {
        assert_eq!(status(Some("Bearer sk_test_1")), None);
        assert_eq!(
            status(Some(&format!("Basic {}", BASE64_STANDARD.encode("sk_test_1:")))),
            None
        );
        assert_eq!(status(None), Some(401));
        assert_eq!(status(Some("Bearer sk_test_2")), Some(401));
        assert_eq!(status(Some("Digest sk_test_1")), Some(401));
        assert_eq!(status(Some("Basic %%%")), Some(401));
    }
}
