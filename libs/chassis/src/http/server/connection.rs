use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};

use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use poem::{Response, endpoint::BoxEndpoint};
use tokio::{
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    activity::Activity,
    body_budget::BodyBudget,
    closing::{CloseReason, ServerShutdown},
    connections::{Connections, OpenConnection},
    io::ObservedSocket,
    limits::{
        CONNECTION_WINDOW_BYTES, MAX_HEAD_BYTES, MAX_HEADER_LIST_BYTES, MAX_RESET_STREAMS, MAX_STREAMS,
        STREAM_SEND_BUFFER_BYTES, STREAM_WINDOW_BYTES, ServerLimits,
    },
    stream_tasks::StreamTasks,
};
use crate::TrustedProxies;

/// What all connections of a server share.
pub(super) struct ConnectionContext {
    pub(super) endpoint: BoxEndpoint<'static, Response>,
    pub(super) limits: ServerLimits,
    pub(super) local_addr: SocketAddr,
    pub(super) shutdown: ServerShutdown,
    pub(super) connections: Connections,
    pub(super) bodies: BodyBudget,
    pub(super) proxies: TrustedProxies,
    pub(super) builder: auto::Builder<StreamTasks>,
}

/// Returns the configuration of hyper.
pub(super) fn protocols(streams: StreamTasks) -> auto::Builder<StreamTasks> {
    let mut builder = auto::Builder::new(streams);
    builder
        .http1()
        // The deadlines of the activity replace it.
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_BYTES)
        // So that hyper reads on while a request is served. The socket decides whether the end of the input is a hang-up.
        .half_close(false)
        .timer(TokioTimer::new());
    builder
        .http2()
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST_BYTES)
        .max_pending_accept_reset_streams(MAX_RESET_STREAMS)
        .max_local_error_reset_streams(MAX_RESET_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(STREAM_SEND_BUFFER_BYTES);
    builder
}

impl ConnectionContext {
    /// Serves a connection until it ends, and returns why it did.
    pub(super) async fn serve(
        self: &Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        open: &OpenConnection,
    ) -> CloseReason {
        let (activity, is_limited) = (&open.activity, open.is_limited);
        let socket = ObservedSocket::new(stream, Arc::clone(activity), self.limits.linger);
        let service = service_fn({
            let (context, activity) = (Arc::clone(self), Arc::clone(activity));
            move |request| {
                let (context, activity) = (Arc::clone(&context), Arc::clone(&activity));
                async move { Ok::<_, Infallible>(context.respond(request, peer, activity, is_limited).await) }
            }
        });
        let connection = self.builder.serve_connection(TokioIo::new(socket), service);
        let mut connection = pin!(connection);
        let mut deadline = pin!(sleep_until(Instant::now() + self.limits.head));
        let mut stopping = Stopping::new(self, activity);
        let mut is_ending = false;
        loop {
            tokio::select! {
                biased;
                // First, so that no request is read any more.
                () = activity.evicted.cancelled() => return CloseReason::Evicted,
                result = connection.as_mut() => {
                    return if result.is_ok() { CloseReason::Done } else { CloseReason::Error };
                }
                reason = poll_fn(|cx| poll_deadline(activity, &self.limits, deadline.as_mut(), cx)) => return reason,
                // HTTP/1 has a header for that.
                () = activity.has_request.cancelled(), if is_limited && !is_ending => {
                    is_ending = true;
                    if activity.is_http2() {
                        connection.as_mut().graceful_shutdown();
                    }
                }
                step = stopping.next() => match step {
                    // HTTP/1 is not closed here: hyper would not read a request that is in the socket already.
                    Step::Drain | Step::End if activity.is_http2() => connection.as_mut().graceful_shutdown(),
                    Step::Drain | Step::End => {}
                    Step::Abort => return CloseReason::Shutdown,
                },
            }
        }
    }
}

/// Completes when a deadline of the activity has passed. The timer is set anew only for an earlier deadline, and when it
/// has fired.
fn poll_deadline(
    activity: &Activity,
    limits: &ServerLimits,
    mut timer: Pin<&mut Sleep>,
    cx: &mut Context<'_>,
) -> Poll<CloseReason> {
    loop {
        match activity.deadline(limits) {
            Some((at, reason)) if at <= Instant::now() => return Poll::Ready(reason),
            Some((at, _)) if at < timer.deadline() || timer.is_elapsed() => timer.as_mut().reset(at),
            // The end of the last stream need not wake the connection, whose deadline then begins.
            None if timer.is_elapsed() => timer.as_mut().reset(Instant::now() + limits.idle),
            _ => {}
        }
        ready!(timer.as_mut().poll(cx));
    }
}

/// How a connection ends with its server.
struct Stopping<'a> {
    context: &'a ConnectionContext,
    activity: &'a Activity,
    next: Stage,
}

enum Stage {
    Draining,
    Stopping,
    Ending(Instant),
    Aborting(Instant),
}

enum Step {
    /// The next response is the last one.
    Drain,
    /// The connection ends unless it has a request.
    End,
    /// The connection ends.
    Abort,
}

impl<'a> Stopping<'a> {
    const fn new(context: &'a ConnectionContext, activity: &'a Activity) -> Self {
        Self {
            context,
            activity,
            next: Stage::Draining,
        }
    }

    /// Returns the next step at its time.
    async fn next(&mut self) -> Step {
        let (shutdown, limits) = (&self.context.shutdown, &self.context.limits);
        loop {
            match self.next {
                Stage::Draining => {
                    shutdown.draining.cancelled().await;
                    self.next = Stage::Stopping;
                    return Step::Drain;
                }
                Stage::Stopping => {
                    shutdown.stopping.cancelled().await;
                    self.next = Stage::Ending(Instant::now() + limits.stop_idle);
                }
                Stage::Ending(at) => {
                    sleep_until(at).await;
                    self.next = Stage::Aborting(at + limits.stop);
                    self.activity.end();
                    return Step::End;
                }
                Stage::Aborting(at) => {
                    sleep_until(at).await;
                    return Step::Abort;
                }
            }
        }
    }
}
