/// Random bytes for salts and keys. Without a source of randomness nothing here can be safe, so that is the end.
#[expect(clippy::panic, reason = "there is nothing safe to do instead")]
pub(crate) fn fill(bytes: &mut [u8]) {
    if let Err(error) = getrandom::fill(bytes) {
        panic!("the system has no randomness: {error}");
    }
}

/// A key of 32 random bytes.
pub(crate) fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    fill(&mut seed);
    seed
}
