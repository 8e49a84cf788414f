use sealing::{CannotOpen, EncryptionKeys, NONCE_BYTES};
use sha2::{Digest, Sha256};
use totp_rs::{Builder, Totp, TotpError};
use values::{Timestamp, UserId};
use zeroize::Zeroizing;

/// The bytes of a secret (RFC 4226, section 4).
pub(crate) const SECRET_BYTES: usize = 20;

/// The bytes of a recovery code.
pub(crate) const RECOVERY_BYTES: usize = 10;

/// The number of recovery codes of an account.
pub(crate) const RECOVERY_CODES: usize = 10;

/// The name of the marketplace in an authenticator.
const ISSUER: &str = "Ticketing";

/// The digits of recovery codes: no 0, 1, 8, 9, which are like letters (RFC 4648, section 6).
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The second factor of an account: codes that an authenticator derives from a shared secret and the time (RFC 6238: SHA-1, 6
/// digits, 30 seconds, which all authenticators support).
#[derive(Clone)]
pub(crate) struct SecondFactor {
    pub(crate) user_id: UserId,
    /// The secret, encrypted.
    pub(crate) sealed: Vec<u8>,
    pub(crate) created_at: Timestamp,
    /// When a code confirmed it; only then it is required.
    pub(crate) enabled_at: Option<Timestamp>,
    /// The time step of the last code that was used.
    pub(crate) last_step: i64,
}

impl SecondFactor {
    /// Creates a second factor that is not enabled yet.
    pub(crate) fn new(
        user_id: UserId,
        secret: [u8; SECRET_BYTES],
        now: Timestamp,
        encryption: &EncryptionKeys,
        nonce: [u8; NONCE_BYTES],
    ) -> Self {
        Self {
            user_id,
            sealed: encryption.seal(&purpose(user_id), &secret, nonce),
            created_at: now,
            enabled_at: None,
            last_step: 0,
        }
    }

    /// Encrypts the secret with the first key.
    pub(crate) fn seal_again(
        &mut self,
        encryption: &EncryptionKeys,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<(), CannotOpen> {
        let secret = encryption.open(&purpose(self.user_id), &self.sealed)?;
        self.sealed = encryption.seal(&purpose(self.user_id), &secret, nonce);
        Ok(())
    }

    /// Uses a code. Returns whether it is right: each code once, that of the present half minute, the one before or after.
    pub(crate) fn use_code(
        &mut self,
        code: &str,
        now: Timestamp,
        encryption: &EncryptionKeys,
    ) -> Result<bool, CannotOpen> {
        let secret = encryption.open(&purpose(self.user_id), &self.sealed)?;
        let totp = authenticator(&secret, "account");
        let seconds = u64::try_from(now.seconds()).unwrap_or(0);
        let step = totp.ok().and_then(|totp| totp.check(code, seconds));
        let step = step.and_then(|step| i64::try_from(step).ok());
        let unused = step.filter(|step| *step > self.last_step);
        self.last_step = unused.unwrap_or(self.last_step);
        Ok(unused.is_some())
    }
}

fn purpose(user_id: UserId) -> Vec<u8> {
    format!("ticketing totp secret\0{user_id}").into_bytes()
}

fn authenticator(secret: &[u8], account: &str) -> Result<Totp, TotpError> {
    Builder::new()
        .with_secret(secret.to_vec())
        .with_account_name(account)
        .with_issuer(Some(ISSUER))
        .build()
}

/// Returns the text that an authenticator reads as a QR code: `otpauth://totp/…`.
pub(crate) fn otpauth_uri(secret: &[u8; SECRET_BYTES], email: &str) -> Result<String, TotpError> {
    authenticator(secret, email)?.to_url()
}

/// Returns the secret as a user types it into an authenticator.
pub(crate) fn secret_text(secret: &[u8; SECRET_BYTES]) -> String {
    base32(secret).to_ascii_uppercase()
}

/// A recovery code, which replaces a code of the authenticator once.
pub(crate) struct RecoveryCode(Zeroizing<String>);

impl RecoveryCode {
    /// Creates a code from random bytes: 16 letters and digits in groups of four.
    pub(crate) fn new(random: [u8; RECOVERY_BYTES]) -> Self {
        let mut text = base32(&random);
        for position in [12, 8, 4] {
            text.insert(position, '-');
        }
        Self(Zeroizing::new(text))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the hash that is stored.
    pub(crate) fn hash(&self) -> [u8; 32] {
        recovery_hash(&self.0)
    }
}

/// Returns the hash of a recovery code as it was typed: upper and lower case, spaces and hyphens do not matter.
pub(crate) fn recovery_hash(typed: &str) -> [u8; 32] {
    let letters = typed.chars().filter(char::is_ascii_alphanumeric);
    let text = Zeroizing::new(letters.map(|letter| letter.to_ascii_lowercase()).collect::<String>());
    Sha256::digest(text.as_bytes()).into()
}

/// Encodes bytes, five at a time as eight letters and digits.
fn base32(bytes: &[u8]) -> String {
    let (mut text, mut buffer, mut bits) = (String::new(), 0_u32, 0);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            let digit = usize::try_from((buffer >> bits) & 31).unwrap_or_default();
            text.push(BASE32.get(digit).map_or('a', |digit| char::from(*digit)));
        }
        buffer &= (1 << bits) - 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const SECRET: [u8; SECRET_BYTES] = *b"12345678901234567890";

    fn factor() -> (EncryptionKeys, SecondFactor) {
        let (keys, user) = (EncryptionKeys::new([1; 32]), UserId::new(NOW));
        let factor = SecondFactor::new(user, SECRET, NOW, &keys, [2; NONCE_BYTES]);
        (keys, factor)
    }

    fn code(at: i64) -> String {
        let totp = authenticator(&SECRET, "account").unwrap();
        totp.generate(u64::try_from(at).unwrap()).to_string()
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, the last six digits.
        for (seconds, expected) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(code(seconds), expected);
            let (keys, mut factor) = factor();
            let at = Timestamp::from_millis(seconds * 1000);
            assert!(factor.use_code(expected, at, &keys).unwrap());
        }
    }

    #[test]
    fn a_code_is_used_once_and_none_before_it_afterwards() {
        let (keys, mut factor) = factor();
        let now = NOW.seconds();
        for (offset, accepted) in [
            (-60, false),
            (60, false),
            (0, true),
            (0, false),
            (-30, false),
            (30, true),
            (30, false),
        ] {
            let used = factor.use_code(&code(now + offset), NOW, &keys).unwrap();
            assert_eq!(used, accepted, "{offset}");
        }
        for malformed in ["", "1", "abcdef", "1234567", "12 34 56 78"] {
            assert!(!factor.use_code(malformed, NOW, &keys).unwrap());
        }
    }

    #[test]
    fn a_secret_is_opened_for_its_account_only() {
        let (keys, mut factor) = factor();
        assert!(!factor.sealed.windows(8).any(|window| window == &SECRET[..8]));
        factor.user_id = UserId::new(NOW);
        assert!(factor.use_code(&code(NOW.seconds()), NOW, &keys).is_err());
    }

    #[test]
    fn an_authenticator_receives_the_secret_by_a_uri() {
        let uri = otpauth_uri(&SECRET, "ada+tickets@example.com").unwrap();
        let secret = secret_text(&SECRET);
        assert_eq!(secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(
            uri.starts_with("otpauth://totp/Ticketing:ada%2Btickets%40example.com?"),
            "{uri}"
        );
        assert!(
            uri.contains(&format!("secret={secret}")) && uri.contains("issuer=Ticketing"),
            "{uri}"
        );
    }

    #[test]
    fn a_recovery_code_is_recognised_however_it_is_typed() {
        let recovery = RecoveryCode::new([0xf5; RECOVERY_BYTES]);
        let text = recovery.as_str();
        assert_eq!(text.len(), 19);
        for typed in [text.to_owned(), text.to_uppercase(), text.replace('-', " ")] {
            assert_eq!(recovery_hash(&typed), recovery.hash());
        }
        assert_ne!(recovery_hash("aaaa"), recovery.hash());
    }
}
