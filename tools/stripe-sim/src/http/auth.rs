//! API keys: `Authorization: Bearer sk_…`, or the user name of Basic; a browser can send `key=pk_…` in its form.

use base64::{Engine, prelude::BASE64_STANDARD};
use poem::http::{HeaderMap, header::AUTHORIZATION};
use subtle::ConstantTimeEq;

use crate::error::StripeError;

/// The owner of the key that a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The secret key: the seller's server.
    Seller,
    /// The publishable key: a buyer's browser.
    Browser,
}

/// The pair of keys of an account.
pub(crate) struct ApiKeys {
    pub(crate) secret: String,
    pub(crate) publishable: String,
}

impl ApiKeys {
    /// Returns the owner of the key in the header, or in the parameter `key`, which accepts a publishable key only.
    pub(crate) fn authenticate(&self, headers: &HeaderMap, parameter: Option<&str>) -> Result<Caller, StripeError> {
        let header = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(key_of)
            .filter(|key| !key.is_empty());
        let equal = |key: &str, expected: &str| bool::from(key.as_bytes().ct_eq(expected.as_bytes()));
        match (&header, parameter) {
            (Some(key), _) if equal(key, &self.secret) => Ok(Caller::Seller),
            (Some(key), _) if equal(key, &self.publishable) => Ok(Caller::Browser),
            (None, Some(key)) if equal(key, &self.publishable) => Ok(Caller::Browser),
            (Some(key), _) => Err(StripeError::wrong_key(key)),
            (None, Some(key)) => Err(StripeError::wrong_key(key)),
            (None, None) => Err(StripeError::no_key()),
        }
    }
}

/// Returns the key in an `Authorization` header.
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

    fn caller(header: Option<&str>, parameter: Option<&str>) -> Result<Caller, u16> {
        let keys = ApiKeys {
            secret: "sk_test_1".to_owned(),
            publishable: "pk_test_1".to_owned(),
        };
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(AUTHORIZATION, header.parse().unwrap());
        }
        keys.authenticate(&headers, parameter)
            .map_err(|error| error.status.as_u16())
    }

    #[test]
    fn the_key_is_accepted_as_bearer_and_as_basic_and_in_no_other_scheme() {
        assert_eq!(caller(Some("Bearer sk_test_1"), None), Ok(Caller::Seller));
        let basic = format!("Basic {}", BASE64_STANDARD.encode("sk_test_1:"));
        assert_eq!(caller(Some(&basic), None), Ok(Caller::Seller));
        assert_eq!(caller(Some("Bearer pk_test_1"), None), Ok(Caller::Browser));
        assert_eq!(caller(None, None), Err(401));
        assert_eq!(caller(Some("Bearer sk_test_2"), None), Err(401));
        assert_eq!(caller(Some("Digest sk_test_1"), None), Err(401));
        assert_eq!(caller(Some("Basic %%%"), None), Err(401));
    }

    #[test]
    fn a_parameter_carries_the_publishable_key_and_never_the_secret_one() {
        assert_eq!(caller(None, Some("pk_test_1")), Ok(Caller::Browser));
        assert_eq!(caller(None, Some("sk_test_1")), Err(401));
        assert_eq!(caller(Some("Bearer sk_test_2"), Some("pk_test_1")), Err(401));
    }
}
