/// The number of characters of a new password, as the service counts them.
const CHARS: std::ops::RangeInclusive<usize> = 8..=128;

/// Returns the id of the text that explains why the service refused a new password.
pub(crate) fn refused_password(password: &str) -> &'static str {
    if CHARS.contains(&password.chars().count()) {
        "password-easy"
    } else {
        "password-malformed"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_of_the_right_length_is_refused_because_it_is_easy_to_guess() {
        assert_eq!(refused_password("1234567"), "password-malformed");
        assert_eq!(refused_password("12345678"), "password-easy");
        assert_eq!(refused_password(&"ß".repeat(128)), "password-easy");
        assert_eq!(refused_password(&"ß".repeat(129)), "password-malformed");
    }
}
