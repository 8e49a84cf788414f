//! Reads an envelope in one pass: the type comes before the data in every message that this library writes, so the data is
//! read as what it is. A derived implementation with a flattened enum reads every field into a buffer first.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::Envelope;
use crate::{Event, EventType};

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A map, so that an array is refused.
        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

/// The fields of an envelope; others are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Field {
    SpecVersion,
    Id,
    Source,
    Type,
    Subject,
    Time,
    DataContentType,
    Traceparent,
    Data,
    #[serde(other)]
    Unknown,
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope, A::Error> {
        let (mut specversion, mut id, mut source, mut subject) = (None, None, None, None);
        let (mut time, mut datacontenttype, mut traceparent) = (None, None, None);
        let (mut event_type, mut event) = (None, None);
        // Data that came before its type.
        let mut early: Option<Box<RawValue>> = None;
        while let Some(field) = map.next_key()? {
            match field {
                Field::SpecVersion => read_once(&mut specversion, "specversion", &mut map)?,
                Field::Id => read_once(&mut id, "id", &mut map)?,
                Field::Source => read_once(&mut source, "source", &mut map)?,
                Field::Type => read_once(&mut event_type, "type", &mut map)?,
                Field::Subject => read_once(&mut subject, "subject", &mut map)?,
                Field::Time => read_once(&mut time, "time", &mut map)?,
                Field::DataContentType => read_once(&mut datacontenttype, "datacontenttype", &mut map)?,
                Field::Traceparent => read_once(&mut traceparent, "traceparent", &mut map)?,
                Field::Data if event.is_some() => return Err(A::Error::duplicate_field("data")),
                Field::Data => match event_type {
                    Some(event_type) => event = Some(map.next_value_seed(Data(event_type))?),
                    None => read_once(&mut early, "data", &mut map)?,
                },
                Field::Unknown => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let event_type = required(event_type, "type")?;
        if let Some(data) = early {
            if event.is_some() {
                return Err(A::Error::duplicate_field("data"));
            }
            let mut data = serde_json::Deserializer::from_str(data.get());
            event = Some(Data(event_type).deserialize(&mut data).map_err(A::Error::custom)?);
        }
        Ok(Envelope {
            specversion: required(specversion, "specversion")?,
            id: required(id, "id")?,
            source: required(source, "source")?,
            subject: required(subject, "subject")?,
            time: required(time, "time")?,
            datacontenttype: required(datacontenttype, "datacontenttype")?,
            traceparent: traceparent.flatten(),
            event: required(event, "data")?,
        })
    }
}

fn read_once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    field: &mut Option<T>,
    name: &'static str,
    map: &mut A,
) -> Result<(), A::Error> {
    if field.replace(map.next_value()?).is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    Ok(())
}

fn required<T, E: Error>(field: Option<T>, name: &'static str) -> Result<T, E> {
    field.ok_or_else(|| E::missing_field(name))
}

/// The payload of an event of this type.
struct Data(EventType);

impl<'de> DeserializeSeed<'de> for Data {
    type Value = Event;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Event, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Data {
    type Value = Event;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the state of an aggregate")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Event, A::Error> {
        Event::read_payload(self.0, map)
    }
}
