use std::{fmt, future::Future};

use crate::{Kind, Outlet, Span, Trace, outlet};

tokio::task_local! {
    static CURRENT: Context;
}

/// Where work runs: whose it is, and as part of which trace.
#[derive(Clone, Debug, Default)]
pub struct Context {
    service: Option<&'static str>,
    trace: Option<Trace>,
    pub(crate) outlet: Option<Outlet>,
}

impl Context {
    /// The work of a service, as part of no trace; its spans go to the outlet of the process, if there is one by now.
    pub fn of(service: &'static str) -> Self {
        Self {
            service: Some(service),
            trace: None,
            outlet: outlet::of_the_process(),
        }
    }

    /// The same, with its spans going elsewhere.
    #[must_use]
    pub fn with_outlet(self, outlet: Outlet) -> Self {
        Self {
            outlet: Some(outlet),
            ..self
        }
    }

    /// The same, but nothing of it is recorded.
    #[must_use]
    pub fn unrecorded(self) -> Self {
        Self { outlet: None, ..self }
    }

    /// The same, as part of this trace.
    #[must_use]
    pub fn with(self, trace: Option<Trace>) -> Self {
        Self { trace, ..self }
    }

    /// Whose work it is.
    pub const fn service(&self) -> Option<&'static str> {
        self.service
    }

    /// The trace that it is part of.
    pub const fn trace(&self) -> Option<Trace> {
        self.trace
    }

    /// Runs a future here.
    pub fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    /// Runs a closure here.
    pub fn sync_scope<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, work)
    }

    /// Begins the next step of the trace, or a trace if there is none. Where nothing is recorded it is no step at all.
    pub fn span(&self, kind: Kind, name: fmt::Arguments<'_>) -> Span {
        match (&self.outlet, self.trace) {
            (None, _) => Span::unrecorded(self.clone()),
            (Some(_), Some(trace)) if !trace.is_sampled() => Span::unrecorded(self.clone()),
            (Some(_), trace) => self.enter(kind, name, trace),
        }
    }

    /// Begins the step that something from outside has asked for: the next one of the `caller`'s trace, or the first one
    /// of a trace of its own. It has its own id also where nothing is recorded: logs quote it.
    pub fn enter(&self, kind: Kind, name: fmt::Arguments<'_>, caller: Option<Trace>) -> Span {
        let trace = caller.map_or_else(|| self.start(), Trace::child);
        let within = self.clone().with(Some(trace));
        if self.outlet.is_some() && trace.is_sampled() {
            Span::recorded(within, kind, name, caller)
        } else {
            Span::unrecorded(within)
        }
    }

    fn start(&self) -> Trace {
        let trace = Trace::start();
        self.outlet
            .as_ref()
            .map_or(trace, |outlet| trace.sampled(outlet.percent()))
    }
}

/// Where the work at hand runs: to go on with it in another task or thread.
pub fn context() -> Context {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// The trace of the work that runs now, if it belongs to one.
pub fn current() -> Option<Trace> {
    CURRENT.try_with(Context::trace).ok().flatten()
}

/// Begins the next step of the work at hand: see [`Context::span`].
pub fn span(kind: Kind, name: fmt::Arguments<'_>) -> Span {
    context().span(kind, name)
}

/// Runs a future as part of `trace`.
pub fn scope<F: Future>(trace: Trace, work: F) -> impl Future<Output = F::Output> {
    context().with(Some(trace)).scope(work)
}

/// Runs a closure as part of `trace`; without one, as part of none.
pub fn sync_scope<T>(trace: Option<Trace>, work: impl FnOnce() -> T) -> T {
    context().with(trace).sync_scope(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_trace_follows_the_work() {
        assert_eq!(current(), None);
        let trace = Trace::start();
        Context::of("order")
            .with(Some(trace))
            .scope(async {
                assert_eq!((current(), context().service()), (Some(trace), Some("order")));
                sync_scope(Some(trace.child()), || {
                    assert_ne!(current(), Some(trace));
                    assert_eq!(context().service(), Some("order"));
                });
            })
            .await;
    }

    #[test]
    fn without_an_outlet_a_step_is_none_but_a_request_has_its_id() {
        let nowhere = Context::default();
        assert_eq!(nowhere.span(Kind::Internal, format_args!("a step")).trace(), None);
        let entered = nowhere.enter(Kind::Server, format_args!("a request"), None);
        let step = entered.context().span(Kind::Internal, format_args!("a step"));
        assert!(entered.trace().is_some());
        assert_eq!(step.trace(), entered.trace());
    }
}
