use std::{fmt, str::FromStr};

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// A [W3C `traceparent`](https://www.w3.org/TR/trace-context/): a span of a trace, and whether it is sampled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Traceparent {
    trace_id: TraceId,
    span_id: SpanId,
    flags: TraceFlags,
}

/// A text is not a `traceparent`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C traceparent")]
pub struct InvalidTraceparent;

impl Traceparent {
    /// The trace and id of a `tracing` span, if it has them.
    pub fn of_span(span: &Span) -> Option<Self> {
        if span.is_disabled() {
            return None;
        }
        let context = span.context();
        let span = context.span();
        Some(span.span_context())
            .filter(|context| context.is_valid())
            .map(Self::from)
    }

    /// The trace's id, 32 hexadecimal digits: logs and support requests quote it.
    pub fn trace_id(self) -> String {
        self.trace_id.to_string()
    }

    /// The span's id, 16 hexadecimal digits.
    pub fn span_id(self) -> String {
        self.span_id.to_string()
    }

    /// Whether both are spans of one trace.
    pub fn is_same_trace(self, other: Self) -> bool {
        self.trace_id == other.trace_id
    }

    pub(crate) fn to_span_context(self) -> SpanContext {
        SpanContext::new(self.trace_id, self.span_id, self.flags, true, TraceState::NONE)
    }

    pub(crate) fn to_context(self) -> Context {
        Context::new().with_remote_span_context(self.to_span_context())
    }
}

impl From<&SpanContext> for Traceparent {
    fn from(span: &SpanContext) -> Self {
        Self {
            trace_id: span.trace_id(),
            span_id: span.span_id(),
            flags: span.trace_flags() & TraceFlags::SAMPLED,
        }
    }
}

/// `00-<trace id>-<span id>-<flags>`
impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

impl FromStr for Traceparent {
    type Err = InvalidTraceparent;

    fn from_str(header: &str) -> Result<Self, InvalidTraceparent> {
        let mut parts = header.trim().split('-');
        let mut hex = |digits: usize| {
            let part = parts
                .next()
                .filter(|part| part.len() == digits)
                .ok_or(InvalidTraceparent)?;
            let number = part.bytes().try_fold(0, |number: u128, byte| {
                let digit = match byte {
                    b'0'..=b'9' => byte - b'0',
                    b'a'..=b'f' => byte - b'a' + 10,
                    _ => return None,
                };
                Some(number << 4 | u128::from(digit))
            });
            number.ok_or(InvalidTraceparent)
        };
        let (version, trace_id, span_id, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        let span_id = u64::try_from(span_id).map_err(|_| InvalidTraceparent)?;
        if version == 0xff || trace_id == 0 || span_id == 0 {
            return Err(InvalidTraceparent);
        }
        Ok(Self {
            trace_id: TraceId::from(trace_id),
            span_id: SpanId::from(span_id),
            flags: TraceFlags::NOT_SAMPLED.with_sampled(flags & 1 == 1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_reads_as_it_is_written() {
        let parsed: Traceparent = HEADER.parse().unwrap();
        assert_eq!(parsed.to_string(), HEADER);
        assert_eq!(parsed.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(parsed.span_id(), "b7ad6b7169203331");
    }

    #[test]
    fn a_text_that_is_no_traceparent_is_refused() {
        for bad in [
            "",
            "00",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-+7ad6b7169203331-01",
        ] {
            assert_eq!(bad.parse::<Traceparent>(), Err(InvalidTraceparent), "{bad}");
        }
    }
}
