use std::{convert::Infallible, fmt, fs, ops::Deref, str::FromStr};

use clap::{Arg, ArgGroup, ArgMatches, Args, Command, FromArgMatches, Id, error::ErrorKind, parser::ValueSource};

use super::parsed;

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text.to_owned()))
    }
}

/// The names and the type of a secret setting.
pub trait SecretFlag {
    /// The parsed value. Neither its `Debug` nor its parse error shows the secret.
    type Value: FromStr<Err: fmt::Display> + Clone + fmt::Debug + Send + Sync + 'static;
    /// The flag without dashes, `amqp-url`. The file's flag is `amqp-url-file`.
    const FLAG: &'static str;
    /// The environment variable: `TICKETING_AMQP_URL`.
    const ENV: &'static str;
    /// The flag of the file.
    const FILE_FLAG: &'static str;
    /// The environment variable of the file.
    const FILE_ENV: &'static str;
    /// The placeholder of the value in the help.
    const VALUE_NAME: &'static str;
    /// The help of the flag.
    const HELP: &'static str;
    /// The help of the file's flag.
    const FILE_HELP: &'static str;
    /// The value if neither is given.
    const DEFAULT: Option<&'static str> = None;
}

/// A secret setting, given by value (`--x`, `TICKETING_X`) or as the file that contains it (`--x-file`,
/// `TICKETING_X_FILE`), but not both. `Option<SecretArg<_>>` if it may be missing.
pub struct SecretArg<F: SecretFlag>(F::Value);

impl<F: SecretFlag> SecretArg<F> {
    /// Wraps a value that does not come from a command line.
    pub const fn new(value: F::Value) -> Self {
        Self(value)
    }
}

impl<F: SecretFlag> Clone for SecretArg<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: SecretFlag> fmt::Debug for SecretArg<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<F: SecretFlag> Deref for SecretArg<F> {
    type Target = F::Value;

    fn deref(&self) -> &F::Value {
        &self.0
    }
}

impl<F: SecretFlag> FromStr for SecretArg<F> {
    type Err = <F::Value as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl<F: SecretFlag> FromArgMatches for SecretArg<F> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_given = |id| {
            matches
                .value_source(id)
                .is_some_and(|source| source != ValueSource::DefaultValue)
        };
        // The group of the two does not see one before a subcommand and the other after it.
        if is_given(F::FLAG) && is_given(F::FILE_FLAG) && matches.get_one::<F::Value>(F::FILE_FLAG).is_some() {
            return Err(clap::Error::raw(
                ErrorKind::ArgumentConflict,
                format!("--{} is given twice, also as --{}\n", F::FLAG, F::FILE_FLAG),
            ));
        }
        // The value may be the default.
        let given = [F::FILE_FLAG, F::FLAG]
            .into_iter()
            .find_map(|id| matches.get_one::<F::Value>(id));
        given
            .cloned()
            .map(Self)
            .ok_or_else(|| clap::Error::raw(ErrorKind::MissingRequiredArgument, format!("--{} is missing", F::FLAG)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<F: SecretFlag> Args for SecretArg<F> {
    fn group_id() -> Option<Id> {
        Some(Id::from(group_id(F::FLAG)))
    }

    fn augment_args(command: Command) -> Command {
        let value = Arg::new(F::FLAG)
            .long(F::FLAG)
            .env(F::ENV)
            .hide_env_values(true)
            .value_name(F::VALUE_NAME)
            .help(F::HELP)
            .default_value(F::DEFAULT)
            .value_parser(parsed::<F::Value>);
        let file = Arg::new(F::FILE_FLAG)
            .long(F::FILE_FLAG)
            .env(F::FILE_ENV)
            .value_name("FILE")
            .help(F::FILE_HELP)
            .value_parser(read::<F::Value>);
        let either = ArgGroup::new(group_id(F::FLAG)).args([F::FLAG, F::FILE_FLAG]);
        command.arg(value).arg(file).group(either.multiple(false))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Returns the id of the group of a secret and its file.
pub(super) fn group_id(flag: &str) -> String {
    format!("{flag} or its file")
}

fn read<T: FromStr<Err: fmt::Display>>(path: &str) -> Result<T, String> {
    let content = fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
    parsed(&content).map_err(|error| format!("the content of {path}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Settings, parse_settings};

    struct Key;

    impl SecretFlag for Key {
        type Value = Secret;
        const FLAG: &'static str = "key";
        const ENV: &'static str = "TICKETING_TEST_KEY";
        const FILE_FLAG: &'static str = "key-file";
        const FILE_ENV: &'static str = "TICKETING_TEST_KEY_FILE";
        const VALUE_NAME: &'static str = "KEY";
        const HELP: &'static str = "The key.";
        const FILE_HELP: &'static str = "The file that contains the key.";
    }

    #[derive(Clone, Debug, clap::Args)]
    struct Keys {
        #[command(flatten)]
        key: Option<SecretArg<Key>>,
    }

    impl Settings for Keys {}

    fn key(arguments: &[&str]) -> Result<Option<String>, String> {
        let keys = parse_settings::<Keys>(arguments).map_err(|errors| errors.to_string())?;
        Ok(keys.key.map(|key| key.expose().to_owned()))
    }

    #[test]
    fn a_secret_is_given_by_value_or_as_a_file_and_is_never_printed() {
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&["--key", " sk_1 "]), Ok(Some("sk_1".to_owned())));
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "sk_2\n").unwrap();
        let path = file.path().to_str().unwrap();
        assert_eq!(key(&["--key-file", path]), Ok(Some("sk_2".to_owned())));
        let keys = parse_settings::<Keys>(&["--key", "sk_1"]).unwrap();
        assert_eq!(format!("{keys:?}"), "Keys { key: Some([secret]) }");
    }

    #[test]
    fn a_secret_that_is_given_twice_or_cannot_be_read_is_refused() {
        let error = key(&["--key", "sk_1", "--key-file", "/nowhere/key"]).unwrap_err();
        assert!(error.contains("--key-file: /nowhere/key cannot be read"), "{error}");
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = key(&["--key", "sk_1", "--key-file", file.path().to_str().unwrap()]).unwrap_err();
        assert!(error.contains("--key: given twice, also as --key-file"), "{error}");
        assert!(!error.contains("sk_1"), "{error}");
    }
}
