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

use crate::LogFormat;

/// One line for each event: when, how bad, whose, what, in which step of which trace.
pub(crate) struct LogLine {
    /// Whose lines these are that do not say it themselves.
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
        let here = trace::context();
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), self.clock.now().to_string().into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        if let Some(service) = here.service().or(self.service) {
            line.insert("service".to_owned(), service.into());
        }
        // Second to none in a line that is read by people too.
        line.insert("message".to_owned(), Value::Null);
        event.record(&mut Fields(&mut line));
        if let Some(trace) = here.trace() {
            line.insert("trace_id".to_owned(), trace.id().into());
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

/// What a line for people begins with, or can do without.
const APART: [&str; 6] = ["timestamp", "level", "service", "message", "span_id", "target"];

/// `2027-06-01T19:30:00.000Z WARN order: a message failed attempt=1 trace_id=…`
fn human(writer: &mut Writer<'_>, level: Level, line: Value) -> fmt::Result {
    let Value::Object(line) = line else { return Ok(()) };
    let word = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
    let (timestamp, service, message) = (word("timestamp"), word("service"), word("message"));
    let (dim, colour, plain) = if writer.has_ansi_escapes() {
        ("\x1b[2m", colour(level), "\x1b[0m")
    } else {
        ("", "", "")
    };
    write!(writer, "{dim}{timestamp}{plain} {colour}{level:>5}{plain} ")?;
    if !service.is_empty() {
        write!(writer, "{service}: ")?;
    }
    writer.write_str(message)?;
    for (name, value) in line.iter().filter(|(name, _)| !APART.contains(&name.as_str())) {
        match value {
            Value::String(text) if !text.contains([' ', '"', '\n']) => write!(writer, " {dim}{name}={plain}{text}")?,
            value => write!(writer, " {dim}{name}={plain}{value}")?,
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
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Page {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    fn written(service: Option<&'static str>, format: LogFormat, log: impl FnOnce()) -> String {
        let page = Page::default();
        let lines = tracing_subscriber::fmt().with_writer(page.clone()).with_ansi(false);
        tracing::subscriber::with_default(lines.event_format(LogLine::new(service, format)).finish(), log);
        String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
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
    fn a_line_says_whose_it_is_and_in_which_step_of_which_trace() {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            .parse()
            .unwrap();
        let here = trace::Context::of("order").with(Some(trace));
        let text = written(None, LogFormat::Json, || here.sync_scope(fail));
        let line: Value = serde_json::from_str(text.strip_suffix('\n').unwrap()).unwrap();
        for (name, value) in [
            ("level", json!("WARN")),
            ("service", json!("order")),
            ("message", json!("a message failed")),
            ("attempt", json!(2)),
            ("reason", json!("no such order")),
            ("trace_id", json!("0af7651916cd43dd8448eb211c80319c")),
            ("span_id", json!("b7ad6b7169203331")),
        ] {
            assert_eq!(line[name], value, "{name} in {text}");
        }
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn a_line_for_people_is_one_line_too() {
        let text = written(Some("payment"), LogFormat::Human, fail);
        let (_, rest) = text.split_once(' ').unwrap();
        assert_eq!(
            rest,
            " WARN payment: a message failed queue=ticketing.order attempt=2 reason=\"no such order\"\n"
        );
        let text = written(None, LogFormat::Human, || tracing::info!(name = "two\nlines", "hello"));
        assert!(text.ends_with(" INFO hello name=\"two\\nlines\"\n"), "{text}");
    }
}
