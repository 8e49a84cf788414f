//! `docs/settings.md`: every flag of every binary, generated from the command lines.

use std::{fmt::Write, fs, path::Path};

use chassis::{OperatorError, site::Site};
use clap::{Arg, Command};
use stack::SERVICES;
use storefront::Storefront;

/// The command that writes the page.
const REFRESH: &str = "./justw specs";

const OPENING: &str = "# Settings

Every setting of every binary. `./justw specs` generates this page from the command lines, and a test fails when it
differs from them: change the code, not this page.

Each setting is a flag and an environment variable; the flag takes precedence. The word in capitals is the kind of value
and its unit. All settings are validated before anything starts, and all errors are reported at once. A **secret** is never
printed; pass it as a file (`…_FILE`), which is how Nomad, systemd and container engines provide secrets. How to set a
setting in a job, a unit or a container: [operating](operating.md#configure).
";

/// A flag and the services that have it.
struct Setting {
    flag: String,
    variable: String,
    default: String,
    meaning: String,
    services: Vec<&'static str>,
}

impl Setting {
    /// Reads a flag; `None` for hidden and positional arguments.
    fn read(service: &'static str, arg: &Arg) -> Option<Self> {
        let long = arg.get_long().filter(|_| !arg.is_hide_set())?;
        let value = if arg.get_action().takes_values() {
            arg.get_value_names().and_then(<[_]>::first)
        } else {
            None
        };
        let variable = arg.get_env().map(|name| name.to_string_lossy().into_owned());
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        // A default that depends on something else is in the help text.
        let (meaning, default_text) = match help.split_once(" [default: ") {
            Some((meaning, text)) => (meaning, text.trim_end_matches(']')),
            None => (help.as_str(), ""),
        };
        let default = match arg.get_default_values() {
            [] => cell(default_text),
            [empty] if empty.is_empty() => cell(default_text),
            given => format!(
                "`{}`",
                given.iter().map(|value| value.to_string_lossy()).collect::<String>()
            ),
        };
        let secret = if arg.is_hide_env_values_set() {
            "**Secret.** "
        } else {
            ""
        };
        Some(Self {
            flag: value.map_or_else(|| format!("--{long}"), |value| format!("--{long} {value}")),
            variable: variable.map_or_else(String::new, |name| format!("`{name}`")),
            default,
            meaning: format!("{secret}{}", sentence(&cell(meaning))),
            services: vec![service],
        })
    }

    fn is_same(&self, other: &Self) -> bool {
        (&self.flag, &self.variable, &self.default, &self.meaning)
            == (&other.flag, &other.variable, &other.default, &other.meaning)
    }
}

/// A subcommand besides `serve`.
struct Subcommand {
    usage: String,
    meaning: String,
    services: Vec<&'static str>,
}

fn cell(text: &str) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    flat.replace('|', "\\|").replace('<', "\\<")
}

fn sentence(text: &str) -> String {
    let ends = text.is_empty() || text.ends_with(['.', '!', '?']);
    if ends { text.to_owned() } else { format!("{text}.") }
}

/// Returns the page. `dev` is the command line of the development stack.
pub(crate) fn page(dev: &Command) -> String {
    let services = SERVICES.map(|service| (service.name, (service.command_line)()));
    let (mut settings, mut subcommands) = (Vec::new(), Vec::new());
    for (name, line) in &services {
        for arg in serve_arguments(line) {
            settings.extend(Setting::read(name, arg));
        }
        for subcommand in line
            .get_subcommands()
            .filter(|subcommand| subcommand.get_name() != "serve")
        {
            read_subcommand(name, subcommand, "", &mut subcommands);
        }
    }
    let (settings, subcommands) = (
        merge(settings, Setting::is_same, |setting| &mut setting.services),
        merge_subcommands(subcommands),
    );
    let mut page = OPENING.to_owned();
    let all_services = services.len();
    let (common, own): (Vec<_>, Vec<_>) = settings
        .into_iter()
        .partition(|setting| setting.services.len() == all_services);
    section(&mut page, "All services: `ticketing-<service> serve`", &common, None);
    section(&mut page, "Settings of single services", &own, Some("service"));
    let storefront = chassis::site::command_line::<Storefront>();
    let storefront: Vec<_> = serve_arguments(&storefront)
        .filter_map(|arg| Setting::read(Storefront::NAME, arg))
        .collect();
    section(
        &mut page,
        "The storefront: `ticketing-storefront serve`",
        &storefront,
        None,
    );
    page.push_str(
        "\n## Other commands of the services\n\nAll take `--database`, `--log` and `--log-format`; those that connect to \
         the broker take its settings as well.\n\n| command | service | effect |\n|---|---|---|\n",
    );
    for subcommand in subcommands {
        let of = if subcommand.services.len() == all_services {
            "all".to_owned()
        } else {
            subcommand.services.join(", ")
        };
        let _ = writeln!(page, "| `{}` | {of} | {} |", subcommand.usage, subcommand.meaning);
    }
    let dev = dev
        .get_arguments()
        .filter_map(|arg| Setting::read("stack", arg))
        .collect::<Vec<_>>();
    section(&mut page, "The development stack: `./justw dev`", &dev, None);
    page
}

