//! Content headers that lapin cannot parse, and what replaces them.

use std::hash::{DefaultHasher, Hash, Hasher};

use amq_protocol::{
    frame::{AMQPContentHeader, AMQPFrame, WriteContext, gen_frame, parse_frame},
    protocol::basic,
    types::{
        AMQPType, AMQPValue, FieldTable, ShortString,
        parsing::{parse_long_uint, parse_short_string, parse_type},
    },
};

use super::{HEAD_BYTES, size};
use crate::message::{STREAM_OFFSET, UNREADABLE};

/// Class, weight and body size, before the properties of a content header (section 4.2.6.1).
const CONTENT_HEAD_BYTES: usize = 12;

/// The greatest depth of nested tables and arrays in headers. lapin parses them recursively, on a stack of 2 MiB.
const MAX_DEPTH: usize = 32;

/// Frames up to this size cannot be nested deeply enough to matter.
const SHALLOW_BYTES: usize = 512;

/// Headers with which the broker counts deliveries, each after the length of its name.
const COUNTED_BY_BROKER: [&[u8]; 2] = [b"\x10x-delivery-count", b"\x10x-acquired-count"];

/// Returns why lapin would not accept the content header in `frame`, if a frame has `frame_max` bytes at most.
pub(super) fn unreadable_reason(frame: &[u8], frame_max: usize) -> Option<String> {
    if frame.len() > SHALLOW_BYTES && is_nested_deeply(frame) {
        return Some(format!("its headers are nested more than {MAX_DEPTH} levels deep"));
    }
    let bytes = frame.len();
    if bytes > frame_max {
        return Some(format!(
            "its properties have {bytes} bytes, and a frame has {frame_max} at most"
        ));
    }
    parse_frame(frame)
        .is_err()
        .then(|| "its properties are malformed".to_owned())
}

/// Whether the headers in the content header `frame` are nested more than [`MAX_DEPTH`] levels deep.
fn is_nested_deeply(frame: &[u8]) -> bool {
    let (_, headers) = split_at_headers(frame);
    container(headers).is_some_and(|(table, _)| is_deeper_than(MAX_DEPTH, table, true))
}

/// Splits the properties in a content header where the headers begin. There are none if the second part is empty.
fn split_at_headers(frame: &[u8]) -> (&[u8], &[u8]) {
    let end = frame.len() - 1;
    let properties = frame.get(HEAD_BYTES + CONTENT_HEAD_BYTES..end).unwrap_or_default();
    let Some(([high, _], mut rest)) = properties.split_first_chunk::<2>() else {
        return (properties, &[]);
    };
    // The properties before the headers: content type and content encoding, if their flags are set.
    for flag in [0x80, 0x40] {
        if high & flag != 0 {
            let Ok((after, _)) = parse_short_string(rest) else {
                return (properties, &[]);
            };
            rest = after;
        }
    }
    let has_headers = high & 0x20 != 0;
    properties.split_at(properties.len() - if has_headers { rest.len() } else { 0 })
}

/// Splits the content of a table or an array from what follows it.
fn container(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, bytes) = parse_long_uint(input).ok()?;
    rest.split_at_checked(size(bytes))
}

/// Whether a table or an array has more than `depth` levels below it. Malformed content has none: lapin parses it no further.
fn is_deeper_than(depth: usize, mut content: &[u8], is_table: bool) -> bool {
    while !content.is_empty() {
        if is_table {
            let Ok((rest, _)) = parse_short_string(content) else {
                return false;
            };
            content = rest;
        }
        let Ok((rest, kind)) = parse_type(content) else {
            return false;
        };
        let skipped = match kind {
            AMQPType::FieldTable | AMQPType::FieldArray => {
                let inner = container(rest);
                let is_table = matches!(kind, AMQPType::FieldTable);
                if inner.is_some_and(|(inner, _)| depth == 0 || is_deeper_than(depth - 1, inner, is_table)) {
                    return true;
                }
                inner.map(|(_, rest)| rest)
            }
            AMQPType::LongString | AMQPType::ByteArray => container(rest).map(|(_, rest)| rest),
            kind => rest.get(scalar_bytes(kind)..),
        };
        let Some(rest) = skipped else { return false };
        content = rest;
    }
    false
}

