//! Fixtures: a user, a session and keys.

use values::{Clock, SessionId, Timestamp, UserId};

use crate::{Claims, DEFAULT_AUDIENCE, DEFAULT_ISSUER, Jwks, SigningKey, Verifier};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

pub(crate) fn claims() -> Claims {
    Claims::new(
        DEFAULT_ISSUER,
        DEFAULT_AUDIENCE,
        UserId::new(NOW),
        SessionId::new(NOW),
        "1",
        NOW,
    )
}

pub(crate) fn jwks(keys: &[&SigningKey]) -> Jwks {
    Jwks {
        keys: keys.iter().map(|key| key.public().clone()).collect(),
    }
}

pub(crate) fn verifier(keys: &[&SigningKey], clock: &Clock) -> Verifier {
    Verifier::with_fixed_keys(&jwks(keys), DEFAULT_ISSUER, DEFAULT_AUDIENCE, clock.clone())
}
