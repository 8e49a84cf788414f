//! What a person is shown: what is being started, and where to look once it runs.

use std::{
    fmt::Write as _,
    io::{IsTerminal, Write, stderr},
    path::Path,
};

use stack::Stack;

/// Says what is being started: on a terminal always in the same line, which goes away at the end.
pub(crate) struct Progress {
    terminal: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            terminal: stderr().is_terminal(),
        }
    }

    pub(crate) fn tell(&self, part: &str) {
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

/// Where the demo looks for a stack, unless told otherwise.
const DEMO: &str = "http://127.0.0.1:4000";

/// Where to look, in a frame.
pub(crate) fn board(stack: &Stack, data: &Path, log: &str) -> String {
    let url = stack.url();
    let mut lines = vec![
        ("front door".to_owned(), url.clone()),
        ("try it out".to_owned(), format!("{url}/docs")),
        ("how it is".to_owned(), format!("{url}/health")),
    ];
    lines.extend(
        stack
            .services()
            .map(|(name, url)| (format!("  {name}"), format!("{url}/docs"))),
    );
    if let Some((_, url)) = stack.double() {
        lines.push(("Stripe double".to_owned(), url.to_owned()));
    }
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    lines.push(("data".to_owned(), data.display().to_string()));
    lines.push(("broker names".to_owned(), format!("{}.*", stack.namespace)));
    lines.push(("logs".to_owned(), format!("here: {log} (--log info shows more)")));
    let at = if url == DEMO {
        String::new()
    } else {
        format!(" --url {url}")
    };
    lines.push((
        "sell something".to_owned(),
        format!("./justw demo{at}, in another terminal"),
    ));
    lines.push(("stop".to_owned(), "Ctrl-C".to_owned()));
    frame("Ticketing runs", &lines)
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
