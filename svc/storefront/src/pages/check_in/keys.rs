//! Keys of forms.

use sha2::{Digest, Sha256};
use values::EventId;

use crate::frame::Visit;

/// Returns a key for a new form.
pub(super) fn new_key(visit: &Visit) -> String {
    EventId::new(visit.now()).to_string()
}

/// Returns the key of a form with its values: sent twice it has one effect, and with other values it is another request.
pub(super) fn key_with(form_key: &str, values: &str) -> String {
    let digest = Sha256::digest(values.as_bytes());
    let hash = digest
        .iter()
        .take(8)
        .fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
    let known: String = form_key.chars().filter(char::is_ascii_graphic).take(64).collect();
    format!("{known}.{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_with_other_values_is_another_request() {
        let key = key_with("a", "1");
        assert_eq!(key, key_with("a", "1"));
        assert_ne!(key, key_with("a", "2"));
        assert_ne!(key, key_with("b", "1"));
    }
}
