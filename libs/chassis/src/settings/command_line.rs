use std::{error::Error, ffi::OsString};

use clap::{
    Arg, Args, Command, FromArgMatches,
    error::{ContextKind, ContextValue, ErrorKind},
    value_parser,
};

use super::{ConfigErrors, secret::group_id};

/// Typed settings: clap arguments, whose value parsers validate each value by itself.
pub trait Settings: Args {
    /// Adds the errors that concern several values together.
    fn validate(&self, errors: &mut ConfigErrors) {
        let _ = errors;
    }
}

/// No settings.
impl Settings for () {}

/// Why a command line cannot be used.
#[derive(Debug)]
pub enum CommandLineError {
    /// It has a wrong form, or asks for the help or the version: clap prints it and exits.
    Usage(Box<clap::Error>),
    /// Some settings are invalid.
    Settings(ConfigErrors),
}

impl From<clap::Error> for CommandLineError {
    fn from(error: clap::Error) -> Self {
        Self::Usage(Box::new(error))
    }
}

/// Parses a command line and reports every invalid setting, where clap by itself stops at the first one.
///
/// A setting is a flag that has an environment variable; a wrong value of any other argument is a usage error.
/// `validate` adds the errors that concern several values together.
pub fn parse<P: FromArgMatches>(
    command: Command,
    arguments: impl IntoIterator<Item = impl Into<OsString>>,
    validate: impl FnOnce(&P, &mut ConfigErrors),
) -> Result<P, CommandLineError> {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    parse_all(command, &arguments, |arg| arg.get_env().is_some(), validate)
}

/// Parses settings from arguments alone, without environment variables: for tests.
///
/// # Panics
///
/// If `arguments` contains anything but flags of these settings.
pub fn parse_settings<S: Settings>(arguments: &[&str]) -> Result<S, ConfigErrors> {
    let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
    match parse_all(without_environment::<S>(), &arguments, |_| true, S::validate) {
        Ok(settings) => Ok(settings),
        Err(CommandLineError::Settings(errors)) => Err(errors),
        Err(CommandLineError::Usage(error)) => panic!("{error}"),
    }
}

/// Returns the defaults that the arguments declare.
///
/// # Panics
///
/// If an argument is required or has an invalid default.
pub fn default_settings<A: Args>() -> A {
    let matches = without_environment::<A>().try_get_matches_from([""; 0]);
    let defaults = matches.and_then(|matches| A::from_arg_matches(&matches));
    defaults.unwrap_or_else(|error| panic!("settings without defaults: {error}"))
}

fn without_environment<A: Args>() -> Command {
    A::augment_args(Command::new("settings").no_binary_name(true)).mut_args(|arg| arg.env(None))
}

fn parse_all<P: FromArgMatches>(
    mut command: Command,
    arguments: &[OsString],
    is_setting: fn(&Arg) -> bool,
    validate: impl FnOnce(&P, &mut ConfigErrors),
) -> Result<P, CommandLineError> {
    let mut errors = ConfigErrors::default();
    let matches = loop {
        let error = match command.clone().try_get_matches_from(arguments) {
            Ok(matches) => break matches,
            Err(error) => error,
        };
        let flag = flag_of(&error).unwrap_or_default();
        let secret = flag.strip_suffix("-file").unwrap_or(flag);
        let group = group_id(secret);
        match error.kind() {
            ErrorKind::ValueValidation if has_arg(&command, &|arg| is_flag(arg, flag) && is_setting(arg)) => {
                // The value is not repeated: it may be a secret.
                errors.add(
                    &format!("--{flag}"),
                    error.source().map(ToString::to_string).unwrap_or_default(),
                );
                command = update(command, &|command| set_aside(command, flag));
            }
            ErrorKind::ArgumentConflict if has_group(&command, &group) => {
                errors.add(
                    &format!("--{secret}"),
                    format_args!("given twice, also as --{secret}-file"),
                );
                command = update(command, &|command| set_aside(command, &format!("{secret}-file")));
            }
            // The missing argument may be the one that was set aside.
            ErrorKind::MissingRequiredArgument if !errors.is_empty() => return Err(CommandLineError::Settings(errors)),
            _ => return Err(error.into()),
        }
    };
    let parsed = P::from_arg_matches(&matches)?;
    validate(&parsed, &mut errors);
    errors.into_result(parsed).map_err(CommandLineError::Settings)
}

