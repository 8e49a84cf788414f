//! What pages wrote to the console: errors of scripts, refusals of the content security policy, failed requests.

use std::fmt;

use serde_json::Value;

/// The console of a browser since its start.
#[derive(Default)]
pub(crate) struct Console {
    messages: Vec<String>,
    expected: Vec<String>,
}

impl Console {
    /// Declares that messages with this text are no failure.
    pub(crate) fn expect(&mut self, text: &str) {
        self.expected.push(text.to_owned());
    }

    /// Adds the entries of `ChromeDriver`'s log.
    pub(crate) fn add(&mut self, entries: &Value) {
        let entries = entries.as_array().unwrap();
        let problems = entries
            .iter()
            .filter(|entry| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING")));
        self.messages
            .extend(problems.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()));
    }

    /// Returns the messages that no test expects.
    pub(crate) fn unexpected(&self) -> Vec<String> {
        let is_expected = |message: &String| self.expected.iter().any(|text| message.contains(text));
        let unexpected = self.messages.iter().filter(|message| !is_expected(message));
        unexpected.cloned().collect()
    }
}

impl fmt::Display for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for message in &self.messages {
            writeln!(f, "{message}")?;
        }
        Ok(())
    }
}
