use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, Header, Validation};
use problem::Problem;
use tls::ClientTls;
use url::Url;
use values::Clock;

use crate::{
    Claims, DenyList, Jwks, Keyring, SignedIn,
    remote_keys::{KeysUnavailable, RemoteKeys},
    verified_tokens::{VerifiedToken, VerifiedTokens},
};

/// The allowed difference between the clocks of two machines.
const CLOCK_LEEWAY: Duration = Duration::from_secs(5);

/// Verifies access tokens. Cheap to clone; clones share the keys and the tokens that were verified before.
#[derive(Clone)]
pub struct Verifier {
    keys: Keys,
    issuer: Arc<str>,
    audience: Arc<str>,
    clock: Clock,
    denied: DenyList,
    verified: Arc<VerifiedTokens>,
}

#[derive(Clone)]
enum Keys {
    Remote(Arc<RemoteKeys>),
    Local(Arc<dyn Fn() -> Arc<Keyring> + Send + Sync>),
}

/// A token was not accepted.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VerifyError {
    /// Malformed, forged, or with another issuer or audience.
    #[error("the token is not valid: {0}")]
    Invalid(&'static str),
    /// Expired.
    #[error("the token has expired")]
    Expired,
    /// Its session has ended.
    #[error("the session of the token has ended")]
    SessionOver,
    /// No keys are available: none were fetched since the start, and none were stored.
    #[error("the keys of auth could not be fetched: {reason}")]
    KeysUnavailable {
        /// The error of the last fetch, with the URL.
        reason: String,
    },
}

impl Verifier {
    /// Verifies with the keys that auth publishes. `jwks_url` is called before each fetch, and may fail.
    ///
    /// The keys are fetched when first needed, every five minutes, and when a token names an unknown key. They are
    /// cached in memory and in the file `key_file`, so that they are available while auth is down. `tls` is
    /// needed for an `https` URL.
    pub fn with_remote_keys(
        jwks_url: impl Fn() -> Result<Url, String> + Send + Sync + 'static,
        key_file: PathBuf,
        tls: Option<&ClientTls>,
        issuer: impl Into<Arc<str>>,
        audience: impl Into<Arc<str>>,
        clock: Clock,
    ) -> Self {
        let keys = RemoteKeys::new(jwks_url, key_file, tls);
        Self::with_keys(keys, issuer, audience, clock)
    }

    pub(crate) fn with_keys(
        remote: RemoteKeys,
        issuer: impl Into<Arc<str>>,
        audience: impl Into<Arc<str>>,
        clock: Clock,
    ) -> Self {
        Self {
            keys: Keys::Remote(Arc::new(remote)),
            issuer: issuer.into(),
            audience: audience.into(),
            clock,
            denied: DenyList::default(),
            verified: Arc::default(),
        }
    }

    /// Verifies with the keys that `keys` returns: for auth itself.
    pub fn with_local_keys(
        keys: impl Fn() -> Arc<Keyring> + Send + Sync + 'static,
        issuer: impl Into<Arc<str>>,
        audience: impl Into<Arc<str>>,
        clock: Clock,
    ) -> Self {
        Self {
            keys: Keys::Local(Arc::new(keys)),
            issuer: issuer.into(),
            audience: audience.into(),
            clock,
            denied: DenyList::default(),
            verified: Arc::default(),
        }
    }

    /// Verifies with keys that never change: for tests.
    pub fn with_fixed_keys(
        jwks: &Jwks,
        issuer: impl Into<Arc<str>>,
        audience: impl Into<Arc<str>>,
        clock: Clock,
    ) -> Self {
        let keyring = Arc::new(Keyring::new(jwks));
        Self::with_local_keys(move || Arc::clone(&keyring), issuer, audience, clock)
    }

    /// Refuses the tokens that are on this list, too.
    #[must_use]
    pub fn with_deny_list(mut self, denied: DenyList) -> Self {
        self.denied = denied;
        self
    }

