//! Messages as the broker transports them: properties, headers and publishing.

mod batch;
mod outgoing;
mod properties;
mod received;

pub(crate) use batch::{MAX_BATCH_EVENTS, messages_in};
pub(crate) use outgoing::OutgoingMessage;
pub(crate) use properties::{
    BATCH_CONTENT_TYPE, CONTENT_TYPE, ORIGINAL_PUBLISHER, PERSISTENT, STREAM_OFFSET, TRACEPARENT, UNREADABLE,
    header_text, message_id, short_string, stream_offset, traceparent, unreadable_reason,
};
pub(crate) use received::Message;
