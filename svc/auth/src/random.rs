/// Fills a salt or a key with random bytes.
///
/// # Panics
///
/// If the system has no source of randomness: no secret could be generated.
#[expect(clippy::panic, reason = "there is nothing safe to do instead")]
pub(crate) fn fill(bytes: &mut [u8]) {
    if let Err(error) = getrandom::fill(bytes) {
        panic!("the system has no randomness: {error}");
    }
}

/// Returns 32 random bytes for a key.
pub(crate) fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    fill(&mut seed);
    seed
}
