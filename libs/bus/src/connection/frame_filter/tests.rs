use amq_protocol::{
    frame::{AMQPContentHeader, AMQPFrame, WriteContext, gen_frame, parse_frame},
    protocol::{AMQPClass, basic::AMQPProperties, connection},
    types::{AMQPValue, FieldTable},
};
use proptest::prelude::*;

use super::{CONTENT_HEADER, FrameFilter, HEAD_BYTES};
use crate::message::UNREADABLE;

const FRAME_MAX: u32 = 4096;

fn content_header(properties: AMQPProperties) -> Vec<u8> {
    let header = AMQPContentHeader {
        class_id: 60,
        body_size: 7,
        properties,
    };
    let header = AMQPFrame::Header(3, header);
    gen_frame(&header)(WriteContext::from(Vec::new()))
        .unwrap()
        .into_inner()
        .0
}

fn with_note(bytes: usize) -> AMQPProperties {
    let mut headers = FieldTable::default();
    headers.insert("x-note".into(), AMQPValue::LongString("n".repeat(bytes).into()));
    AMQPProperties::default().with_headers(headers)
}

fn body(bytes: &[u8]) -> Vec<u8> {
    let body = AMQPFrame::Body(3, bytes.to_vec());
    gen_frame(&body)(WriteContext::from(Vec::new())).unwrap().into_inner().0
}

fn filtered(input: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    FrameFilter::new(FRAME_MAX).push(input, &mut output);
    output
}

fn reason_of(frame: &[u8]) -> Option<String> {
    let (rest, parsed) = parse_frame(frame).unwrap();
    assert!(rest.is_empty());
    let AMQPFrame::Header(3, header) = parsed else {
        panic!("{parsed:?}")
    };
    assert_eq!((header.class_id, header.body_size), (60, 7));
    let headers = header.properties.headers().as_ref()?.inner();
    Some(headers.get(UNREADABLE)?.as_long_string()?.to_string())
}

#[test]
fn a_content_header_as_large_as_a_frame_passes_and_a_larger_one_does_not() {
    let overhead = content_header(with_note(0)).len();
    let largest = content_header(with_note(usize::try_from(FRAME_MAX).unwrap() - overhead));
    assert_eq!(filtered(&largest), largest);
    let properties = with_note(usize::try_from(FRAME_MAX).unwrap() - overhead + 1);
    let larger = content_header(properties.with_message_id("7".into()).with_type("t".into()));
    let replaced = filtered(&larger);
    assert_eq!(
        reason_of(&replaced).unwrap(),
        "its properties have 4101 bytes, and a frame has 4096 at most"
    );
    let (_, AMQPFrame::Header(_, header)) = parse_frame(replaced.as_slice()).unwrap() else {
        panic!()
    };
    assert_eq!(header.properties.message_id().as_ref().unwrap().as_str(), "7");
    assert_eq!(header.properties.kind().as_ref().unwrap().as_str(), "t");
}

#[test]
fn the_smaller_frame_size_of_both_sides_applies() {
    let tune = connection::Tune {
        channel_max: 0,
        frame_max: 1000,
        heartbeat: 0,
    };
    let tune = AMQPFrame::Method(0, AMQPClass::Connection(connection::AMQPMethod::Tune(tune)));
    let tune = gen_frame(&tune)(WriteContext::from(Vec::new())).unwrap().into_inner().0;
    let mut output = Vec::new();
    let mut filter = FrameFilter::new(FRAME_MAX);
    filter.push(&tune, &mut output);
    assert_eq!(output, tune);
    output.clear();
    filter.push(&content_header(with_note(1000)), &mut output);
    assert!(reason_of(&output).unwrap().ends_with("a frame has 1000 at most"));
}

#[test]
fn a_header_that_is_not_text_is_replaced_with_the_same_id_each_time() {
    let mut malformed = content_header(with_note(10));
    let name = malformed.windows(6).position(|bytes| bytes == b"x-note").unwrap();
    malformed[name] = 0xff;
    let replaced = filtered(&malformed);
    assert_eq!(reason_of(&replaced).unwrap(), "its properties are malformed");
    assert_eq!(filtered(&malformed), replaced);

    let with_count = |deliveries: Option<i64>| {
        let mut headers = FieldTable::default();
        if let Some(count) = deliveries {
            headers.insert("x-delivery-count".into(), AMQPValue::LongLongInt(count));
        }
        headers.insert("x-note".into(), AMQPValue::LongUInt(7));
        let mut header = content_header(AMQPProperties::default().with_headers(headers));
        let name = header.windows(6).position(|bytes| bytes == b"x-note").unwrap();
        header[name] = 0xff;
        filtered(&header)
    };
    assert_eq!(with_count(None), with_count(Some(1)));
    assert_eq!(with_count(None), with_count(Some(2)));
    assert_ne!(with_count(None), replaced);
}

