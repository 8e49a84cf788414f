use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, Header, Validation};
use problem::Problem;
use url::Url;
use values::Clock;

use crate::{
    Claims, Jwks, Keyring, SignedIn,
    remote::{Remote, Unreachable},
};

/// By how much the clocks of two machines may differ.
const LEEWAY: Duration = Duration::from_secs(5);

/// Checks access tokens. Cheap to clone; all clones share the keys.
#[derive(Clone)]
pub struct Verifier {
    keys: Keys,
    issuer: Arc<str>,
    audience: Arc<str>,
    clock: Clock,
}

#[derive(Clone)]
enum Keys {
    Remote(Arc<Remote>),
    Local(Arc<dyn Fn() -> Arc<Keyring> + Send + Sync>),
}

/// Why a token was not accepted.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refused {
    /// It is no token of ours: of another form, for or from somebody else, forged.
    #[error("the token is not valid: {0}")]
    Invalid(&'static str),
    /// It was good once.
    #[error("the token has expired")]
    Expired,
    /// No key is known yet by which it could be checked: auth has never been reached.
    #[error("the keys of auth could not be read: {reason}")]
    NoKeys {
        /// What went wrong, and where.
        reason: String,
    },
}

impl Verifier {
    /// Verifies by the keys that auth publishes; `jwks_url` is asked for their address each time that they are read, and
    /// may say that it does not know it yet.
    ///
    /// They are read when first needed, kept while auth is away, also in the file `kept_at`, and read again every five
    /// minutes and when a token names a key that is not among them. No request is needed per token. An error means that
    /// no HTTP client could be made, which is a matter of the system.
    pub fn at(
        jwks_url: impl Fn() -> Result<Url, String> + Send + Sync + 'static,
        kept_at: PathBuf,
        issuer: impl Into<Arc<str>>,
        audience: impl Into<Arc<str>>,
        clock: Clock,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self::remote(Remote::new(jwks_url, kept_at)?, issuer, audience, clock))
    }

    pub(crate) fn remote(
        remote: Remote,
        issuer: impl Into<Arc<str>>,
        audience: impl Into<Arc<str>>,
        clock: Clock,
    ) -> Self {
        Self {
            keys: Keys::Remote(Arc::new(remote)),
            issuer: issuer.into(),
            audience: audience.into(),
            clock,
        }
    }

    /// Verifies by keys that are at hand: auth's own.
    pub fn local(
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
        }
    }

    /// Verifies by keys that never change: for tests.
    pub fn fixed(jwks: &Jwks, issuer: impl Into<Arc<str>>, audience: impl Into<Arc<str>>, clock: Clock) -> Self {
        let ring = Arc::new(Keyring::new(jwks));
        Self::local(move || Arc::clone(&ring), issuer, audience, clock)
    }

    /// Who is signed in, by this token.
    pub async fn verify(&self, token: &str) -> Result<SignedIn, Refused> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Invalid("it is no JWT"))?;
        let kid = acceptable(&header)?;
        let ring = match &self.keys {
            Keys::Local(ring) => ring(),
            Keys::Remote(remote) => remote.ring_for(kid).await?,
        };
        let key = ring.get(kid).ok_or(Refused::Invalid("no key of ours signed it"))?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &signature_only())
            .map_err(|_| Refused::Invalid("its signature or its claims are wrong"))?
            .claims;
        self.check(&claims)?;
        Ok(SignedIn::new(&claims))
    }

    /// All but the signature. By hand, because the clock is injected.
    fn check(&self, claims: &Claims) -> Result<(), Refused> {
        let now = self.clock.now();
        if *claims.iss != *self.issuer {
            return Err(Refused::Invalid("somebody else issued it"));
        }
        if *claims.aud != *self.audience {
            return Err(Refused::Invalid("it is for somebody else"));
        }
        let latest_start = (now + LEEWAY).seconds();
        if claims.iat > latest_start || claims.nbf.is_some_and(|nbf| nbf > latest_start) {
            return Err(Refused::Invalid("it is from the future"));
        }
        if claims.exp <= claims.iat {
            return Err(Refused::Invalid("it was never good"));
        }
        if claims.exp <= (now - LEEWAY).seconds() {
            return Err(Refused::Expired);
        }
        Ok(())
    }
}

/// The name of the key, if the header is one of ours. What a token says about its own key is never followed.
fn acceptable(header: &Header) -> Result<&str, Refused> {
    if header.alg != Algorithm::EdDSA {
        return Err(Refused::Invalid("its algorithm is not EdDSA"));
    }
    if header.crit.is_some() {
        return Err(Refused::Invalid("it asks for an extension that is unknown here"));
    }
    header.kid.as_deref().ok_or(Refused::Invalid("it names no key"))
}

fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

impl From<Unreachable> for Refused {
    fn from(Unreachable { reason }: Unreachable) -> Self {
        Self::NoKeys { reason }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match &refused {
            // Why exactly is nobody's business but ours.
            Refused::Invalid(_) => {
                tracing::debug!(%refused, "a token was refused");
                Self::unauthorized().code("invalid-token")
            }
            Refused::Expired => Self::unauthorized()
                .code("token-expired")
                .detail("The access token has expired: refresh it, or sign in."),
            Refused::NoKeys { .. } => Self::unavailable("Nobody can be signed in for now; try again.", &refused),
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
