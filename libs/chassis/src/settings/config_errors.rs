use std::fmt;

/// Every invalid setting of a configuration, so that an operator can correct all of them at once.
///
/// Values are not repeated: they may be secrets.
#[derive(Debug, Default)]
pub struct ConfigErrors(Vec<(String, String)>);

impl ConfigErrors {
    /// Adds why a setting is invalid. `flag` is its name on the command line: `--listen`.
    ///
    /// The first error of a setting is kept: later ones may follow from it. A secret and its file are one setting.
    pub fn add(&mut self, flag: &str, error: impl fmt::Display) {
        let setting = |flag: &str| flag.strip_suffix("-file").unwrap_or(flag).to_owned();
        if !self.0.iter().any(|(known, _)| setting(known) == setting(flag)) {
            self.0.push((flag.to_owned(), error.to_string()));
        }
    }

    /// Returns the value of a result, or adds its error.
    pub fn check<T, E: fmt::Display>(&mut self, flag: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(flag, error)).ok()
    }

    /// Whether all settings are valid so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns `value` if all settings are valid.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid settings:")?;
        self.0
            .iter()
            .try_for_each(|(flag, error)| write!(f, "\n  {flag}: {error}"))
    }
}
