//! Whether a letter is from Stripe, and of now (<https://docs.stripe.com/webhooks#verify-manually>).

use std::time::Duration;

use chassis::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use values::Timestamp;

/// How old a signature may be, and how far Stripe's clock ahead of ours.
const TOLERANCE: Duration = Duration::from_mins(5);

/// More signatures than anybody sends; each costs a comparison with each secret.
const MOST: usize = 16;

/// What Stripe signs with: one secret, or two while it is rotated.
#[derive(Debug)]
pub(crate) struct Signers(Vec<Secret>);

/// Why a signature is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum BadSignature {
    #[error("Stripe-Signature must be t=…,v1=…")]
    Malformed,
    #[error("the signature is not of these minutes")]
    Old,
    #[error("the signature does not fit")]
    Wrong,
}

impl Signers {
    pub(crate) const fn new(secrets: Vec<Secret>) -> Self {
        Self(secrets)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of the signatures in `header` is one of ours over `body`. Compared in constant time.
    pub(crate) fn verify(&self, body: &[u8], header: &str, now: Timestamp) -> Result<(), BadSignature> {
        let (signed_at, signatures) = parse(header).ok_or(BadSignature::Malformed)?;
        let fits = self.0.iter().any(|secret| {
            signatures
                .iter()
                .any(|signature| is_signed(secret, signed_at, body, signature))
        });
        if !fits {
            return Err(BadSignature::Wrong);
        }
        // Signed, so the moment is Stripe's word.
        let at = signed_at.parse::<i64>().map_err(|_| BadSignature::Malformed)?;
        let tolerated = i64::try_from(TOLERANCE.as_secs()).unwrap_or(i64::MAX);
        if now.seconds().abs_diff(at) > tolerated.unsigned_abs() {
            return Err(BadSignature::Old);
        }
        Ok(())
    }
}

/// The moment as it is written, and every signature of scheme v1: there are two while Stripe rotates its secret.
fn parse(header: &str) -> Option<(&str, Vec<Vec<u8>>)> {
    let mut at = None;
    let mut signatures = Vec::new();
    for (name, value) in header.split(',').filter_map(|part| part.trim().split_once('=')) {
        match name {
            "t" => at = Some(value),
            "v1" if signatures.len() < MOST => signatures.extend(unhex(value)),
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

fn is_signed(secret: &Secret, at: &str, body: &[u8], signature: &[u8]) -> bool {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else {
        return false;
    };
    mac.update(at.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.verify_slice(signature).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AT: i64 = 1_700_000_000;
    // echo -n '1700000000.{}' | openssl dgst -sha256 -hmac whsec_test
    const GOOD: &str = "35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91";

    fn signers(secrets: &[&str]) -> Signers {
        Signers::new(secrets.iter().map(|secret| Secret::new((*secret).to_owned())).collect())
    }

    fn verify(header: &str, after: i64) -> Result<(), BadSignature> {
        signers(&["whsec_test"]).verify(b"{}", header, Timestamp::from_millis((AT + after) * 1000))
    }

    #[test]
    fn what_stripe_signed_is_taken_for_five_minutes() {
        let header = format!("t={AT},v1={GOOD}");
        for after in [0, 300, -300] {
            assert_eq!(verify(&header, after), Ok(()));
        }
        for after in [301, -301, 86_400] {
            assert_eq!(verify(&header, after), Err(BadSignature::Old));
        }
    }

    #[test]
    fn one_of_several_signatures_and_one_of_several_secrets_will_do() {
        let other = "0".repeat(64);
        let now = Timestamp::from_millis(AT * 1000);
        let header = format!("t={AT},v1={other},v1={GOOD},v0={other}");
        let rotated = signers(&["whsec_new", "whsec_test"]);
        assert_eq!(rotated.verify(b"{}", &header, now), Ok(()));
        let new = signers(&["whsec_new"]);
        assert_eq!(new.verify(b"{}", &header, now), Err(BadSignature::Wrong));
        assert_eq!(signers(&[]).verify(b"{}", &header, now), Err(BadSignature::Wrong));
    }

    #[test]
    fn another_moment_another_body_and_another_scheme_do_not_fit() {
        let later = AT + 1;
        for header in [
            format!("t={later},v1={GOOD}"),
            format!("t={AT},v1={}", "ab".repeat(32)),
            format!("t={AT},v1=abcd"),
        ] {
            assert_eq!(verify(&header, 0), Err(BadSignature::Wrong), "{header}");
        }
        let now = Timestamp::from_millis(AT * 1000);
        let header = format!("t={AT},v1={GOOD}");
        assert_eq!(
            signers(&["whsec_test"]).verify(b"{} ", &header, now),
            Err(BadSignature::Wrong)
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
            assert_eq!(verify(&header, 0), Err(BadSignature::Malformed), "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_header_is_too_odd_to_be_refused(header in ".{0,200}", body in prop::collection::vec(any::<u8>(), 0..64)) {
            let now = Timestamp::from_millis(AT * 1000);
            prop_assert!(signers(&["whsec_test"]).verify(&body, &header, now).is_err());
        }
    }
}
