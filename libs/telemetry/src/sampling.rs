use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, TraceContextExt, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

use crate::export::exported_percent;

/// In the context of spans that are never exported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotExported;

/// The side that begins a trace decides for all who take part in it whether it is exported.
#[derive(Clone, Debug)]
pub(crate) struct Sampling;

impl ShouldSample for Sampling {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let parent_span = parent.map(|parent| parent.span().span_context().clone());
        let is_sampled = if parent.is_some_and(|parent| parent.get::<NotExported>().is_some()) {
            false
        } else if let Some(parent) = parent_span.filter(opentelemetry::trace::SpanContext::is_valid) {
            parent.is_sampled()
        } else {
            is_selected(trace_id, exported_percent())
        };
        SamplingResult {
            decision: if is_sampled {
                SamplingDecision::RecordAndSample
            } else {
                SamplingDecision::Drop
            },
            attributes: Vec::new(),
            trace_state: TraceState::default(),
        }
    }
}

/// Selects `percent` of all traces. The same ones everywhere, because it depends on the id only.
fn is_selected(trace_id: TraceId, percent: u8) -> bool {
    // An id is random at least in its low half (W3C trace context, section 3.2.2.3).
    let share = (u128::from_be_bytes(trace_id.to_bytes()) >> 1) % 100;
    share < u128::from(percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_traces_is_selected_by_id() {
        let selected = |percent| {
            (0..1000_u128)
                .filter(|id| is_selected(TraceId::from(*id), percent))
                .count()
        };
        assert_eq!((selected(0), selected(25), selected(100)), (0, 250, 1000));
    }
}
