//! Makes every message of a broker parseable for the client library.

mod content_header;
#[cfg(test)]
mod tests;

use amq_protocol::{
    frame::{AMQPFrame, parse_frame},
    protocol::{AMQPClass, connection},
};

use content_header::{replacement, unreadable_reason};

/// AMQP 0-9-1, section 4.2.3: type, channel and size of a frame, before its payload.
const HEAD_BYTES: usize = 7;

const METHOD: u8 = 1;
const CONTENT_HEADER: u8 = 2;
/// The first byte of a protocol header, with which a broker refuses the version.
const PROTOCOL_HEADER: u8 = b'A';

/// Replaces the content headers that lapin cannot parse, or that are larger than the negotiated frame: it would close the
/// connection, and the message would come again.
///
/// The replacement has the delivery tag and the body of the message, the reason in the header
/// [`UNREADABLE`](crate::message::UNREADABLE), and a message id. All other bytes of the broker pass unchanged, except for
/// names that are not UTF-8.
pub(super) struct FrameFilter {
    /// The maximum size of a frame in bytes.
    frame_max: usize,
    /// The bytes of the frame that is being received, unless it passes.
    held: Vec<u8>,
    /// The number of bytes that pass before the next frame.
    passing: usize,
    /// The broker does not speak AMQP 0-9-1.
    is_transparent: bool,
}

impl FrameFilter {
    /// Creates the filter of a new connection that offers `frame_max` bytes to the broker.
    pub(super) fn new(frame_max: u32) -> Self {
        Self {
            frame_max: size(frame_max),
            held: Vec::new(),
            passing: 0,
            is_transparent: false,
        }
    }

    /// Appends to `output` what lapin is to receive of `input`.
    pub(super) fn push(&mut self, mut input: &[u8], output: &mut Vec<u8>) {
        while !input.is_empty() {
            if self.is_transparent {
                output.extend_from_slice(input);
                return;
            }
            if self.passing > 0 {
                let (passing, rest) = input.split_at(self.passing.min(input.len()));
                output.extend_from_slice(passing);
                self.passing -= passing.len();
                input = rest;
                continue;
            }
            let wanted = frame_bytes(&self.held).unwrap_or(HEAD_BYTES);
            let (taken, rest) = input.split_at((wanted - self.held.len()).min(input.len()));
            self.held.extend_from_slice(taken);
            input = rest;
            if self.held.len() == HEAD_BYTES {
                self.begin_frame(output);
            } else if self.held.len() == wanted {
                self.end_frame(output);
            }
        }
    }

    /// Appends the rest of what was received, when the broker has closed the connection.
    pub(super) fn finish(&mut self, output: &mut Vec<u8>) {
        output.append(&mut self.held);
    }

    /// Decides by its type whether a frame is held until it is complete.
    fn begin_frame(&mut self, output: &mut Vec<u8>) {
        match self.held[0] {
            METHOD | CONTENT_HEADER => return,
            PROTOCOL_HEADER => self.is_transparent = true,
            _ => self.passing = frame_bytes(&self.held).unwrap_or_default() - HEAD_BYTES,
        }
        output.append(&mut self.held);
    }

    fn end_frame(&mut self, output: &mut Vec<u8>) {
        let mut frame = std::mem::take(&mut self.held);
        if frame[0] == CONTENT_HEADER {
            match unreadable_reason(&frame, self.frame_max) {
                Some(reason) => output.extend(replacement(&frame, &reason)),
                None => output.extend_from_slice(&frame),
            }
        } else {
            match parse_frame(frame.as_slice()) {
                Ok((_, AMQPFrame::Method(_, AMQPClass::Connection(connection::AMQPMethod::Tune(tune))))) => {
                    self.accept_frame_max(tune.frame_max);
                }
                Ok(_) => {}
                Err(_) => make_names_printable(&mut frame),
            }
            output.extend_from_slice(&frame);
        }
        if frame.capacity() <= self.frame_max {
            frame.clear();
            self.held = frame;
        }
    }

    /// The smaller maximum of both sides applies; 0 means none.
    fn accept_frame_max(&mut self, of_broker: u32) {
        if of_broker > 0 {
            self.frame_max = self.frame_max.min(size(of_broker));
        }
    }
}

fn size(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Returns the size of the frame that begins with `head`, once that is complete.
fn frame_bytes(head: &[u8]) -> Option<usize> {
    let payload = head.get(3..HEAD_BYTES)?.try_into().ok()?;
    Some(HEAD_BYTES + size(u32::from_be_bytes(payload)) + 1)
}

/// Replaces what is not ASCII in the names of exchange and routing key of a delivery by `?`, if they are not UTF-8.
fn make_names_printable(frame: &mut [u8]) {
    /// Class and method (section 1.8.3): basic.deliver, with a consumer tag before its tag, and basic.get-ok.
    const DELIVER: [u8; 4] = [0, 60, 0, 60];
    const GET_OK: [u8; 4] = [0, 60, 0, 71];
    /// The delivery tag and the flags after it.
    const TAG_BYTES: usize = 9;
    let Some((method, arguments)) = frame[HEAD_BYTES..].split_first_chunk_mut::<4>() else {
        return;
    };
    let mut position = match *method {
        DELIVER => TAG_BYTES + 1 + usize::from(arguments.first().copied().unwrap_or_default()),
        GET_OK => TAG_BYTES,
        _ => return,
    };
    for _ in ["exchange", "routing key"] {
        let Some(length) = arguments.get(position).map(|length| usize::from(*length)) else {
            return;
        };
        position += 1;
        let Some(name) = arguments.get_mut(position..position + length) else {
            return;
        };
        if str::from_utf8(name).is_err() {
            name.iter_mut()
                .filter(|byte| !byte.is_ascii())
                .for_each(|byte| *byte = b'?');
        }
        position += length;
    }
}
