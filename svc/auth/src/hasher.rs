use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::phc::{Output, ParamsString, Salt},
};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use crate::{password::Password, random};

/// 19 MiB and two passes: OWASP's first choice for argon2id
/// (<https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>).
const COST: Params = Params::DEFAULT;

/// Blocks of 1 KiB that a working memory has room for. It uses the first 19 MiB only; but glibc gives memory back to the
/// system at once only if it is more than 32 MiB (mallopt(3), `M_MMAP_THRESHOLD`), and room costs nothing until used.
const ROOM: usize = 33 * 1024;

/// Hashes passwords: slow on purpose, so on threads of their own, a few at a time, the others waiting in a bounded line.
#[derive(Clone, Debug)]
pub struct Hasher {
    turns: Arc<Semaphore>,
    line: Arc<Line>,
}

/// Whoever waits or works.
#[derive(Debug)]
struct Line {
    longest: usize,
    inside: AtomicUsize,
    /// Working memories, kept from one to the next while anybody is here.
    spare: Mutex<Vec<Memory>>,
    /// How many passwords were hashed: for tests, which must not measure time.
    hashed: AtomicU64,
}

/// More wait than can be served soon.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many are waiting for their password to be checked")]
pub struct LineIsFull;

impl Hasher {
    /// Hashes at most `at_once` passwords at a time, while at most `waiting` wait.
    pub fn new(at_once: usize, waiting: usize) -> Self {
        let at_once = at_once.clamp(1, Semaphore::MAX_PERMITS);
        let line = Line {
            longest: waiting.saturating_add(at_once),
            inside: AtomicUsize::new(0),
            spare: Mutex::default(),
            hashed: AtomicU64::new(0),
        };
        Self {
            turns: Arc::new(Semaphore::new(at_once)),
            line: Arc::new(line),
        }
    }

    /// Hashes a new password, as a PHC string.
    pub async fn hash(&self, password: Password) -> Result<String, LineIsFull> {
        self.in_turn(move |desk| desk.hash(&password)).await
    }

    /// Does `work`, in which passwords can be hashed, when it is its turn.
    ///
    /// Once its turn has come it is done, even if nobody waits for the answer any more.
    pub async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Desk<'_>) -> T + Send + 'static,
    ) -> Result<T, LineIsFull> {
        let place = Place::take(&self.line)?;
        // Never closed; and whoever gives up waiting leaves the line.
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| LineIsFull)?;
        let work = move || {
            let place = place;
            let mut memory = place.0.spare().pop().unwrap_or_default();
            let done = work(&mut Desk {
                memory: &mut memory,
                line: &place.0,
            });
            place.0.spare().push(memory);
            drop(place);
            drop(turn);
            done
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|ended| match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is shutting down.
                Err(_) => LineIsFull,
            })
    }

    /// How many passwords were hashed so far.
    pub fn hashed(&self) -> u64 {
        self.line.hashed.load(Ordering::SeqCst)
    }
}

/// A place in the line. The last one out clears the tables.
struct Place(Arc<Line>);

impl Place {
    fn take(line: &Arc<Line>) -> Result<Self, LineIsFull> {
        let place = Self(Arc::clone(line));
        // Its drop takes it back.
        if line.inside.fetch_add(1, Ordering::SeqCst) < line.longest {
            Ok(place)
        } else {
            Err(LineIsFull)
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.0.inside.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.spare().clear();
        }
    }
}

impl Line {
    fn spare(&self) -> MutexGuard<'_, Vec<Memory>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What argon2 works in.
#[derive(Default)]
struct Memory(Vec<Block>);

impl Memory {
    fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.len() < count {
            self.0.reserve_exact(count.max(ROOM).saturating_sub(self.0.len()));
            self.0.resize(count, Block::default());
        }
        &mut self.0
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB", self.0.len())
    }
}

/// Where passwords can be hashed, during one's turn.
#[derive(Debug)]
pub struct Desk<'a> {
    memory: &'a mut Memory,
    line: &'a Line,
}

