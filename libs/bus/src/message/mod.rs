//! Messages as the broker transports them: properties, headers and publishing.

mod outgoing;
mod properties;

pub(crate) use outgoing::OutgoingMessage;
pub(crate) use properties::{
    CONTENT_TYPE, ORIGINAL_PUBLISHER, PERSISTENT, STREAM_OFFSET, TRACEPARENT, UNREADABLE, header_text, message_id,
    short_string, stream_offset, traceparent, unreadable_reason,
};
