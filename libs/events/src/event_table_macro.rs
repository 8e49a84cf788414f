/// Generates from the table of events: `Event`, its names, subjects and accessors, and `ROUTES`.
///
/// The table has two sections: events routed by the exchange, and messages that a service sends to itself through the
/// delay queues. Each group has one payload type, its accessor and its publisher; each event has its meaning (a doc
/// comment of one line), its variant, its name on the wire and its consumers.
macro_rules! event_table {
    (
        exchange {$(
            $payload:ident, $accessor:ident, $publisher:literal => {$(
                #[doc = $meaning:literal]
                $variant:ident = $name:literal to $consumers:tt,
            )+}
        )+}
        delay_queues {$(
            $own_payload:ident, $own_accessor:ident, $own_publisher:literal => {$(
                #[doc = $own_meaning:literal]
                $own_variant:ident = $own_name:literal,
            )+}
        )+}
    ) => {
        /// A change of an aggregate, with the state after it.
        #[derive(Clone, PartialEq, Eq, Debug, Serialize)]
        #[serde(tag = "type", content = "data")]
        pub enum Event {
            $($(
                #[doc = $meaning]
                #[serde(rename = $name)]
                $variant($payload),
            )+)+
            $($(
                #[doc = $own_meaning]
                #[serde(rename = $own_name)]
                $own_variant($own_payload),
            )+)+
        }

        /// The type of an event, as it is on the wire.
        #[derive(Clone, Copy, Deserialize)]
        pub(crate) enum EventType {
            $($(
                #[serde(rename = $name)]
                $variant,
            )+)+
            $($(
                #[serde(rename = $own_name)]
                $own_variant,
            )+)+
        }

        impl Event {
            /// Reads the payload of an event of a known type.
            pub(crate) fn read_payload<'de, A: MapAccess<'de>>(event_type: EventType, fields: A) -> Result<Self, A::Error> {
                let payload = MapAccessDeserializer::new(fields);
                match event_type {
                    $($(EventType::$variant => $payload::deserialize(payload).map(Self::$variant),)+)+
                    $($(EventType::$own_variant => $own_payload::deserialize(payload).map(Self::$own_variant),)+)+
                }
            }

            /// Returns the event's type on the wire, which is its routing key too.
            pub const fn name(&self) -> &'static str {
                match self {
                    $($(Self::$variant(_) => $name,)+)+
                    $($(Self::$own_variant(_) => $own_name,)+)+
                }
            }

            /// Returns the meaning of this type of event, in one sentence.
            pub const fn meaning(&self) -> &'static str {
                match self {
                    $($(Self::$variant(_) => $meaning.trim_ascii(),)+)+
                    $($(Self::$own_variant(_) => $own_meaning.trim_ascii(),)+)+
                }
            }

            /// Returns the service that publishes events of this type, and no other does.
            pub const fn publisher(&self) -> &'static str {
                match self {
                    $($(Self::$variant(_) => $publisher,)+)+
                    $($(Self::$own_variant(_) => $own_publisher,)+)+
                }
            }

            /// Returns the id of the aggregate that changed.
            pub fn subject(&self) -> String {
                match self {
                    $($(Self::$variant(payload) => payload.subject(),)+)+
                    $($(Self::$own_variant(payload) => payload.subject(),)+)+
                }
            }

            /// Returns the JSON Schema of the payload, usually a reference to a definition of `schemas`.
            pub(crate) fn payload_schema(&self, schemas: &mut SchemaGenerator) -> Schema {
                match self {
                    $($(Self::$variant(_) => schemas.subschema_for::<$payload>(),)+)+
                    $($(Self::$own_variant(_) => schemas.subschema_for::<$own_payload>(),)+)+
                }
            }

            $(
                #[doc = concat!("Returns the payload of an event that carries ", stringify!($payload), ".")]
                pub const fn $accessor(&self) -> Option<&$payload> {
                    match self {
                        $(Self::$variant(payload))|+ => Some(payload),
                        _ => None,
                    }
                }
            )+
            $(
                #[doc = concat!("Returns the payload of an event that carries ", stringify!($own_payload), ".")]
                pub const fn $own_accessor(&self) -> Option<&$own_payload> {
                    match self {
                        $(Self::$own_variant(payload))|+ => Some(payload),
                        _ => None,
                    }
                }
            )+
        }

        /// Every event that the exchange routes between services. Each service declares all queues and bindings of this
        /// table before it publishes, so that an event is kept even for a service that has never run.
        pub const ROUTES: &[Route] = &[$($(
            Route {
                event: $name,
                publisher: $publisher,
                consumers: &$consumers,
                meaning: $meaning.trim_ascii(),
            },
        )+)+];
    };
}
pub(crate) use event_table;
