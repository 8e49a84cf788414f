use std::{future::pending, net::SocketAddr, sync::Arc};

use http_body::Body as _;
use hyper::{Request, body::Incoming, header};
use poem::{
    Body, Endpoint, RequestParts,
    http::{HeaderValue, Method, Version, uri::Scheme},
    web::{LocalAddr, RemoteAddr},
};

use super::{
    activity::Activity,
    connection::ConnectionContext,
    limits::STREAM_WINDOW_BYTES,
    refusal,
    request_body::TimedBody,
    response_body::{ActiveRequest, BoxBody, ResponseBody},
};
use crate::http::security_headers;

impl ConnectionContext {
    /// Returns the response to a request, with what the server has to observe about both.
    pub(super) async fn respond(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        activity: Arc<Activity>,
        is_limited: bool,
    ) -> hyper::Response<ResponseBody> {
        let Some(mut active) = ActiveRequest::start(Arc::clone(&activity)) else {
            // The connection is about to be dropped, and this request with it, before anything was done.
            return pending().await;
        };
        let request_version = request.version();
        let is_http2 = request_version == Version::HTTP_2;
        let awaits_continue = request.headers().contains_key(header::EXPECT);
        let (parts, incoming) = request.into_parts();
        if request_version == Version::HTTP_11 {
            activity.may_send_interim();
        }
        let is_safe = [Method::GET, Method::HEAD].contains(&parts.method);
        // Until the handler has ended: it holds what it has read.
        let held = self
            .bodies
            .request(self.proxies.client(peer.ip(), &parts.headers), &activity.body_bytes);
        let reserved = if is_http2 { sent_ahead(&incoming) } else { 0 };
        let has_room = reserved == 0 || held.hold(reserved);
        if is_http2 {
            activity.wait_for_share(self.limits.response_share_bytes).await;
        }
        let (mut body, unread) = TimedBody::new(incoming, &self.limits, Arc::clone(&activity), held.clone(), reserved);
        let refusal = if is_limited && !refusal::is_always_served(parts.uri.path()) {
            Some(refusal::too_many_connections())
        } else if !has_room {
            Some(refusal::too_many_bodies())
        } else if has_no_content(&parts.method) {
            match body.has_content().await {
                Ok(false) => None,
                Ok(true) => Some(refusal::content(&parts.method)),
                Err(error) => Some(refusal::unreadable(error)),
            }
        } else {
            None
        };
        let response = if let Some(refusal) = refusal {
            drop(body);
            refusal
        } else {
            let (local, remote) = (LocalAddr(self.local_addr.into()), RemoteAddr(peer.into()));
            let parts = RequestParts::from((parts, local, remote, Scheme::HTTP));
            let body = Body::from(BoxBody::new(body));
            self.endpoint.get_response(poem::Request::from_parts(parts, body)).await
        };
        drop(held);
        let response: hyper::Response<BoxBody> = response.into();
        let closes = !is_http2 && {
            let ends = is_limited || self.shutdown.draining.is_cancelled();
            ends || !(unread.is_empty() || (!awaits_continue && unread.skip().await))
        };
        activity.response_started();
        active.complete();
        let response = response.map(|body| ResponseBody::new(body, is_http2, active));
        let mut response = self.hold(response, &activity, is_safe);
        if closes {
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        security_headers::set(response.headers_mut());
        response
    }
}

/// Whether requests of this method have no content. (POST, PUT and PATCH have; their operations decide.)
fn has_no_content(method: &Method) -> bool {
    [
        Method::GET,
        Method::HEAD,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
    ]
    .contains(method)
}

/// Returns how many bytes of a body can be in the buffers of HTTP/2 before a handler reads them.
fn sent_ahead(incoming: &Incoming) -> usize {
    let window = usize::try_from(STREAM_WINDOW_BYTES).unwrap_or(usize::MAX);
    if incoming.is_end_stream() {
        return 0;
    }
    let length = incoming.size_hint().upper().map(usize::try_from);
    length.map_or(window, |length| length.unwrap_or(window).min(window))
}

impl ConnectionContext {
    /// Holds the bytes of a response. A response for which there is no room is replaced if nothing was changed.
    fn hold(
        &self,
        mut response: hyper::Response<ResponseBody>,
        activity: &Arc<Activity>,
        is_safe: bool,
    ) -> hyper::Response<ResponseBody> {
        if response.body().is_end_stream() {
            return response;
        }
        let bytes = response.body().own_bytes();
        match self.connections.hold(activity, bytes, !is_safe) {
            Some(held) => {
                response.body_mut().hold(held);
                response
            }
            None => response.into_body().replaced(refusal::too_many_responses().into()),
        }
    }
}
