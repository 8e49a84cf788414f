use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{activity::Activity, limits::CHUNK_BYTES};

/// The body of a response of poem.
pub(super) type BoxBody = http_body_util::combinators::BoxBody<Bytes, io::Error>;

/// A request that is being served, until its response was handed over.
pub(super) struct ActiveRequest {
    activity: Arc<Activity>,
    is_completed: bool,
}

impl ActiveRequest {
    /// Returns `None` if the connection was evicted.
    pub(super) fn start(activity: Arc<Activity>) -> Option<Self> {
        activity.start_request().then_some(Self {
            activity,
            is_completed: false,
        })
    }

    /// A response is ready. If it is not, the client has cancelled the request.
    pub(super) const fn complete(&mut self) {
        self.is_completed = true;
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.activity.request_ended(self.is_completed);
    }
}

/// The body of a response. On HTTP/2 it is handed over in chunks, each when the client can accept it: the stream's deadline
/// then covers a client that does not.
pub(super) struct ResponseBody {
    inner: BoxBody,
    /// What is left of a frame.
    rest: Bytes,
    is_chunked: bool,
    _request: ActiveRequest,
}

impl ResponseBody {
    pub(super) const fn new(inner: BoxBody, is_chunked: bool, request: ActiveRequest) -> Self {
        Self {
            inner,
            rest: Bytes::new(),
            is_chunked,
            _request: request,
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) if self.is_chunked => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                other => return Poll::Ready(other),
            }
        }
        let count = self.rest.len().min(CHUNK_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(count)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.inner.size_hint(), u64::try_from(self.rest.len()).unwrap_or(0));
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(rest));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}
