//! The events that the two services publish.

use std::sync::{Arc, RwLock};

use events::{Envelope, ROUTES};
use serde_json::Value;

use crate::{
    ids::{EVENT, START},
    interner::Interner,
    message_content::MessageContent,
};

/// The index of a message.
pub(crate) type MessageId = u16;

/// Every message that was published in any state, by its normalised body.
#[derive(Default)]
pub(crate) struct Messages(RwLock<Interner<String, Message>>);

#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) envelope: Envelope,
    pub(crate) content: MessageContent,
    pub(crate) to_order: bool,
    pub(crate) to_payment: bool,
}

impl Messages {
    pub(crate) fn get(&self, id: MessageId) -> Arc<Message> {
        self.0.read().unwrap().get(usize::from(id))
    }

    /// Interns the body of an event; `None` if neither service consumes it.
    pub(crate) fn intern(&self, body: &str) -> Option<MessageId> {
        let mut json = serde_json::from_str::<Value>(body).unwrap();
        json["id"] = EVENT.into();
        replace_timestamps(&mut json);
        let body = json.to_string();
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        let route = ROUTES
            .iter()
            .find(|route| route.event == envelope.event.name())
            .unwrap();
        let (to_order, to_payment) = (route.consumers.contains(&"order"), route.consumers.contains(&"payment"));
        if !to_order && !to_payment {
            return None;
        }
        let index = self.0.write().unwrap().intern(body, || Message {
            content: MessageContent::of(&envelope.event),
            envelope,
            to_order,
            to_payment,
        });
        Some(MessageId::try_from(index).unwrap())
    }
}

/// Replaces the times that decide nothing.
fn replace_timestamps(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            for (name, field) in fields {
                match name.as_str() {
                    "time" | "createdAt" | "updatedAt" | "extendedAt" if field.is_string() => {
                        *field = serde_json::to_value(START).unwrap();
                    }
                    _ => replace_timestamps(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(replace_timestamps),
        _ => {}
    }
}
