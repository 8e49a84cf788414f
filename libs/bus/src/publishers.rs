//! Which user of the broker may publish which events.

use std::fmt;

use events::Envelope;
use lapin::types::ShortString;
use values::Timestamp;

use crate::{
    AmqpUrl,
    message::{Message, ORIGINAL_PUBLISHER, header_text, short_string, unreadable_reason},
};

/// The users as which the services connect to the broker.
///
/// Each service has a user of its own, whose name ends with the name of the service and begins like that of the others:
/// `order`, or `ticketing-order`. Or all services have the same user, of another name, as with a broker for development.
///
/// The property `user-id` of a message names the user that published it. The broker refuses a message with the name of
/// another user (<https://www.rabbitmq.com/docs/validated-user-id>).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Publishers {
    own: String,
    /// The beginning of all names, if each service has a user of its own.
    prefix: Option<String>,
    /// Messages without a user are accepted until then.
    unidentified_until: Option<Timestamp>,
}

/// A message that has no event to be applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum NoEvent {
    /// It cannot be parsed.
    Malformed(String),
    /// Its publisher may not publish this event.
    Forbidden {
        event_type: &'static str,
        /// The user that published it, if it is known.
        publisher: Option<String>,
        /// The user that may.
        permitted: String,
    },
}

impl Publishers {
    /// Returns the users of the services beside `service`, which connects with `url`.
    pub(crate) fn new(url: &AmqpUrl, service: &str, unidentified_until: Option<Timestamp>) -> Self {
        let own = url.user();
        let prefix = own.strip_suffix(service).map(str::to_owned);
        Self {
            own,
            prefix,
            unidentified_until,
        }
    }

    /// Returns the property that identifies this service.
    pub(crate) fn user_id(&self) -> ShortString {
        short_string(self.own.as_str())
    }

    /// Returns the user of a service.
    fn user_of(&self, service: &str) -> String {
        match &self.prefix {
            Some(prefix) => format!("{prefix}{service}"),
            None => self.own.clone(),
        }
    }

    /// Returns the user that published a message. A copy that this service has made of it has the original's in a header.
    pub(crate) fn publisher_of(&self, message: &Message) -> Option<String> {
        let user = message.properties.user_id().as_ref()?.as_str();
        let headers = message.properties.headers().as_ref();
        let original = headers.and_then(|headers| header_text(headers, ORIGINAL_PUBLISHER));
        match original {
            Some(original) if user == self.own => Some(original).filter(|original| !original.is_empty()),
            _ => Some(user.to_owned()),
        }
    }

    /// Returns the event in a message, unless its publisher may not publish it.
    pub(crate) fn event_in(&self, message: &Message, now: Timestamp) -> Result<Envelope, NoEvent> {
        if let Some(reason) = unreadable_reason(message) {
            return Err(NoEvent::Malformed(format!("unreadable message: {reason}")));
        }
        let envelope = Envelope::parse(&message.data).map_err(|malformed| NoEvent::Malformed(malformed.to_string()))?;
        let publisher = self.publisher_of(message);
        let permitted = self.user_of(envelope.event.publisher());
        let is_permitted = match &publisher {
            Some(publisher) => *publisher == permitted,
            None => self.unidentified_until.is_some_and(|until| now < until),
        };
        if is_permitted {
            Ok(envelope)
        } else {
            Err(NoEvent::Forbidden {
                event_type: envelope.event.name(),
                publisher,
                permitted,
            })
        }
    }
}

impl fmt::Display for NoEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(reason) => f.write_str(reason),
            Self::Forbidden {
                event_type,
                publisher: Some(publisher),
                permitted,
            } => write!(
                f,
                "forbidden publisher: user {publisher} published {event_type}, which only user {permitted} may"
            ),
            Self::Forbidden {
                event_type,
                publisher: None,
                permitted,
            } => write!(
                f,
                "forbidden publisher: {event_type} has no user-id, and only user {permitted} may publish it"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publishers(url: &str) -> Publishers {
        Publishers::new(&url.parse().unwrap(), "order", None)
    }

    #[test]
    fn each_service_has_a_user_of_its_own_if_this_one_has() {
        let own = publishers("amqp://order:secret@localhost");
        assert_eq!(
            (own.user_id().as_str(), own.user_of("payment").as_str()),
            ("order", "payment")
        );
        let prefixed = publishers("amqp://ticketing-order:secret@localhost");
        assert_eq!(prefixed.user_of("payment"), "ticketing-payment");
        let shared = publishers("amqp://guest:guest@localhost");
        assert_eq!(shared.user_of("payment"), "guest");
    }
}
