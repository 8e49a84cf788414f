//! Random bytes of the system.

/// Returns random bytes for a key, a nonce, a code or a token.
///
/// # Panics
///
/// If the system has no source of randomness: no secret could be generated.
#[expect(clippy::panic, reason = "there is nothing safe to do instead")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        panic!("the system has no randomness: {error}");
    }
    bytes
}