/// Returns the size of a value that has the same size always.
const fn scalar_bytes(kind: AMQPType) -> usize {
    match kind {
        AMQPType::Boolean | AMQPType::ShortShortInt | AMQPType::ShortShortUInt => 1,
        AMQPType::ShortInt | AMQPType::ShortUInt => 2,
        AMQPType::LongInt | AMQPType::LongUInt | AMQPType::Float => 4,
        AMQPType::DecimalValue => 5,
        AMQPType::LongLongInt | AMQPType::LongLongUInt | AMQPType::Double | AMQPType::Timestamp => 8,
        _ => 0,
    }
}

/// Returns a content header with the channel and the body size of `frame`, and the properties that can be read of it except
/// for the headers.
pub(super) fn replacement(frame: &[u8], reason: &str) -> Vec<u8> {
    let number = |from: usize, to: usize| {
        let bytes = frame.get(from..to).unwrap_or_default();
        bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    };
    let channel = u16::try_from(number(1, 3)).unwrap_or_default();
    let class_id = u16::try_from(number(HEAD_BYTES, HEAD_BYTES + 2)).unwrap_or_default();
    let body_size = number(HEAD_BYTES + 4, HEAD_BYTES + CONTENT_HEAD_BYTES);
    let mut headers = FieldTable::default();
    headers.insert(UNREADABLE.into(), AMQPValue::LongString(reason.into()));
    let mut properties = readable_properties(frame, &mut headers).unwrap_or_default();
    if properties.message_id().is_none() {
        properties = properties.with_message_id(id_of_bytes(frame));
    }
    let header = AMQPContentHeader {
        class_id,
        body_size,
        properties: properties.with_headers(headers),
    };
    let header = AMQPFrame::Header(channel, header);
    let generated = gen_frame(&header)(WriteContext::from(Vec::new()));
    // It is far smaller than any frame: short strings only.
    generated.map(|generated| generated.into_inner().0).unwrap_or_default()
}

/// Returns the properties that identify a message and its publisher. Adds the position in the journal to `headers`.
fn readable_properties(frame: &[u8], headers: &mut FieldTable) -> Option<basic::AMQPProperties> {
    if is_nested_deeply(frame) {
        return None;
    }
    let (_, AMQPFrame::Header(_, original)) = parse_frame(frame).ok()? else {
        return None;
    };
    let original = original.properties;
    let offset = original
        .headers()
        .as_ref()
        .and_then(|all| all.inner().get(STREAM_OFFSET));
    if let Some(offset @ AMQPValue::LongLongInt(_)) = offset {
        headers.insert(STREAM_OFFSET.into(), offset.clone());
    }
    let mut properties = basic::AMQPProperties::default();
    if let Some(id) = original.message_id() {
        properties = properties.with_message_id(id.clone());
    }
    if let Some(kind) = original.kind() {
        properties = properties.with_type(kind.clone());
    }
    if let Some(user) = original.user_id() {
        properties = properties.with_user_id(user.clone());
    }
    Some(properties)
}

/// Returns an id for a message whose own cannot be read: the same each time it is received. Equal properties have equal ids.
fn id_of_bytes(frame: &[u8]) -> ShortString {
    let (before, headers) = split_at_headers(frame);
    // Without the size of the table, and without what the broker counts.
    let mut headers = headers.get(4..).unwrap_or_default().to_vec();
    for name in COUNTED_BY_BROKER {
        if let Some(start) = headers.windows(name.len()).position(|bytes| bytes == name) {
            let after = start + name.len();
            let value = parse_type(&headers[after..]).map_or(0, |(_, kind)| 1 + scalar_bytes(kind));
            headers.drain(start..(after + value).min(headers.len()));
        }
    }
    let mut hasher = DefaultHasher::new();
    (before, headers).hash(&mut hasher);
    format!("unreadable-{:016x}", hasher.finish()).into()
}
