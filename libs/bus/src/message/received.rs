use lapin::{BasicProperties, message::Delivery};

/// A message as it was received, or one event of a received batch as a message of its own.
pub(crate) struct Message {
    pub(crate) properties: BasicProperties,
    pub(crate) data: Vec<u8>,
}

impl From<Delivery> for Message {
    fn from(delivery: Delivery) -> Self {
        Self {
            properties: delivery.properties,
            data: delivery.data,
        }
    }
}
