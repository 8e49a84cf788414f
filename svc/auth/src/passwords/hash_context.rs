use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::phc::{Output, ParamsString, Salt},
};
use sealing::random;
use subtle::ConstantTimeEq;

use crate::domain::Password;

/// 19 MiB and two passes: OWASP's first choice for argon2id
/// (<https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>).
const COST: Params = Params::DEFAULT;

/// The capacity of a working memory, in blocks of 1 KiB. Only the first 19 MiB are used, but glibc returns memory to the
/// system at once only if it is more than 32 MiB (mallopt(3), `M_MMAP_THRESHOLD`), and unused capacity costs nothing.
const CAPACITY_BLOCKS: usize = 33 * 1024;

/// The working memory of argon2.
#[derive(Default)]
pub(super) struct WorkingMemory(Vec<Block>);

impl WorkingMemory {
    fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.len() < count {
            self.0
                .reserve_exact(count.max(CAPACITY_BLOCKS).saturating_sub(self.0.len()));
            self.0.resize(count, Block::default());
        }
        &mut self.0
    }
}

impl fmt::Debug for WorkingMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB", self.0.len())
    }
}

/// Hashes and verifies passwords, in the working memory of a thread of the hash queue.
#[derive(Debug)]
pub(crate) struct HashContext<'a> {
    pub(super) memory: &'a mut WorkingMemory,
    /// The number of hashes so far: for tests, which must not measure time.
    pub(super) hash_count: &'a AtomicU64,
}

impl HashContext<'_> {
    /// Whether the hash is that of the password. `None`, for an account that does not exist, takes as long and is false.
    pub(crate) fn verify(&mut self, password: &Password, hash: Option<&str>) -> bool {
        let stored = hash.and_then(StoredHash::parse);
        if hash.is_some() && stored.is_none() {
            tracing::error!("stored password hash cannot be parsed");
        }
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(StoredHash::placeholder);
        let hashed = self.hash_with(password, &stored.params, &stored.salt);
        bool::from(hashed.ct_eq(&stored.hash)) && exists
    }

    /// Hashes a new password, as a PHC string.
    pub(crate) fn hash(&mut self, password: &Password) -> String {
        let salt: [u8; 16] = random::bytes();
        let hash = self.hash_with(password, &COST, &salt);
        phc_string(&salt, &hash).unwrap_or_else(|error| unreachable!("16 and 32 bytes always fit: {error}"))
    }

    fn hash_with(&mut self, password: &Password, params: &Params, salt: &[u8]) -> [u8; 32] {
        self.hash_count.fetch_add(1, Ordering::SeqCst);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let mut hash = [0; 32];
        let blocks = self.memory.blocks(params.block_count());
        match argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut hash, blocks) {
            Ok(()) => hash,
            Err(error) => unreachable!("memory and output have the right sizes: {error}"),
        }
    }
}

fn phc_string(salt: &[u8], hash: &[u8]) -> argon2::password_hash::Result<String> {
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&COST)?,
        salt: Some(Salt::new(salt)?),
        hash: Some(Output::new(hash)?),
    };
    Ok(hash.to_string())
}

/// A stored hash with its own cost, so that [`COST`] can be raised.
struct StoredHash {
    params: Params,
    salt: Vec<u8>,
    hash: [u8; 32],
}

impl StoredHash {
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

    /// The hash that a password is compared with if there is no account.
    fn placeholder() -> Self {
        Self {
            params: COST,
            salt: vec![0; 16],
            hash: [0; 32],
        }
    }
}
