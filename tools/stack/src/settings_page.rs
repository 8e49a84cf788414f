//! `docs/settings.md`: every flag of every binary, as the command lines themselves tell it.

use std::{fmt::Write, fs, path::Path};

use chassis::OperatorError;
use clap::{Arg, Command};
use stack::SERVICES;

/// What writes the page anew.
const REFRESH: &str = "./justw specs";

const OPENING: &str = "# Settings

Every setting of every binary. Written by `./justw specs` from the command lines themselves, and held to them by a test:
change the code, not this page.

Each setting is a flag and an environment variable; the flag wins. The word in capitals says what kind of value it is, and
its unit. All of them are checked before anything starts, and every mistake is named at once. What is marked **secret** is
never printed; give it as a file (`…_FILE`), which is where Nomad, systemd and container engines put secrets. How a
setting gets into a job, a unit or a container: [operating](operating.md#configure).
";

/// One flag, and whose it is.
struct Setting {
    flag: String,
    variable: String,
    default: String,
    meaning: String,
    of: Vec<&'static str>,
}

impl Setting {
    /// `None` for what is not meant to be seen, and for what is no flag.
    fn of(service: &'static str, arg: &Arg) -> Option<Self> {
        let long = arg.get_long().filter(|_| !arg.is_hide_set())?;
        let value = if arg.get_action().takes_values() {
            arg.get_value_names().and_then(<[_]>::first)
        } else {
            None
        };
        let variable = arg.get_env().map(|name| name.to_string_lossy().into_owned());
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        // A default that depends on something is told in words.
        let (meaning, told) = match help.split_once(" [default: ") {
            Some((meaning, told)) => (meaning, told.trim_end_matches(']')),
            None => (help.as_str(), ""),
        };
        let default = match arg.get_default_values() {
            [] => cell(told),
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
            of: vec![service],
        })
    }

    fn is_same(&self, other: &Self) -> bool {
        (&self.flag, &self.variable, &self.default, &self.meaning)
            == (&other.flag, &other.variable, &other.default, &other.meaning)
    }
}

/// Something that a binary can be told to do, besides serving.
struct Task {
    usage: String,
    meaning: String,
    of: Vec<&'static str>,
}

fn cell(text: &str) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    flat.replace('|', "\\|").replace('<', "\\<")
}

fn sentence(text: &str) -> String {
    let ends = text.is_empty() || text.ends_with(['.', '!', '?']);
    if ends { text.to_owned() } else { format!("{text}.") }
}

/// The page. `dev` is the command line of the development stack.
pub(crate) fn page(dev: &Command) -> String {
    let services = SERVICES.map(|service| (service.name, (service.command_line)()));
    let (mut settings, mut tasks) = (Vec::new(), Vec::new());
    for (name, line) in &services {
        for arg in serving(line) {
            settings.extend(Setting::of(name, arg));
        }
        for task in line.get_subcommands().filter(|task| task.get_name() != "serve") {
            tell(name, task, "", &mut tasks);
        }
    }
    let (settings, tasks) = (
        shared(settings, Setting::is_same, |setting| &mut setting.of),
        told_once(tasks),
    );
    let mut page = OPENING.to_owned();
    let everybody = services.len();
    let (common, own): (Vec<_>, Vec<_>) = settings.into_iter().partition(|setting| setting.of.len() == everybody);
    section(
        &mut page,
        "All five services: `ticketing-<service> serve`",
        &common,
        None,
    );
    section(&mut page, "One service's own", &own, Some("service"));
    page.push_str(
        "\n## Other commands of the services\n\nAll take `--database`, `--log` and `--log-format`; what asks the broker \
         takes the settings of the broker as well.\n\n| command | of | what it does |\n|---|---|---|\n",
    );
    for task in tasks {
        let of = if task.of.len() == everybody {
            "all".to_owned()
        } else {
            task.of.join(", ")
        };
        let _ = writeln!(page, "| `{}` | {of} | {} |", task.usage, task.meaning);
    }
    let dev = dev
        .get_arguments()
        .filter_map(|arg| Setting::of("stack", arg))
        .collect::<Vec<_>>();
    section(&mut page, "The development stack: `./justw dev`", &dev, None);
    page
}

/// What `serve` understands, also before its name.
fn serving(line: &Command) -> impl Iterator<Item = &Arg> {
    let serve = line
        .find_subcommand("serve")
        .into_iter()
        .flat_map(Command::get_arguments);
    serve.chain(line.get_arguments())
}

fn tell(service: &'static str, task: &Command, before: &str, tasks: &mut Vec<Task>) {
    let mut usage = format!("{before}{}", task.get_name());
    if task.has_subcommands() {
        usage.push(' ');
        for inner in task.get_subcommands() {
            tell(service, inner, &usage, tasks);
        }
        return;
    }
    let mut meaning = sentence(&cell(&task.get_about().map(ToString::to_string).unwrap_or_default()));
    for arg in task.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let help = sentence(&cell(&arg.get_help().map(ToString::to_string).unwrap_or_default()));
        let name = match Setting::of(service, arg) {
            // Settings of the broker, told above.
            Some(setting) if !setting.variable.is_empty() => continue,
            Some(setting) => format!(" [{}]", setting.flag),
            None => format!(" {}", arg.get_id().as_str().to_uppercase()),
        };
        let _ = write!(meaning, " `{}`: {help}", name.trim());
        usage.push_str(&name);
    }
    tasks.push(Task {
        usage,
        meaning,
        of: vec![service],
    });
}

fn told_once(tasks: Vec<Task>) -> Vec<Task> {
    shared(
        tasks,
        |one, other| (&one.usage, &one.meaning) == (&other.usage, &other.meaning),
        |task| &mut task.of,
    )
}

/// What several services have is one row of all of them.
fn shared<T>(rows: Vec<T>, is_same: impl Fn(&T, &T) -> bool, of: impl Fn(&mut T) -> &mut Vec<&'static str>) -> Vec<T> {
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
        of: whose,
    } in settings
    {
        let whose = of.map_or_else(String::new, |_| format!(" {} |", whose.join(", ")));
        let _ = writeln!(page, "| `{flag}` | {variable} |{whose} {default} | {meaning} |");
    }
}

/// Writes the page.
pub(crate) fn write(file: &Path, page: &str) -> Result<(), OperatorError> {
    fs::write(file, page).map_err(|error| OperatorError(format!("{} cannot be written: {error}", file.display())))
}

/// Fails with a sentence unless the page is what the code says.
pub(crate) fn check(file: &Path, page: &str) -> Result<(), OperatorError> {
    if fs::read_to_string(file).ok().as_deref() == Some(page) {
        return Ok(());
    }
    Err(OperatorError(format!(
        "{} is not what the code says; `{REFRESH}` writes it anew",
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
    fn the_committed_page_is_what_the_code_says() {
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
            assert!(!row.ends_with("|  |"), "a setting that nobody explained: {row}");
        }
    }
}
