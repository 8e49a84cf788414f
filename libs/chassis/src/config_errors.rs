use std::{fmt, fs, str::FromStr};

use crate::Secret;

/// Everything that is wrong about the configuration, so that the operator hears it all at once.
#[derive(Debug, Default)]
pub struct ConfigErrors(Vec<String>);

impl ConfigErrors {
    /// Reads a setting, or notes what is wrong about it. `flag` is how the operator knows it: `--listen`.
    pub fn parse<T: FromStr<Err: fmt::Display>>(&mut self, flag: &str, text: &str) -> Option<T> {
        let parsed = text.trim().parse();
        self.check(flag, parsed)
    }

    /// Keeps a setting's value, or notes what is wrong about it.
    pub fn check<T, E: fmt::Display>(&mut self, flag: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.add(flag, error)).ok()
    }

    /// Notes what is wrong about a setting. The value itself is not repeated: it may be a secret.
    pub fn add(&mut self, flag: &str, error: impl fmt::Display) {
        self.0.push(format!("{flag}: {error}"));
    }

    /// Reads a secret that is given as it is or as the file that holds it; `None` when it is given in neither way.
    pub fn secret(&mut self, flag: &str, value: Option<&str>, file: Option<&str>) -> Option<Secret> {
        match (value, file) {
            (Some(_), Some(_)) => {
                self.add(flag, format_args!("given twice, also as {flag}-file"));
                None
            }
            (Some(value), None) => Some(Secret::new(value.trim().to_owned())),
            (None, Some(path)) => {
                let content = fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"));
                self.check(&format!("{flag}-file"), content)
                    .map(|content| Secret::new(content.trim().to_owned()))
            }
            (None, None) => None,
        }
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is not as it must be:")?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_named_and_no_secret_is_told() {
        let mut errors = ConfigErrors::default();
        assert_eq!(errors.parse::<u16>("--port", "many"), None);
        assert_eq!(errors.parse::<u16>("--other", " 7 "), Some(7));
        assert!(errors.secret("--key", Some("sk_1"), Some("/run/key")).is_none());
        assert!(errors.secret("--token", None, Some("/nowhere/token")).is_none());
        let told = errors.to_string();
        for part in [
            "--port: invalid digit",
            "--key: given twice",
            "--token-file: /nowhere/token cannot be read",
        ] {
            assert!(told.contains(part), "{told}");
        }
        assert!(!told.contains("sk_1"));
    }

    #[test]
    fn a_secret_may_come_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "sk_2\n").unwrap();
        let secret = ConfigErrors::default()
            .secret("--key", None, file.path().to_str())
            .unwrap();
        assert_eq!(secret.expose(), "sk_2");
        assert_eq!(format!("{secret:?}"), "[secret]");
    }
}
