use std::time::Duration;

use token::{Claims, DEFAULT_AUDIENCE, DEFAULT_ISSUER, Jwks, SigningKey, Verifier};
use values::{Clock, SessionId, UserId};

use super::repeat;
use crate::BenchResult;

/// Tokens that are verified in turn: more than a cache of verified tokens would make cheap by accident.
const TOKENS: u64 = 400;

/// Returns the number of access tokens per second that one thread verifies, by the verifier of the services.
///
/// # Errors
///
/// Never: the tokens are valid.
pub fn verifications_per_second(duration: Duration) -> BenchResult<f64> {
    let clock = Clock::system();
    let key = SigningKey::from_seed(&[7; 32])?;
    let jwks = Jwks {
        keys: vec![key.public().clone()],
    };
    let verifier = Verifier::with_fixed_keys(&jwks, DEFAULT_ISSUER, DEFAULT_AUDIENCE, clock.clone());
    let mut tokens = Vec::new();
    for number in 0..TOKENS {
        let (user, session) = (UserId::new(clock.now()), SessionId::new(clock.now()));
        let claims = Claims::new(
            DEFAULT_ISSUER,
            DEFAULT_AUDIENCE,
            user,
            session,
            number.to_string(),
            clock.now(),
        );
        tokens.push(key.sign(&claims)?);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    repeat(duration, |number| {
        let token = tokens.get(usize::try_from(number % TOKENS)?).ok_or("no token")?;
        runtime.block_on(verifier.verify(token))?;
        Ok(())
    })
}