/// Returns the arguments of `serve`, including those before its name.
fn serve_arguments(line: &Command) -> impl Iterator<Item = &Arg> {
    let serve = line
        .find_subcommand("serve")
        .into_iter()
        .flat_map(Command::get_arguments);
    serve.chain(line.get_arguments())
}

fn read_subcommand(service: &'static str, subcommand: &Command, before: &str, subcommands: &mut Vec<Subcommand>) {
    let mut usage = format!("{before}{}", subcommand.get_name());
    if subcommand.has_subcommands() {
        usage.push(' ');
        for inner in subcommand.get_subcommands() {
            read_subcommand(service, inner, &usage, subcommands);
        }
        return;
    }
    let mut meaning = sentence(&cell(
        &subcommand.get_about().map(ToString::to_string).unwrap_or_default(),
    ));
    for arg in subcommand.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let help = sentence(&cell(&arg.get_help().map(ToString::to_string).unwrap_or_default()));
        let name = match Setting::read(service, arg) {
            // Settings of the broker, listed above.
            Some(setting) if !setting.variable.is_empty() => continue,
            Some(setting) => format!(" [{}]", setting.flag),
            None => format!(" {}", arg.get_id().as_str().to_uppercase()),
        };
        let _ = write!(meaning, " `{}`: {help}", name.trim());
        usage.push_str(&name);
    }
    subcommands.push(Subcommand {
        usage,
        meaning,
        services: vec![service],
    });
}

fn merge_subcommands(subcommands: Vec<Subcommand>) -> Vec<Subcommand> {
    merge(
        subcommands,
        |one, other| (&one.usage, &one.meaning) == (&other.usage, &other.meaning),
        |subcommand| &mut subcommand.services,
    )
}

/// Merges rows that several services have into one row of all of them.
fn merge<T>(rows: Vec<T>, is_same: impl Fn(&T, &T) -> bool, of: impl Fn(&mut T) -> &mut Vec<&'static str>) -> Vec<T> {
    let mut once: Vec<T> = Vec::new();
    for mut row in rows {
        match once.iter_mut().find(|known| is_same(known, &row)) {
            Some(known) => of(known).append(of(&mut row)),
            None => once.push(row),
        }
    }
    once
}

fn section(page: &mut String, title: &str, settings: &[Setting], of: Option<&str>) {
    let (head, line) = of.map_or((String::new(), ""), |of| (format!(" {of} |"), "---|"));
    let _ = write!(
        page,
        "\n## {title}\n\n| flag | variable |{head} default | meaning |\n|---|---|{line}---|---|\n"
    );
    for Setting {
        flag,
        variable,
        default,
        meaning,
        services: owners,
    } in settings
    {
        let owners = of.map_or_else(String::new, |_| format!(" {} |", owners.join(", ")));
        let _ = writeln!(page, "| `{flag}` | {variable} |{owners} {default} | {meaning} |");
    }
}

/// Writes the page.
pub(crate) fn write(file: &Path, page: &str) -> Result<(), OperatorError> {
    fs::write(file, page).map_err(|error| OperatorError(format!("{} cannot be written: {error}", file.display())))
}

/// Fails unless the file equals the generated page.
pub(crate) fn check(file: &Path, page: &str) -> Result<(), OperatorError> {
    if fs::read_to_string(file).ok().as_deref() == Some(page) {
        return Ok(());
    }
    Err(OperatorError(format!(
        "{} differs from what the code generates; update it with `{REFRESH}`",
        file.display()
    )))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn now() -> String {
        page(Cli::command().find_subcommand("dev").unwrap())
    }

    #[test]
    fn the_committed_page_is_up_to_date() {
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/settings.md");
        if let Err(stale) = check(&committed, &now()) {
            panic!("{stale}");
        }
    }

    #[test]
    fn every_setting_is_there_once_with_its_default_and_secrets_are_marked() {
        let page = now();
        let rows = |flag: &str| {
            page.lines()
                .filter(|line| line.starts_with(&format!("| `--{flag} ")))
                .count()
        };
        for flag in [
            "database",
            "stripe-secret-key",
            "cookie-secure",
            "expiration-sweep-seconds",
        ] {
            assert!(rows(flag) >= 1, "{flag}");
        }
        let secret = page
            .lines()
            .filter(|line| line.starts_with("| `--stripe-secret-key KEY`"));
        assert!(
            secret.clone().count() >= 1 && secret.clone().all(|row| row.contains("**Secret.**")),
            "{page}"
        );
        assert!(page.contains("| `TICKETING_ORDER_WINDOW_SECONDS` | `900` |"), "{page}");
        for row in page.lines().filter(|line| line.starts_with("| `--")) {
            assert!(row.contains("`TICKETING_"), "a setting without a variable: {row}");
            assert!(!row.ends_with("|  |"), "a setting without an explanation: {row}");
        }
    }
}