impl Desk<'_> {
    /// Whether it is the password that was hashed. `None`, an account that does not exist, takes as long and is false.
    pub fn verify(&mut self, password: &Password, hash: Option<&str>) -> bool {
        let stored = hash.and_then(Stored::parse);
        if hash.is_some() && stored.is_none() {
            tracing::error!("a stored password hash cannot be read");
        }
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(Stored::nobodys);
        let hashed = self.hash_with(password, &stored.params, &stored.salt);
        bool::from(hashed.ct_eq(&stored.hash)) && exists
    }

    fn hash(&mut self, password: &Password) -> String {
        let mut salt = [0; 16];
        random::fill(&mut salt);
        let hash = self.hash_with(password, &COST, &salt);
        phc(&salt, &hash).unwrap_or_else(|error| unreachable!("16 and 32 bytes always fit: {error}"))
    }

    fn hash_with(&mut self, password: &Password, params: &Params, salt: &[u8]) -> [u8; 32] {
        self.line.hashed.fetch_add(1, Ordering::SeqCst);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let mut hash = [0; 32];
        let blocks = self.memory.blocks(params.block_count());
        match argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut hash, blocks) {
            Ok(()) => hash,
            Err(error) => unreachable!("the sizes are as they must be: {error}"),
        }
    }
}

fn phc(salt: &[u8], hash: &[u8]) -> argon2::password_hash::Result<String> {
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&COST)?,
        salt: Some(Salt::new(salt)?),
        hash: Some(Output::new(hash)?),
    };
    Ok(hash.to_string())
}

/// A hash as it was stored, with its own cost: raising [`COST`] locks nobody out.
struct Stored {
    params: Params,
    salt: Vec<u8>,
    hash: [u8; 32],
}

impl Stored {
    fn parse(text: &str) -> Option<Self> {
        let parsed = PasswordHash::new(text).ok()?;
        if parsed.algorithm != ARGON2ID_IDENT || parsed.version != Some(Version::V0x13.into()) {
            return None;
        }
        let hash = parsed.hash.as_ref()?.as_bytes().try_into().ok()?;
        Some(Self {
            params: Params::try_from(&parsed).ok()?,
            salt: parsed.salt?.to_vec(),
            hash,
        })
    }

    /// What everybody without an account is compared with.
    fn nobodys() -> Self {
        Self {
            params: COST,
            salt: vec![0; 16],
            hash: [0; 32],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(typed: &str) -> Password {
        Password::typed(typed.to_owned())
    }

    async fn verify(hasher: &Hasher, typed: &str, hash: Option<String>) -> bool {
        let password = password(typed);
        hasher
            .in_turn(move |desk| desk.verify(&password, hash.as_deref()))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_no_other_is() {
        let hasher = Hasher::new(2, 10);
        let hash = hasher.hash(password("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(
            hash,
            hasher.hash(password("correct horse")).await.unwrap(),
            "each has its own salt"
        );
        assert!(verify(&hasher, "correct horse", Some(hash.clone())).await);
        assert!(!verify(&hasher, "correct horsf", Some(hash)).await);
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_stays_good() {
        use argon2::PasswordHasher;
        let cheap = Argon2::from(Params::new(64, 1, 1, None).unwrap());
        let hash = cheap
            .hash_password_with_salt(b"correct horse", b"salt of 16 bytes")
            .unwrap()
            .to_string();
        assert!(verify(&Hasher::new(1, 1), "correct horse", Some(hash)).await);
    }

    #[tokio::test]
    async fn an_account_that_does_not_exist_costs_as_much_and_is_never_right() {
        let hasher = Hasher::new(1, 1);
        for hash in [None, Some("$argon2id$nonsense".to_owned()), Some(String::new())] {
            let before = hasher.hashed();
            assert!(!verify(&hasher, "correct horse", hash).await);
            assert_eq!(hasher.hashed(), before + 1);
        }
    }

    #[tokio::test]
    async fn the_line_is_bounded_and_empties() {
        let hasher = Hasher::new(1, 1);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let working = hasher.in_turn(move |_| held.recv().is_ok());
        let mut working = std::pin::pin!(working);
        assert!(poll(&mut working).await.is_none(), "it works until it is released");
        let mut waiting = Box::pin(hasher.hash(password("a")));
        assert!(poll(&mut waiting).await.is_none(), "it waits");
        assert_eq!(hasher.hash(password("b")).await, Err(LineIsFull));

        drop(waiting);
        let waiting = hasher.hash(password("c"));
        release.send(()).unwrap();
        assert!(working.await.unwrap());
        waiting.await.unwrap();
        assert!(hasher.line.spare().is_empty(), "no memory is kept");
        assert_eq!(hasher.line.inside.load(Ordering::SeqCst), 0);
    }

    /// Polls once.
    async fn poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(done) => std::task::Poll::Ready(Some(done)),
            std::task::Poll::Pending => std::task::Poll::Ready(None),
        })
        .await
    }
}
