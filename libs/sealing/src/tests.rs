use super::*;

const VALUE: &[u8] = &[7; 32];

fn sealed(keys: &EncryptionKeys, purpose: &str) -> Vec<u8> {
    keys.seal(purpose.as_bytes(), VALUE, [1; NONCE_BYTES])
}

#[test]
fn a_sealed_value_is_opened_with_its_key_for_its_purpose_only() {
    let (keys, other) = (EncryptionKeys::new([1; 32]), EncryptionKeys::new([2; 32]));
    let stored = sealed(&keys, "a");
    assert_eq!(stored.len(), 69);
    assert!(!stored.windows(8).any(|window| window == [7; 8]));
    assert_eq!(keys.open(b"a", &stored).unwrap().as_slice(), VALUE);
    assert_eq!(keys.open(b"b", &stored).unwrap_err(), CannotOpen::Damaged);
    assert_eq!(other.open(b"a", &stored).unwrap_err(), CannotOpen::OtherKey);
    for position in 0..69 {
        let mut changed = stored.clone();
        changed[position] ^= 1;
        assert!(keys.open(b"a", &changed).is_err(), "{position}");
    }
    assert_eq!(keys.open(b"a", &[]).unwrap_err(), CannotOpen::Damaged);
}

#[test]
fn an_older_key_opens_and_the_first_one_seals() {
    let text = format!("{}\n{}\n", "02".repeat(32), "01".repeat(32));
    let (old, both) = (EncryptionKeys::new([1; 32]), text.parse::<EncryptionKeys>().unwrap());
    let stored = sealed(&old, "a");
    assert!(old.is_current(&stored) && !both.is_current(&stored));
    let value = both.open(b"a", &stored).unwrap();
    let again = both.seal(b"a", &value, [2; NONCE_BYTES]);
    assert!(both.is_current(&again));
    assert!(old.open(b"a", &again).is_err());
}

#[test]
fn a_new_value_can_be_sealed_with_the_key_of_a_stored_one() {
    let text = format!("{}\n{}\n", "02".repeat(32), "01".repeat(32));
    let (old, both) = (EncryptionKeys::new([1; 32]), text.parse::<EncryptionKeys>().unwrap());
    let like_old = both.encrypting_like(&sealed(&old, "a"));
    assert!(old.is_current(&sealed(&like_old, "b")));
    assert!(like_old.open(b"a", &sealed(&both, "a")).is_ok());
    let unknown = sealed(&EncryptionKeys::new([3; 32]), "a");
    assert_eq!(*both.encrypting_like(&unknown).to_text(), *both.to_text());
}

#[test]
fn a_key_has_64_hexadecimal_digits_and_is_never_printed() {
    let key = EncryptionKeys::new([0xab; 32]);
    assert_eq!(*key.to_text(), "ab".repeat(32));
    assert!(key.to_text().to_uppercase().parse::<EncryptionKeys>().is_ok());
    for bad in [
        "",
        " ",
        "ab",
        &"ab".repeat(33),
        &"xy".repeat(32),
        &format!("{} 1", "ab".repeat(32)),
    ] {
        assert!(bad.parse::<EncryptionKeys>().is_err(), "{bad}");
    }
    assert_eq!(format!("{key:?}"), "[encryption keys]");
}
