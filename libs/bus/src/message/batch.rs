use std::fmt;

use events::Envelope;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

use super::{BATCH_CONTENT_TYPE, CONTENT_TYPE, Message, message_id, short_string, unreadable_reason};

/// The maximum number of events in a batch. A message with more is no batch: each event can become a message of its own, so a
/// small message must not become a flood.
pub(crate) const MAX_BATCH_EVENTS: usize = 64;

/// Returns the messages of a batch, one for each event, in order; or the message itself if it is no batch, or is a malformed
/// one.
///
/// Whether the events are valid is not known yet.
pub(crate) fn messages_in(message: Message) -> Vec<Message> {
    if !is_batch(&message) || unreadable_reason(&message).is_some() {
        return vec![message];
    }
    match Envelope::split_batch(&message.data) {
        Ok(events) if (1..=MAX_BATCH_EVENTS).contains(&events.len()) => {
            let numbered = events.into_iter().enumerate();
            numbered
                .map(|(number, event)| message_of(event, number, &message))
                .collect()
        }
        Ok(_) | Err(_) => vec![message],
    }
}

fn is_batch(message: &Message) -> bool {
    message
        .properties
        .content_type()
        .as_ref()
        .is_some_and(|content_type| content_type.as_str() == BATCH_CONTENT_TYPE)
}

/// Returns the message of one event of a batch. Its id is that of the event, by which an operator finds it when it is parked.
fn message_of(event: &str, number: usize, batch: &Message) -> Message {
    /// AMQP 0-9-1: the maximum size of a short string in bytes.
    const MAX_ID_BYTES: usize = 255;
    let id = id_of(event).filter(|id| (1..=MAX_ID_BYTES).contains(&id.len()));
    Message {
        properties: batch
            .properties
            .clone()
            .with_content_type(CONTENT_TYPE.into())
            .with_message_id(short_string(
                id.unwrap_or_else(|| format!("{}.{number}", message_id(batch))),
            )),
        data: event.as_bytes().to_vec(),
    }
}

/// Returns the id of an event, which may be malformed. What comes after the id is not read: the event is parsed later.
fn id_of(event: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(field_identifier, rename_all = "lowercase")]
    enum Field {
        Id,
        #[serde(other)]
        Other,
    }

    struct UpToId<'a>(&'a mut Option<String>);

    impl<'de> Visitor<'de> for UpToId<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an event")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(field) = map.next_key()? {
                match field {
                    Field::Id => {
                        *self.0 = map.next_value()?;
                        break;
                    }
                    Field::Other => drop(map.next_value::<IgnoredAny>()?),
                }
            }
            Ok(())
        }
    }

    let mut id = None;
    // The rest of the event is an error here, unless the id is its last field.
    let _ = serde_json::Deserializer::from_str(event).deserialize_map(UpToId(&mut id));
    id
}

#[cfg(test)]
mod tests {
    use lapin::BasicProperties;

    use super::*;

    fn batch(content_type: &str, body: &str) -> Vec<(String, String)> {
        let message = Message {
            properties: BasicProperties::default()
                .with_content_type(content_type.into())
                .with_message_id("first".into()),
            data: body.as_bytes().to_vec(),
        };
        let id = |message: &Message| message.properties.message_id().clone().unwrap().to_string();
        let text = |message: &Message| String::from_utf8(message.data.clone()).unwrap();
        messages_in(message)
            .iter()
            .map(|message| (id(message), text(message)))
            .collect()
    }

    #[test]
    fn a_batch_has_one_message_for_each_event_and_any_other_message_one() {
        let pair = |id: &str, body: &str| (id.to_owned(), body.to_owned());
        let body = r#"[ {"id":"a","data":[1, 2]} ,7, {"id":"b"}, {"x":{"id":"y"},"id":"c"}, {"id":5}]"#;
        let events = [
            pair("a", r#"{"id":"a","data":[1, 2]}"#),
            pair("first.1", "7"),
            pair("b", r#"{"id":"b"}"#),
            pair("c", r#"{"x":{"id":"y"},"id":"c"}"#),
            pair("first.4", r#"{"id":5}"#),
        ];
        assert_eq!(batch(BATCH_CONTENT_TYPE, body), events);
        assert_eq!(batch(CONTENT_TYPE, body), [pair("first", body)]);
        let too_many = format!("[0{}]", ",0".repeat(MAX_BATCH_EVENTS));
        for malformed in ["[]", "{}", "[{}", "", too_many.as_str()] {
            assert_eq!(batch(BATCH_CONTENT_TYPE, malformed), [pair("first", malformed)]);
        }
    }
}
