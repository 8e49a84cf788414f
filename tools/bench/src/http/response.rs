use bytes::{Buf, Bytes, BytesMut};

/// The maximum number of headers of a response.
const MAX_HEADERS: usize = 64;

/// A response that was received completely.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The body, without the framing of chunks.
    pub body: Bytes,
    /// Whether the server closes the connection after it.
    pub closes: bool,
}

/// Bytes that are no response of HTTP/1.1, or one without a length.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("malformed response: {0}")]
pub struct MalformedResponse(String);

/// Takes the first response out of `received`. Returns `None` while it is incomplete.
///
/// # Errors
///
/// Bytes that are no response, or a body whose length is unknown.
pub fn parse(received: &mut BytesMut) -> Result<Option<Response>, MalformedResponse> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let parsed = head.parse(received).map_err(|error| malformed(&error.to_string()))?;
    let httparse::Status::Complete(head_length) = parsed else {
        return Ok(None);
    };
    let status = head.code.ok_or_else(|| malformed("no status"))?;
    let header = |name: &str| {
        let found = head
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(found.value).ok().map(str::trim)
    };
    let closes = header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    let is_chunked = header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    let length = header("content-length").map(str::parse::<usize>);
    let (body, total) = if is_chunked {
        match join_chunks(received, head_length)? {
            Some(joined) => joined,
            None => return Ok(None),
        }
    } else {
        let length = match length {
            Some(length) => length.map_err(|_| malformed("unreadable content-length"))?,
            None if matches!(status, 204 | 304) => 0,
            None => return Err(malformed("neither content-length nor chunks")),
        };
        let total = head_length.checked_add(length).ok_or_else(|| malformed("too long"))?;
        if received.len() < total {
            return Ok(None);
        }
        let mut message = received.split_to(total);
        message.advance(head_length);
        return Ok(Some(Response {
            status,
            body: message.freeze(),
            closes,
        }));
    };
    received.advance(total);
    Ok(Some(Response { status, body, closes }))
}

/// Returns the body and the length of the whole message; `None` while chunks are missing.
fn join_chunks(received: &[u8], head_length: usize) -> Result<Option<(Bytes, usize)>, MalformedResponse> {
    let (mut body, mut at) = (BytesMut::new(), head_length);
    loop {
        let rest = received.get(at..).unwrap_or_default();
        let parsed = httparse::parse_chunk_size(rest).map_err(|_| malformed("unreadable chunk size"))?;
        let httparse::Status::Complete((line, size)) = parsed else {
            return Ok(None);
        };
        let size = usize::try_from(size).map_err(|_| malformed("a chunk is too long"))?;
        // Each chunk, also the last one of no bytes, ends with a line break.
        let Some(chunk) = rest.get(line..).and_then(|data| data.get(..size.saturating_add(2))) else {
            return Ok(None);
        };
        body.extend_from_slice(chunk.get(..size).unwrap_or_default());
        at += line + chunk.len();
        if size == 0 {
            return Ok(Some((body.freeze(), at)));
        }
    }
}

fn malformed(reason: &str) -> MalformedResponse {
    MalformedResponse(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `bytes` one at a time, and returns every response with what was left at the end.
    fn parse_bytewise(bytes: &[u8]) -> (Vec<Response>, BytesMut) {
        let (mut received, mut responses) = (BytesMut::new(), Vec::new());
        for byte in bytes {
            received.extend_from_slice(&[*byte]);
            responses.extend(parse(&mut received).unwrap());
        }
        (responses, received)
    }

    #[test]
    fn a_response_is_complete_with_its_last_byte_and_the_next_one_begins_after_it() {
        let bytes =
            b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 200";
        let (responses, rest) = parse_bytewise(bytes);
        let bodies: Vec<_> = responses
            .iter()
            .map(|response| (response.status, &response.body[..]))
            .collect();
        assert_eq!(bodies, [(201, &b"hello"[..]), (304, b"")]);
        assert_eq!(&rest[..], b"HTTP/1.1 200");
    }

    #[test]
    fn chunks_are_joined() {
        let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
        let (responses, rest) = parse_bytewise(bytes);
        assert_eq!(responses.len(), 1);
        assert_eq!(
            (&responses[0].body[..], responses[0].closes),
            (&b"abc0123456789"[..], true)
        );
        assert!(rest.is_empty());
    }

    #[test]
    fn a_body_of_unknown_length_is_refused() {
        let mut received = BytesMut::from(&b"HTTP/1.1 200 OK\r\n\r\n"[..]);
        assert!(parse(&mut received).is_err());
    }
}
