use std::{sync::Arc, time::Duration};

use token::{Claims, DEFAULT_AUDIENCE, DEFAULT_ISSUER, Jwks, Keyring, SigningKey, Verifier};
use values::{Clock, SessionId, UserId};

use super::repeat;
use crate::BenchResult;

/// Tokens that are verified in turn.
const TOKENS: u64 = 400;

/// What the verifier has of a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tokens {
    /// Its signature was not verified by the current keys.
    New,
    /// It was used before.
    Known,
}

/// Returns the number of access tokens per second that one thread verifies, by the verifier of the services.
///
/// # Errors
///
/// Never: the tokens are valid.
pub fn verifications_per_second(tokens: Tokens, duration: Duration) -> BenchResult<f64> {
    let clock = Clock::system();
    let key = SigningKey::from_seed(&[7; 32])?;
    let jwks = Jwks {
        keys: vec![key.public().clone()],
    };
    let verifier = verifier(tokens, Keyring::new(&jwks), clock.clone());
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

fn verifier(tokens: Tokens, keyring: Keyring, clock: Clock) -> Verifier {
    let same = Arc::new(keyring.clone());
    // By a new set of keys, every signature is verified again.
    let keys = move || match tokens {
        Tokens::New => Arc::new(keyring.clone()),
        Tokens::Known => Arc::clone(&same),
    };
    Verifier::with_local_keys(keys, DEFAULT_ISSUER, DEFAULT_AUDIENCE, clock)
}