#[test]
fn deep_headers_are_replaced_before_they_are_parsed() {
    for (kind, levels, is_replaced) in [
        (b'F', 31, false),
        (b'F', 40, true),
        (b'F', 20_000, true),
        (b'A', 25_000, true),
    ] {
        let mut value = vec![b'V'];
        for _ in 0..levels {
            let mut inner = if kind == b'F' { b"\x01n".to_vec() } else { Vec::new() };
            inner.append(&mut value);
            value = vec![kind];
            value.extend(u32::try_from(inner.len()).unwrap().to_be_bytes());
            value.append(&mut inner);
            if value.len() > 1 << 20 {
                break;
            }
        }
        let mut table = b"\x01n".to_vec();
        table.append(&mut value);
        // A long string comes first, so that short frames are searched as well.
        let mut frame = content_header(with_note(600));
        let properties = HEAD_BYTES + 12 + 2;
        let length = u32::from_be_bytes(frame[properties..properties + 4].try_into().unwrap());
        let length = length + u32::try_from(table.len()).unwrap();
        frame[properties..properties + 4].copy_from_slice(&length.to_be_bytes());
        frame.pop();
        frame.append(&mut table);
        let payload = u32::try_from(frame.len() - HEAD_BYTES).unwrap();
        frame[3..HEAD_BYTES].copy_from_slice(&payload.to_be_bytes());
        frame.push(0xce);
        let reason = reason_of(&filtered(&frame));
        let expected = "its headers are nested more than 32 levels deep".to_owned();
        assert_eq!(reason, is_replaced.then_some(expected), "{levels}");
    }
}

#[test]
fn names_that_are_not_text_become_printable() {
    let deliver = |exchange: &[u8], key: &[u8]| {
        let mut payload = b"\x00\x3c\x00\x3c\x03tag\x00\x00\x00\x00\x00\x00\x00\x07\x00".to_vec();
        for name in [exchange, key] {
            payload.push(u8::try_from(name.len()).unwrap());
            payload.extend(name);
        }
        let mut frame = b"\x01\x00\x03".to_vec();
        frame.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        frame.extend(payload);
        frame.push(0xce);
        frame
    };
    assert_eq!(filtered(&deliver(b"ab\xffc", b"\xfe")), deliver(b"ab?c", b"?"));
    assert_eq!(filtered(&deliver("é".as_bytes(), b"k")), deliver("é".as_bytes(), b"k"));
}

#[test]
fn a_broker_of_another_protocol_passes_unchanged() {
    let refusal = b"AMQP\x00\x01\x00\x00 and whatever follows it";
    assert_eq!(filtered(refusal), refusal);
}

proptest! {
    #[test]
    fn frames_are_filtered_alike_however_they_arrive(
        notes in prop::collection::vec(0..6000_usize, 1..6), cuts in prop::collection::vec(1..3000_usize, 1..40)
    ) {
        let frames: Vec<_> = notes
            .iter()
            .flat_map(|note| [content_header(with_note(*note)), body(b"\x01\x02\xceAMQP"), body(&vec![2; *note])])
            .collect();
        let expected: Vec<u8> = frames.iter().flat_map(|frame| filtered(frame)).collect();
        let input = frames.concat();
        let (mut filter, mut output, mut rest) = (FrameFilter::new(FRAME_MAX), Vec::new(), input.as_slice());
        for cut in cuts.iter().cycle() {
            let (part, after) = rest.split_at((*cut).min(rest.len()));
            filter.push(part, &mut output);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(output, expected);
    }

    #[test]
    fn any_bytes_are_filtered_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), kind in 1..4_u8) {
        let mut frame = vec![kind, 0, 3];
        frame.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
        frame.extend(bytes);
        frame.push(0xce);
        let output = filtered(&frame);
        if kind == CONTENT_HEADER {
            prop_assert!(parse_frame(output.as_slice()).is_ok());
        }
    }
}
