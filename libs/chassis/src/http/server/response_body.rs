use std::{
    io, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{activity::Activity, held_response::HeldResponse, limits::CHUNK_BYTES};

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

    /// The client accepts part of the response.
    fn accepted(&self) {
        self.activity.accepted();
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

/// The body of a response. Its bytes are held by the server until the client has accepted them. On HTTP/2 it is handed over
/// in chunks, each when the client can accept it.
pub(super) struct ResponseBody {
    inner: BoxBody,
    /// What is left of a frame.
    rest: Bytes,
    /// A frame without data, or an error, that comes next.
    next: Option<Result<Frame<Bytes>, io::Error>>,
    is_chunked: bool,
    held: Option<Arc<HeldResponse>>,
    request: ActiveRequest,
}

impl ResponseBody {
    pub(super) fn new(inner: BoxBody, is_chunked: bool, request: ActiveRequest) -> Self {
        let mut body = Self {
            inner,
            rest: Bytes::new(),
            next: None,
            is_chunked,
            held: None,
            request,
        };
        // What is in memory already. Otherwise the next poll registers its waker.
        if let Poll::Ready(Some(frame)) = Pin::new(&mut body.inner).poll_frame(&mut Context::from_waker(Waker::noop()))
        {
            body.take(frame);
        }
        body
    }

    /// Returns the number of bytes that this response alone keeps in memory. Files are shared by all of their responses.
    pub(super) fn own_bytes(&self) -> usize {
        let rest = if self.rest.is_unique() { self.rest.len() } else { 0 };
        let coming = usize::try_from(self.inner.size_hint().lower()).unwrap_or(usize::MAX);
        rest.saturating_add(coming)
    }

    /// Counts its bytes until the client has accepted them.
    pub(super) fn hold(&mut self, held: HeldResponse) {
        let held = self.held.insert(Arc::new(held));
        if !self.rest.is_empty() {
            self.rest = held.guard(mem::take(&mut self.rest));
        }
    }

    /// Replaces the response by another one, whose body needs no room.
    pub(super) fn replaced(self, by: hyper::Response<BoxBody>) -> hyper::Response<Self> {
        let Self {
            is_chunked, request, ..
        } = self;
        by.map(|body| Self::new(body, is_chunked, request))
    }

    fn take(&mut self, frame: Result<Frame<Bytes>, io::Error>) {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => {
                self.rest = match &self.held {
                    Some(held) if !data.is_empty() => held.guard(data),
                    _ => data,
                }
            }
            Ok(Err(other)) => self.next = Some(Ok(other)),
            Err(error) => self.next = Some(Err(error)),
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        while self.rest.is_empty() {
            if let Some(next) = self.next.take() {
                return Poll::Ready(Some(next));
            }
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(frame) => self.take(frame),
                None => return Poll::Ready(None),
            }
        }
        let count = if self.is_chunked {
            self.request.accepted();
            self.rest.len().min(CHUNK_BYTES)
        } else {
            self.rest.len()
        };
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(count)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.next.is_none() && self.inner.is_end_stream()
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
