//! Ids in the form of Stripe: a prefix for the kind, then random letters and digits.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Returns a new id such as `pi_3PgafyB7WZ01zgkWSjxsAJo3`.
pub(crate) fn new(prefix: &str) -> Result<String, getrandom::Error> {
    Ok(format!("{prefix}_{}", random(24)?))
}

/// Returns random letters and digits, uniformly distributed.
pub(crate) fn random(length: usize) -> Result<String, getrandom::Error> {
    let mut text = String::with_capacity(length);
    let mut bytes = [0_u8; 32];
    while text.len() < length {
        getrandom::fill(&mut bytes)?;
        // 248 is the largest multiple of 62 that a byte holds: larger bytes would favour the first letters.
        let letters = bytes
            .iter()
            .filter(|byte| **byte < 248)
            .map(|byte| ALPHABET[usize::from(byte % 62)]);
        text.extend(letters.take(length - text.len()).map(char::from));
    }
    Ok(text)
}
