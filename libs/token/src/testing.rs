//! A person, a session and a key for the tests of this crate.

use values::{Clock, SessionId, Timestamp, UserId};

use crate::{AUDIENCE, Claims, ISSUER, Jwks, SigningKey, Verifier};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

pub(crate) fn claims() -> Claims {
    Claims::new(ISSUER, AUDIENCE, UserId::new(NOW), SessionId::new(NOW), "1", NOW)
}

pub(crate) fn jwks(keys: &[&SigningKey]) -> Jwks {
    Jwks {
        keys: keys.iter().map(|key| key.public().clone()).collect(),
    }
}

pub(crate) fn verifier(keys: &[&SigningKey], clock: &Clock) -> Verifier {
    Verifier::fixed(&jwks(keys), ISSUER, AUDIENCE, clock.clone())
}
