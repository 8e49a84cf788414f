//! The record: one line of JSON for each response, appended when it arrives. It contains no password and no token.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use values::Timestamp;

use crate::{DrillError, operation::Operation};

/// A request and its response. The names in the file differ from those here, and stay as they are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordedResponse {
    /// The time of the response, in milliseconds since 1970.
    pub at: i64,
    /// The account of the request: `buyer-7`.
    #[serde(rename = "who")]
    pub account: String,
    /// The id of the account, once it has one.
    #[serde(rename = "user")]
    pub user_id: Option<String>,
    /// The operation.
    #[serde(rename = "op")]
    pub operation: Operation,
    /// The parameters: ids, quantities, prices, the card.
    #[serde(rename = "asked")]
    pub request: Value,
    /// Its `Idempotency-Key`.
    pub key: Option<String>,
    /// The status; `None` without a response.
    pub status: Option<u16>,
    /// The recorded fields of the response.
    #[serde(rename = "said")]
    pub response: Value,
    /// The time from the first attempt to the response, in milliseconds.
    #[serde(rename = "ms")]
    pub duration_ms: u64,
    /// The number of attempts.
    pub attempts: u32,
    /// The reason for which there was no response, or for which the first attempt failed.
    pub fault: Option<String>,
}

impl RecordedResponse {
    /// Returns the time of the first attempt, in milliseconds since 1970.
    pub fn requested_at(&self) -> i64 {
        self.at.saturating_sub_unsigned(self.duration_ms)
    }

    /// Whether the request failed in spite of its retries: no response, a server error, or an unexpected status.
    pub fn failed(&self) -> bool {
        let retried = self.attempts > 1;
        !self
            .status
            .is_some_and(|status| self.operation.expects(status, retried))
    }
}

/// A line of the record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RecordLine {
    /// A response.
    Response(Box<RecordedResponse>),
    /// The start of a step: the responses after it count for it.
    Step {
        /// The start, in milliseconds since 1970.
        at: i64,
        /// The name of the step.
        step: String,
    },
}

/// Appends lines to a file. Each is one write, so that several processes can write to one file.
#[derive(Debug)]
pub struct RecordWriter {
    path: PathBuf,
    file: Mutex<File>,
}

impl RecordWriter {
    /// Opens a file to append to it, and creates it if it is missing.
    pub fn open(path: &Path) -> Result<Self, DrillError> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file.map_err(|error| DrillError::file(path, &error))?),
        })
    }

    /// Appends a line.
    pub fn write(&self, line: &RecordLine) -> Result<(), DrillError> {
        let mut text = serde_json::to_string(line).map_err(|error| DrillError::file(&self.path, &error))?;
        text.push('\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(text.as_bytes())
            .map_err(|error| DrillError::file(&self.path, &error))
    }

    /// Appends the start of a step.
    pub fn step(&self, now: Timestamp, step: String) -> Result<(), DrillError> {
        self.write(&RecordLine::Step { at: now.millis(), step })
    }
}

/// Reads a record. The last line can be incomplete, because it is being written.
pub fn read(path: &Path) -> Result<Vec<RecordLine>, DrillError> {
    let file = File::open(path).map_err(|error| DrillError::file(path, &error))?;
    let texts = BufReader::new(file).lines().collect::<io::Result<Vec<_>>>();
    let texts = texts.map_err(|error| DrillError::file(path, &error))?;
    let mut lines = Vec::with_capacity(texts.len());
    for (number, text) in texts.iter().enumerate() {
        match serde_json::from_str(text) {
            Ok(line) => lines.push(line),
            Err(_) if number + 1 == texts.len() => {}
            Err(error) => return Err(DrillError::file(path, &format!("line {}: {error}", number + 1))),
        }
    }
    Ok(lines)
}

/// Returns the responses among the lines.
pub fn responses(lines: &[RecordLine]) -> impl Iterator<Item = &RecordedResponse> {
    lines.iter().filter_map(|line| match line {
        RecordLine::Response(response) => Some(&**response),
        RecordLine::Step { .. } => None,
    })
}

/// Returns the fields of a body that are recorded. They are listed one by one, so that no secret is among them.
pub fn recorded_fields(body: &Value) -> Value {
    const FIELDS: [&str; 18] = [
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
        "admissionId",
        "usedAt",
    ];
    if let Some(items) = body.get("items").and_then(Value::as_array) {
        return json!({"items": items.iter().map(recorded_fields).collect::<Vec<_>>()});
    }
    if let Some(user) = body.get("user") {
        return recorded_fields(user);
    }
    let mut fields: serde_json::Map<_, _> = FIELDS
        .iter()
        .filter_map(|field| Some(((*field).to_owned(), body.get(field)?.clone())))
        .collect();
    // The code of a problem. That of a ticket is a secret.
    if let Some(code) = body.get("type").and(body.get("code")) {
        fields.insert("code".to_owned(), code.clone());
    }
    if let Some(ticket) = body.pointer("/ticket/id") {
        fields.insert("ticketId".to_owned(), ticket.clone());
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_a_response_is_recorded() {
        let session = json!({"user": {"id": "u", "email": "e"}, "accessToken": "a", "refreshToken": "r"});
        assert_eq!(recorded_fields(&session), json!({"id": "u", "email": "e"}));
        let payment = json!({"id": "p", "status": "requires-action", "clientSecret": "s"});
        assert_eq!(
            recorded_fields(&payment),
            json!({"id": "p", "status": "requires-action"})
        );
        let admissions = json!({"items": [{"id": "a", "code": "s", "qr": "s"}]});
        assert_eq!(recorded_fields(&admissions), json!({"items": [{"id": "a"}]}));
        let problem = json!({"type": "/problems/x", "status": 409, "code": "already-admitted"});
        assert_eq!(recorded_fields(&problem), problem);
    }
}
