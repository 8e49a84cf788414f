//! The record: one line of JSON for each answer, as soon as it is known. Nothing in it opens a door: no password, no token.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use values::Timestamp;

use crate::{Trouble, op::Op};

/// What was asked, and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// When it was known, in milliseconds since 1970.
    pub at: i64,
    /// Who asked: `buyer-7`.
    pub who: String,
    /// Their id, once they have one.
    pub user: Option<String>,
    /// What was asked for.
    pub op: Op,
    /// The request: ids, quantities, prices, the card.
    pub asked: Value,
    /// Its `Idempotency-Key`.
    pub key: Option<String>,
    /// The status; nothing if there was no answer.
    pub status: Option<u16>,
    /// What of the answer is a promise.
    pub said: Value,
    /// Milliseconds from the first attempt to the answer.
    pub ms: u64,
    /// How often it was sent.
    pub attempts: u32,
    /// Why there was no answer, or why the first attempt was not enough.
    pub fault: Option<String>,
}

impl Answer {
    /// When it was asked for first, in milliseconds since 1970.
    pub fn asked_at(&self) -> i64 {
        self.at.saturating_sub_unsigned(self.ms)
    }

    /// Whether somebody who tries once more was still let down: no answer, an error of ours, or one that makes no sense.
    pub fn failed(&self) -> bool {
        let again = self.attempts > 1;
        !self.status.is_some_and(|status| self.op.expects(status, again))
    }
}

/// A line of the record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// An answer.
    Answer(Box<Answer>),
    /// From here on something else is done to the services.
    Step {
        /// Since when, in milliseconds since 1970.
        at: i64,
        /// What is done.
        step: String,
    },
}

/// Appends lines to a file. Each is written at once and whole, so that several processes may write to one file.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    file: Mutex<File>,
}

impl Recorder {
    /// Opens a file, or goes on with it.
    pub fn open(path: &Path) -> Result<Self, Trouble> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file.map_err(|error| Trouble::file(path, &error))?),
        })
    }

    /// Writes a line.
    pub fn write(&self, line: &Line) -> Result<(), Trouble> {
        let mut text = serde_json::to_string(line).map_err(|error| Trouble::file(&self.path, &error))?;
        text.push('\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(text.as_bytes())
            .map_err(|error| Trouble::file(&self.path, &error))
    }

    /// Notes that something else is done from now on.
    pub fn step(&self, now: Timestamp, step: String) -> Result<(), Trouble> {
        self.write(&Line::Step { at: now.millis(), step })
    }
}

/// Reads a record. Its last line may be half: somebody was writing it.
pub fn read(path: &Path) -> Result<Vec<Line>, Trouble> {
    let file = File::open(path).map_err(|error| Trouble::file(path, &error))?;
    let texts = BufReader::new(file).lines().collect::<io::Result<Vec<_>>>();
    let texts = texts.map_err(|error| Trouble::file(path, &error))?;
    let mut lines = Vec::with_capacity(texts.len());
    for (number, text) in texts.iter().enumerate() {
        match serde_json::from_str(text) {
            Ok(line) => lines.push(line),
            Err(_) if number + 1 == texts.len() => {}
            Err(error) => return Err(Trouble::file(path, &format!("line {}: {error}", number + 1))),
        }
    }
    Ok(lines)
}

/// The answers among the lines.
pub fn answers(lines: &[Line]) -> impl Iterator<Item = &Answer> {
    lines.iter().filter_map(|line| match line {
        Line::Answer(answer) => Some(&**answer),
        Line::Step { .. } => None,
    })
}

/// What of an answer is a promise: named one by one, so that no secret comes along.
pub fn promise(body: &Value) -> Value {
    const FIELDS: [&str; 17] = [
        "id",
        "email",
        "type",
        "status",
        "cancelReason",
        "quantity",
        "total",
        "expiresAt",
        "paymentId",
        "orderId",
        "amount",
        "price",
        "version",
        "orderWindowSeconds",
        "sellerId",
        "withdrawnAt",
        "code",
    ];
    if let Some(items) = body.get("items").and_then(Value::as_array) {
        return json!({"items": items.iter().map(promise).collect::<Vec<_>>()});
    }
    if let Some(user) = body.get("user") {
        return promise(user);
    }
    let mut said: serde_json::Map<_, _> = FIELDS
        .iter()
        .filter_map(|field| Some(((*field).to_owned(), body.get(field)?.clone())))
        .collect();
    if let Some(ticket) = body.pointer("/ticket/id") {
        said.insert("ticketId".to_owned(), ticket.clone());
    }
    Value::Object(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_an_answer_comes_into_the_record() {
        let granted = json!({"user": {"id": "u", "email": "e"}, "accessToken": "a", "refreshToken": "r"});
        assert_eq!(promise(&granted), json!({"id": "u", "email": "e"}));
        let payment = json!({"id": "p", "status": "requires-action", "clientSecret": "s"});
        assert_eq!(promise(&payment), json!({"id": "p", "status": "requires-action"}));
    }
}
