//! The processor time of the spans of one order, where none is exported: a request that reads and writes, an event that is
//! published, three services that consume it and write. `cargo bench -p telemetry --bench order`; for a count of
//! instructions run the program that it prints below `valgrind --tool=callgrind`, with a number of orders.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{fs, hint::black_box};

use telemetry::{Span, SpanKind, current_traceparent, service_span};
use tokio::task::yield_now;
use tracing::Instrument;

const ORDERS: u64 = 100_000;

fn main() {
    let orders = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(ORDERS);
    telemetry::install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let before = cpu_millis();
    runtime.block_on(async {
        let service = service_span("order");
        for _ in 0..orders {
            order(&service).await;
        }
    });
    let nanos = (cpu_millis() - before) * 1_000_000 / orders;
    println!("{nanos} ns for each of {orders} orders");
}

async fn order(service: &tracing::Span) {
    let request = Span::entry(service, SpanKind::Server, format_args!("POST /api/v1/orders"), None);
    let work = async {
        yield_now().await;
        tracing::Span::current().in_scope(|| ());
        yield_now().await;
        let event = write().await;
        (event, current_traceparent().map(|id| black_box(id.trace_id())))
    };
    let (event, _) = work.instrument(request.to_tracing()).await;
    drop(request);
    let cause = event.and_then(|event| event.parse().ok());
    let sent = Span::inner_of(SpanKind::Producer, format_args!("send events"), cause);
    let header = sent.traceparent().map(|sent| sent.to_string());
    drop(sent);
    for _ in 0..3 {
        let cause = header.as_deref().and_then(|header| header.parse().ok());
        let consumed = Span::entry(service, SpanKind::Consumer, format_args!("process queue"), cause);
        black_box(write().instrument(consumed.to_tracing()).await);
    }
}

/// Writes, and publishes an event.
async fn write() -> Option<String> {
    let write = Span::inner(SpanKind::Client, format_args!("write order"));
    yield_now().await;
    write.in_scope(|| current_traceparent().map(|id| id.to_string()))
}

/// The processor time of this process, in user and kernel mode (fields 14 and 15 of `proc_pid_stat(5)`, in hundredths of a
/// second).
fn cpu_millis() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().unwrap());
    ticks.sum::<u64>() * 10
}
