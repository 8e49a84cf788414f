use std::fmt::{self, Debug};

use serde_json::{Map, Value, json};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};
use values::Clock;

use crate::{LogFormat, printable};

/// Formats an event as one line: time, level, service, message, fields, and the ids of its trace and span.
pub(crate) struct LogLine {
    /// The service of events outside of the span of a service.
    service: Option<&'static str>,
    format: LogFormat,
    clock: Clock,
}

impl LogLine {
    pub(crate) const fn new(service: Option<&'static str>, format: LogFormat) -> Self {
        Self {
            service,
            format,
            clock: Clock::system(),
        }
    }

    fn json(&self, event: &Event<'_>) -> Value {
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), self.clock.now().to_string().into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        let service = telemetry::current_service();
        if let Some(service) = service.as_deref().or(self.service) {
            line.insert("service".to_owned(), service.into());
        }
        // Inserted here for its place in the line.
        line.insert("message".to_owned(), Value::Null);
        event.record(&mut Fields(&mut line));
        if let Some(trace) = telemetry::current_traceparent() {
            line.insert("trace_id".to_owned(), trace.trace_id().into());
            line.insert("span_id".to_owned(), trace.span_id().into());
        }
        line.insert("target".to_owned(), event.metadata().target().into());
        Value::Object(line)
    }
}

impl<S, N> FormatEvent<S, N> for LogLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let line = self.json(event);
        match self.format {
            LogFormat::Json => writeln!(writer, "{line}"),
            LogFormat::Human => human(&mut writer, *event.metadata().level(), line),
        }
    }
}

/// Fields that a line for people shows first, or not at all.
const NOT_SHOWN_AS_FIELDS: [&str; 6] = ["timestamp", "level", "service", "message", "span_id", "target"];

/// `2027-06-01T19:30:00.000Z WARN order: a message failed attempt=1 trace_id=…`
fn human(writer: &mut Writer<'_>, level: Level, line: Value) -> fmt::Result {
    let Value::Object(line) = line else { return Ok(()) };
    let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
    let (timestamp, service, message) = (text("timestamp"), text("service"), text("message"));
    let (dim, colour, plain) = if writer.has_ansi_escapes() {
        ("\x1b[2m", colour(level), "\x1b[0m")
    } else {
        ("", "", "")
    };
    write!(writer, "{dim}{timestamp}{plain} {colour}{level:>5}{plain} ")?;
    if !service.is_empty() {
        write!(writer, "{service}: ")?;
    }
    writer.write_str(&printable(message))?;
    for (name, value) in line
        .iter()
        .filter(|(name, _)| !NOT_SHOWN_AS_FIELDS.contains(&name.as_str()))
    {
        match value {
            Value::String(text) if !text.contains([' ', '"', '\n']) => {
                write!(writer, " {dim}{name}={plain}{}", printable(text))?;
            }
            value => write!(writer, " {dim}{name}={plain}{}", printable(&value.to_string()))?,
        }
    }
    writer.write_char('\n')
}

const fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        _ => "\x1b[34m",
    }
}

struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.put(
            field,
            u64::try_from(value).map_or_else(|_| value.to_string().into(), Value::from),
        );
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json!(value));
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, io};

    use telemetry::{Span, SpanKind};
    use tracing_subscriber::{Layer, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

    use super::*;

    thread_local! {
        static JSON: RefCell<Vec<u8>> = RefCell::default();
        static HUMAN: RefCell<Vec<u8>> = RefCell::default();
    }

    /// Collects the lines of the thread that logs them: there is one subscriber for all tests.
    struct ThreadLog(&'static std::thread::LocalKey<RefCell<Vec<u8>>>);

    impl io::Write for ThreadLog {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.with_borrow_mut(|log| log.extend(bytes));
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for ThreadLog {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            Self(self.0)
        }
    }

    /// The lines of `log`, as JSON and for people.
    fn logged(log: impl FnOnce()) -> (String, String) {
        let lines = |format, log| {
            tracing_subscriber::fmt::layer()
                .with_writer(ThreadLog(log))
                .with_ansi(false)
                .event_format(LogLine::new(Some("payment"), format))
                .with_filter(tracing::level_filters::LevelFilter::INFO)
        };
        // The second test finds it installed.
        let _ = telemetry::span_layers()
            .with(vec![
                lines(LogFormat::Json, &JSON).boxed(),
                lines(LogFormat::Human, &HUMAN).boxed(),
            ])
            .try_init();
        log();
        let text = |log: Vec<u8>| String::from_utf8(log).unwrap();
        (text(JSON.take()), text(HUMAN.take()))
    }

    fn fail() {
        tracing::warn!(
            queue = "ticketing.order",
            attempt = 2_u32,
            reason = "no such order",
            "a message failed"
        );
    }

    #[test]
    fn a_line_names_its_service_trace_and_span() {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            .parse()
            .unwrap();
        let (text, _) = logged(|| {
            let service = telemetry::service_span("order");
            let span = Span::entry(&service, SpanKind::Server, format_args!("POST /"), Some(trace));
            span.in_scope(fail);
            tracing::info!(span_id = span.traceparent().unwrap().span_id(), "the span");
        });
        let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let (line, span) = (lines.next().unwrap(), lines.next().unwrap());
        for (name, value) in [
            ("level", &json!("WARN")),
            ("service", &json!("order")),
            ("message", &json!("a message failed")),
            ("attempt", &json!(2)),
            ("reason", &json!("no such order")),
            ("trace_id", &json!("0af7651916cd43dd8448eb211c80319c")),
            ("span_id", &span["span_id"]),
        ] {
            assert_eq!(&line[name], value, "{name} in {text}");
        }
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn a_line_for_people_is_one_line_too() {
        let (_, text) = logged(fail);
        let (_, rest) = text.split_once(' ').unwrap();
        assert_eq!(
            rest,
            " WARN payment: a message failed queue=ticketing.order attempt=2 reason=\"no such order\"\n"
        );
        let (_, text) = logged(|| tracing::info!(name = "two\nlines", "hello"));
        assert!(text.ends_with(" INFO payment: hello name=\"two\\nlines\"\n"), "{text}");
    }
}