    /// Verifies a token and returns the signed-in user.
    ///
    /// The signature of a token is verified once for each set of keys. Everything else is checked each time.
    pub async fn verify(&self, token: &str) -> Result<SignedIn, VerifyError> {
        let known = self.verified.get(token);
        let verified = match known {
            Some(known) if known.is_verified_by(&self.keyring_for(&known.kid).await?) => known,
            _ => self.verify_signature(token).await?,
        };
        self.check_claims(&verified.claims)?;
        self.check_denials(&verified)?;
        Ok(SignedIn::new(&verified.claims))
    }

    async fn verify_signature(&self, token: &str) -> Result<Arc<VerifiedToken>, VerifyError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| VerifyError::Invalid("it is no JWT"))?;
        let kid = key_id(&header)?;
        if self.denied.has_key(kid) {
            // No keys are fetched for it.
            return Err(VerifyError::Invalid("its key was revoked"));
        }
        let keyring = self.keyring_for(kid).await?;
        let key = keyring.get(kid).ok_or(VerifyError::Invalid("its key is unknown"))?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &validate_signature_only())
            .map_err(|_| VerifyError::Invalid("its signature or its claims are wrong"))?
            .claims;
        // A token that is refused for another reason is not stored.
        self.check_claims(&claims)?;
        Ok(self.verified.insert(token, VerifiedToken::new(claims, kid, keyring)))
    }

    async fn keyring_for(&self, kid: &str) -> Result<Arc<Keyring>, VerifyError> {
        match &self.keys {
            Keys::Local(keyring) => Ok(keyring()),
            Keys::Remote(remote) => Ok(remote.keyring_for(kid).await?),
        }
    }

    fn check_denials(&self, token: &VerifiedToken) -> Result<(), VerifyError> {
        if self.denied.has_key(&token.kid) {
            return Err(VerifyError::Invalid("its key was revoked"));
        }
        if self.denied.has_session(token.claims.sid) {
            return Err(VerifyError::SessionOver);
        }
        Ok(())
    }

    /// Checks everything but the signature. Not by jsonwebtoken, because the clock is injected.
    fn check_claims(&self, claims: &Claims) -> Result<(), VerifyError> {
        let now = self.clock.now();
        if *claims.iss != *self.issuer {
            return Err(VerifyError::Invalid("its issuer is another one"));
        }
        if *claims.aud != *self.audience {
            return Err(VerifyError::Invalid("its audience is another one"));
        }
        let latest_start = (now + CLOCK_LEEWAY).seconds();
        if claims.iat > latest_start || claims.nbf.is_some_and(|nbf| nbf > latest_start) {
            return Err(VerifyError::Invalid("it is not valid yet"));
        }
        if claims.exp <= claims.iat {
            return Err(VerifyError::Invalid("it expires before it was issued"));
        }
        if claims.exp <= (now - CLOCK_LEEWAY).seconds() {
            return Err(VerifyError::Expired);
        }
        Ok(())
    }
}

/// Returns the key id of an acceptable header. Other references to a key in a header are ignored.
fn key_id(header: &Header) -> Result<&str, VerifyError> {
    if header.alg != Algorithm::EdDSA {
        return Err(VerifyError::Invalid("its algorithm is not EdDSA"));
    }
    if header.crit.is_some() {
        return Err(VerifyError::Invalid("it requires an unknown extension"));
    }
    header.kid.as_deref().ok_or(VerifyError::Invalid("it names no key"))
}

fn validate_signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

impl From<KeysUnavailable> for VerifyError {
    fn from(KeysUnavailable { reason }: KeysUnavailable) -> Self {
        Self::KeysUnavailable { reason }
    }
}

impl From<VerifyError> for Problem {
    fn from(error: VerifyError) -> Self {
        match &error {
            // The reason is not part of the response, so that it helps no attacker.
            VerifyError::Invalid(_) => {
                tracing::debug!(%error, "token refused");
                Self::unauthorized().code("invalid-token")
            }
            VerifyError::Expired => Self::unauthorized()
                .code("token-expired")
                .detail("The access token has expired: refresh it, or sign in."),
            VerifyError::SessionOver => Self::unauthorized()
                .code("session-over")
                .detail("The session has ended: sign in again."),
            VerifyError::KeysUnavailable { .. } => {
                Self::unavailable("Access tokens cannot be verified at the moment; try again.", &error)
            }
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
