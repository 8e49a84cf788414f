use std::{
    borrow::Cow,
    fmt,
    time::{Duration, Instant, SystemTime},
};

use crate::{Context, Trace};

/// Which side of a conversation a step is
/// (<https://opentelemetry.io/docs/specs/otel/trace/api/#spankind>).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Among ourselves.
    Internal,
    /// Answers a request.
    Server,
    /// Makes a request, and waits for the answer.
    Client,
    /// Sends a message.
    Producer,
    /// Handles a message.
    Consumer,
}

/// A circumstance of a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// A text.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// A step that has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Whose step it was.
    pub service: &'static str,
    /// Which step of which trace.
    pub trace: Trace,
    /// The step that led to it.
    pub parent: Option<Trace>,
    /// Steps of other traces that have to do with it.
    pub links: Vec<Trace>,
    /// Which side of a conversation.
    pub kind: Kind,
    /// What was done; never anything unbounded, such as an id.
    pub name: String,
    /// Nanoseconds since 1970 at its beginning.
    pub began: u64,
    /// Nanoseconds since 1970 at its end.
    pub ended: u64,
    /// Its circumstances, by OpenTelemetry's names
    /// (<https://opentelemetry.io/docs/specs/semconv/registry/attributes/>).
    pub attributes: Vec<(&'static str, Value)>,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// A step that is under way; it ends when it is dropped.
#[derive(Debug)]
pub struct Span {
    context: Context,
    record: Option<Box<(Instant, Recorded)>>,
}

impl Span {
    pub(crate) const fn unrecorded(context: Context) -> Self {
        Self { context, record: None }
    }

    pub(crate) fn recorded(context: Context, kind: Kind, name: fmt::Arguments<'_>, parent: Option<Trace>) -> Self {
        let record = context.trace().map(|trace| {
            let recorded = Recorded {
                service: context.service().unwrap_or("unknown"),
                trace,
                parent,
                links: Vec::new(),
                kind,
                name: name.to_string(),
                began: nanos_since_1970(),
                ended: 0,
                attributes: Vec::new(),
                error: None,
            };
            Box::new((Instant::now(), recorded))
        });
        Self { context, record }
    }

    /// The step, if it is one of a trace.
    pub const fn trace(&self) -> Option<Trace> {
        self.context.trace()
    }

    /// Where the work of this step runs.
    pub fn context(&self) -> Context {
        self.context.clone()
    }

    /// Whether anybody will read of it: whether it is worth finding out more.
    pub const fn is_recorded(&self) -> bool {
        self.record.is_some()
    }

    /// Notes a circumstance. Never a secret.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        if let Some(record) = &mut self.record {
            record.1.attributes.push((name, value.into()));
        }
    }

    /// Notes that a step of another trace has to do with this one.
    pub fn link(&mut self, other: Trace) {
        if let Some(record) = &mut self.record {
            record.1.links.push(other);
        }
    }

    /// Notes that it failed. Never a secret.
    pub fn fail(&mut self, reason: impl fmt::Display) {
        if let Some(record) = &mut self.record {
            record.1.error = Some(reason.to_string());
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let (Some(record), Some(outlet)) = (self.record.take(), &self.context.outlet) {
            let (clock, mut recorded) = *record;
            recorded.ended = recorded.began.saturating_add(nanos(clock.elapsed()));
            outlet.take(recorded);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "when it really was: a test that moves its clock moves no span"
)]
fn nanos_since_1970() -> u64 {
    nanos(
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outlet;

    #[test]
    fn a_step_is_told_when_it_has_ended_with_the_step_that_led_to_it() {
        let (outlet, mut spans) = Outlet::new(8, 100);
        let order = Context::of("order").with_outlet(outlet);
        let mut request = order.enter(Kind::Server, format_args!("POST {}", "/api/v1/orders"), None);
        request.set("http.response.status_code", 201_u16);
        let mut write = request.context().span(Kind::Client, format_args!("write order"));
        write.fail("disk full");
        drop(write);
        let id = request.trace();
        drop(request);

        let (write, request) = (spans.try_recv().unwrap(), spans.try_recv().unwrap());
        assert_eq!(
            (write.name.as_str(), write.parent, write.error.as_deref()),
            ("write order", id, Some("disk full"))
        );
        assert_eq!(
            (request.name.as_str(), request.parent, request.service),
            ("POST /api/v1/orders", None, "order")
        );
        assert_eq!(request.attributes, [("http.response.status_code", Value::Number(201))]);
        assert!(request.began <= write.began && write.ended <= request.ended);
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_counted() {
        let (outlet, mut spans) = Outlet::new(1, 100);
        let order = Context::of("order").with_outlet(outlet.clone());
        for _ in 0..3 {
            drop(order.span(Kind::Internal, format_args!("a step")));
        }
        assert_eq!(outlet.dropped(), 2);
        assert!(spans.try_recv().is_ok());
    }

    #[test]
    fn who_begins_a_trace_decides_for_all_steps_whether_it_is_recorded() {
        let (outlet, mut spans) = Outlet::new(8, 0);
        let order = Context::of("order").with_outlet(outlet);
        let request = order.enter(Kind::Server, format_args!("ours"), None);
        drop(request.context().span(Kind::Internal, format_args!("a step")));
        drop(request);
        assert!(spans.try_recv().is_err());
        drop(order.enter(Kind::Server, format_args!("theirs"), Some(Trace::start())));
        assert_eq!(spans.try_recv().unwrap().name, "theirs");
    }
}
