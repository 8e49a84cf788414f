use sha2::{Digest, Sha256};

/// The bytes of a hash in the list: of 40,000 passwords, one in 2^24 others is taken for one of them.
const DIGEST_BYTES: usize = 5;

/// The hashes of the 100,000 most used passwords that have 8 characters or more, in order. Written by `cargo run -p auth --example
/// common_passwords`.
const LIST: &[u8] = include_bytes!("common_passwords.bin");

/// Returns the hash by which a password is found in the list.
pub fn common_password_digest(password: &str) -> [u8; DIGEST_BYTES] {
    let hash = Sha256::digest(password.as_bytes());
    let mut digest = [0; DIGEST_BYTES];
    digest.copy_from_slice(&hash[..DIGEST_BYTES]);
    digest
}

/// Whether a password is one of the most used ones, whatever its upper and lower case.
pub(super) fn is_common(password: &str) -> bool {
    let (list, _) = LIST.as_chunks::<DIGEST_BYTES>();
    let is_listed = |text: &str| list.binary_search(&common_password_digest(text)).is_ok();
    is_listed(password) || is_listed(&password.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_used_passwords_are_found_and_others_are_not() {
        for common in [
            "password",
            "12345678",
            "qwerty123",
            "Password1",
            "PASSWORD1",
            "iloveyou1",
            "1q2w3e4r5t",
            "07021958",
        ] {
            assert!(is_common(common), "{common}");
        }
        for other in [
            "correct horse",
            "correct horse battery staple",
            "kaffee mit 2 stück",
            "",
        ] {
            assert!(!is_common(other), "{other}");
        }
        let random = (0..100_000).filter(|number| is_common(&format!("x{number}-ticketing-7Q")));
        assert_eq!(random.count(), 0);
    }

    #[test]
    fn the_list_is_sorted_and_complete() {
        let (list, rest) = LIST.as_chunks::<DIGEST_BYTES>();
        assert!(rest.is_empty() && list.is_sorted());
        assert_eq!(list.len(), 39_330);
    }
}
