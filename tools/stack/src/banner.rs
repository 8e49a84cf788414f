//! Terminal output of `stack dev`: start-up progress and the banner with the addresses.

use std::{
    fmt::Write as _,
    io::{IsTerminal, Write, stderr},
    path::Path,
};

use stack::Stack;

/// Prints which part is starting. On a terminal it rewrites one line and erases it when dropped.
pub(crate) struct Progress {
    terminal: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            terminal: stderr().is_terminal(),
        }
    }

    pub(crate) fn report(&self, part: &str) {
        if self.terminal {
            eprint!("\r\x1b[Kticketing: starting {part} …");
            let _ = stderr().flush();
        } else {
            eprintln!("ticketing: starting {part}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}

/// The demo's default for `--url`.
const DEMO_URL: &str = "http://127.0.0.1:4000";

/// Returns the addresses of a running stack, in a frame.
pub(crate) fn banner(stack: &Stack, data: &Path, log: &str, mail_server: Option<String>) -> String {
    let url = stack.url();
    let mut lines = vec![
        ("front door".to_owned(), url.clone()),
        ("API reference".to_owned(), format!("{url}/docs")),
        ("health".to_owned(), format!("{url}/health")),
    ];
    lines.extend(
        stack
            .services()
            .map(|(name, url)| (format!("  {name}"), format!("{url}/docs"))),
    );
    if let Some((_, url)) = stack.stripe_simulator() {
        lines.push(("Stripe simulator".to_owned(), url.to_owned()));
    }
    if let Some(mail) = stack.mail_pages().or(mail_server) {
        lines.push(("mails".to_owned(), mail));
    }
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    lines.push(("data".to_owned(), data.display().to_string()));
    lines.push(("broker names".to_owned(), format!("{}.*", stack.namespace)));
    lines.push(("logs".to_owned(), format!("{log} (--log info prints more)")));
    let option = if url == DEMO_URL {
        String::new()
    } else {
        format!(" --url {url}")
    };
    lines.push(("demo".to_owned(), format!("./justw demo{option}, in another terminal")));
    lines.push(("stop".to_owned(), "Ctrl-C".to_owned()));
    frame("Ticketing is running", &lines)
}

fn frame(title: &str, lines: &[(String, String)]) -> String {
    let names = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines = lines
        .iter()
        .map(|(name, value)| format!("{name:names$}  {value}"))
        .collect::<Vec<_>>();
    let width = lines
        .iter()
        .map(|line| line.chars().count())
        .max()
        .unwrap_or(0)
        .max(title.chars().count() + 2);
    let mut frame = format!(
        "╭─ {title} {}╮\n",
        "─".repeat(width.saturating_sub(title.chars().count() + 1))
    );
    for line in lines {
        let gap = " ".repeat(width - line.chars().count());
        let _ = writeln!(frame, "│ {line}{gap} │");
    }
    frame + &format!("╰{}╯", "─".repeat(width + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_frame_is_as_long_as_the_others() {
        let framed = frame(
            "Hé",
            &[
                ("a".to_owned(), "one".to_owned()),
                ("long".to_owned(), "zwölf".to_owned()),
            ],
        );
        assert_eq!(
            framed,
            "╭─ Hé ────────╮\n│ a     one   │\n│ long  zwölf │\n╰─────────────╯"
        );
    }
}
