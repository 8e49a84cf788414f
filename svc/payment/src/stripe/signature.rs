//! Verifies the signatures of webhooks (<https://docs.stripe.com/webhooks#verify-manually>).

use std::time::Duration;

use chassis::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use values::Timestamp;

/// How old a signature may be, and how far Stripe's clock may be ahead.
const MAX_AGE: Duration = Duration::from_mins(5);

/// How many signatures of a header are compared, each with every secret. Stripe sends fewer.
const MAX_SIGNATURES: usize = 16;

/// The signing secrets of the webhook: one, or two during a rotation.
#[derive(Debug)]
pub(crate) struct SigningSecrets(Vec<Secret>);

/// Why a signature is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum SignatureError {
    #[error("Stripe-Signature must be t=…,v1=…")]
    Malformed,
    #[error("the signature is too old, or from the future")]
    Expired,
    #[error("the signature does not match the body")]
    Mismatch,
}

impl SigningSecrets {
    pub(crate) const fn new(secrets: Vec<Secret>) -> Self {
        Self(secrets)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks that a signature in `header` is valid for `body`. Compares in constant time.
    pub(crate) fn verify(&self, body: &[u8], header: &str, now: Timestamp) -> Result<(), SignatureError> {
        let (signed_at, signatures) = parse(header).ok_or(SignatureError::Malformed)?;
        let is_signed = self.0.iter().any(|secret| {
            // The body is hashed once, however many signatures a client has sent.
            let mac = compute_mac(secret, signed_at, body);
            mac.is_some_and(|mac| {
                signatures
                    .iter()
                    .any(|signature| mac.clone().verify_slice(signature).is_ok())
            })
        });
        if !is_signed {
            return Err(SignatureError::Mismatch);
        }
        let at = signed_at.parse::<i64>().map_err(|_| SignatureError::Malformed)?;
        let tolerated = i64::try_from(MAX_AGE.as_secs()).unwrap_or(i64::MAX);
        if now.seconds().abs_diff(at) > tolerated.unsigned_abs() {
            return Err(SignatureError::Expired);
        }
        Ok(())
    }
}

/// Returns the time as written, and the signatures of scheme v1: two while Stripe rotates its secret.
fn parse(header: &str) -> Option<(&str, Vec<Vec<u8>>)> {
    let mut at = None;
    let mut signatures = Vec::new();
    for (name, value) in header.split(',').filter_map(|part| part.trim().split_once('=')) {
        match name {
            "t" => at = Some(value),
            "v1" if signatures.len() < MAX_SIGNATURES => signatures.extend(unhex(value)),
            _ => {}
        }
    }
    let at = at.filter(|at| !at.is_empty() && at.bytes().all(|byte| byte.is_ascii_digit()))?;
    (!signatures.is_empty()).then_some((at, signatures))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

/// Computes the code of a time and a body, up to its comparison.
fn compute_mac(secret: &Secret, at: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    // HMAC takes a key of any length.
    let mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).ok()?;
    Some(mac.chain_update(at).chain_update(b".").chain_update(body))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AT: i64 = 1_700_000_000;
    // echo -n '1700000000.{}' | openssl dgst -sha256 -hmac whsec_test
    const GOOD: &str = "35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91";

    fn secrets(texts: &[&str]) -> SigningSecrets {
        SigningSecrets::new(texts.iter().map(|secret| Secret::new((*secret).to_owned())).collect())
    }

    fn verify(header: &str, after: i64) -> Result<(), SignatureError> {
        secrets(&["whsec_test"]).verify(b"{}", header, Timestamp::from_millis((AT + after) * 1000))
    }

    #[test]
    fn a_signature_is_valid_for_five_minutes() {
        let header = format!("t={AT},v1={GOOD}");
        for after in [0, 300, -300] {
            assert_eq!(verify(&header, after), Ok(()));
        }
        for after in [301, -301, 86_400] {
            assert_eq!(verify(&header, after), Err(SignatureError::Expired));
        }
    }

    #[test]
    fn one_valid_signature_and_one_matching_secret_suffice() {
        let other = "0".repeat(64);
        let now = Timestamp::from_millis(AT * 1000);
        let header = format!("t={AT},v1={other},v1={GOOD},v0={other}");
        let rotated = secrets(&["whsec_new", "whsec_test"]);
        assert_eq!(rotated.verify(b"{}", &header, now), Ok(()));
        let new = secrets(&["whsec_new"]);
        assert_eq!(new.verify(b"{}", &header, now), Err(SignatureError::Mismatch));
        assert_eq!(secrets(&[]).verify(b"{}", &header, now), Err(SignatureError::Mismatch));
    }

    #[test]
    fn another_time_another_body_and_another_scheme_do_not_match() {
        let later = AT + 1;
        for header in [
            format!("t={later},v1={GOOD}"),
            format!("t={AT},v1={}", "ab".repeat(32)),
            format!("t={AT},v1=abcd"),
        ] {
            assert_eq!(verify(&header, 0), Err(SignatureError::Mismatch), "{header}");
        }
        let now = Timestamp::from_millis(AT * 1000);
        let header = format!("t={AT},v1={GOOD}");
        assert_eq!(
            secrets(&["whsec_test"]).verify(b"{} ", &header, now),
            Err(SignatureError::Mismatch)
        );
        for header in [
            String::new(),
            format!("v1={GOOD}"),
            format!("t={AT}"),
            format!("t=,v1={GOOD}"),
            format!("t=now,v1={GOOD}"),
            format!("t={AT},v0={GOOD}"),
            format!("t={AT},v1=xyz"),
        ] {
            assert_eq!(verify(&header, 0), Err(SignatureError::Malformed), "{header}");
        }
    }

    proptest! {
        #[test]
        fn every_malformed_header_is_refused(header in ".{0,200}", body in prop::collection::vec(any::<u8>(), 0..64)) {
            let now = Timestamp::from_millis(AT * 1000);
            prop_assert!(secrets(&["whsec_test"]).verify(&body, &header, now).is_err());
        }
    }
}