/// Returns the flag that an error is about, without dashes.
fn flag_of(error: &clap::Error) -> Option<&str> {
    // `--listen <ADDRESS>`
    let Some(ContextValue::String(usage)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    usage.strip_prefix("--")?.split([' ', '=']).next()
}

fn is_flag(arg: &Arg, flag: &str) -> bool {
    arg.get_long() == Some(flag)
}

fn has_arg(command: &Command, is_meant: &dyn Fn(&Arg) -> bool) -> bool {
    command.get_arguments().any(is_meant) || command.get_subcommands().any(|inner| has_arg(inner, is_meant))
}

fn has_group(command: &Command, id: &str) -> bool {
    command.get_groups().any(|group| group.get_id() == id)
        || command.get_subcommands().any(|inner| has_group(inner, id))
}

/// Applies `change` to a command and all of its subcommands.
fn update(command: Command, change: &dyn Fn(Command) -> Command) -> Command {
    let names: Vec<_> = command
        .get_subcommands()
        .map(|inner| inner.get_name().to_owned())
        .collect();
    names.iter().fold(change(command), |command, name| {
        command.mut_subcommand(name, |inner| update(inner, change))
    })
}

/// Makes clap ignore a flag, as if it were absent.
fn set_aside(command: Command, flag: &str) -> Command {
    let Some(arg) = command.get_arguments().find(|arg| is_flag(arg, flag)).cloned() else {
        return command;
    };
    let id = arg.get_id().clone();
    let ignored = arg
        .id(format!("{id} (ignored)"))
        .env(None)
        .default_value(None)
        .value_parser(value_parser!(OsString));
    let unset = |arg: Arg| arg.long(format!("{flag}-set-aside")).env(None).hide(true);
    command.mut_arg(id, unset).arg(ignored)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::settings::{at_least, in_range, list_of, seconds};

    #[derive(Clone, Debug, clap::Args)]
    struct Limits {
        #[arg(long, env = "TICKETING_TEST_PORT", default_value = "80", value_parser = at_least::<u16>(1))]
        port: u16,
        #[arg(long, env = "TICKETING_TEST_RATES", default_value = "", value_parser = list_of(|rate| in_range::<u8>(0..=100)(rate)))]
        rates: ::std::vec::Vec<u8>,
        #[arg(long = "wait-seconds", env = "TICKETING_TEST_WAIT", default_value = "5", value_parser = seconds(1..=60))]
        wait: Duration,
        /// Not a setting.
        #[arg(long)]
        count: Option<u8>,
    }

    impl Settings for Limits {
        fn validate(&self, errors: &mut ConfigErrors) {
            if self.rates.is_empty() {
                errors.add("--rates", "needed");
            }
            if usize::from(self.port) > 1000 {
                errors.add("--port", "too high");
            }
        }
    }

    fn command() -> Command {
        let inner = Limits::augment_args(Command::new("serve"));
        Command::new("test").subcommand_required(true).subcommand(inner)
    }

    /// `serve` has no type of its own here.
    #[derive(Debug)]
    struct Serve(Limits);

    impl FromArgMatches for Serve {
        fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
            Limits::from_arg_matches(matches.subcommand_matches("serve").unwrap()).map(Self)
        }

        fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
            self.0.update_from_arg_matches(matches)
        }
    }

    fn serve(arguments: &[&str]) -> Result<Limits, String> {
        let arguments = ["test", "serve"].iter().chain(arguments);
        let parsed = parse(command(), arguments, |serve: &Serve, errors| serve.0.validate(errors));
        match parsed {
            Ok(serve) => Ok(serve.0),
            Err(CommandLineError::Settings(errors)) => Err(errors.to_string()),
            Err(CommandLineError::Usage(error)) => Err(format!("usage: {}", error.kind())),
        }
    }

    #[test]
    fn values_are_typed_and_the_defaults_are_those_of_the_arguments() {
        let limits = serve(&["--rates", "1, 2,3"]).unwrap();
        assert_eq!(limits.rates, [1, 2, 3]);
        let defaults = default_settings::<Limits>();
        assert_eq!((limits.port, limits.wait), (defaults.port, defaults.wait));
        assert_eq!((defaults.port, defaults.wait), (80, Duration::from_secs(5)));
    }

    #[test]
    fn every_invalid_setting_is_reported() {
        let error = serve(&["--port", "many", "--wait-seconds=0", "--rates", "many,7,101"]).unwrap_err();
        assert_eq!(
            error,
            "invalid settings:\n  --port: must be a number, at least 1\n  --wait-seconds: must be a number, 1 to 60\n  \
             --rates: must be a number, 0 to 100; must be a number, 0 to 100"
        );
    }

    #[test]
    fn values_that_do_not_fit_together_are_reported_with_the_others() {
        let error = serve(&["--port", "1001", "--wait-seconds=0"]).unwrap_err();
        assert_eq!(
            error,
            "invalid settings:\n  --wait-seconds: must be a number, 1 to 60\n  --rates: needed\n  --port: too high"
        );
    }

    #[test]
    fn a_wrong_command_line_is_a_usage_error() {
        for arguments in [&["--port", "many", "--unknown"][..], &["--count", "many"], &["--port"]] {
            let error = serve(arguments).unwrap_err();
            assert!(error.starts_with("usage: "), "{error}");
        }
    }
}
