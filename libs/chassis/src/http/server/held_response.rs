use std::sync::Arc;

use bytes::Bytes;
use metrics::Gauge;

use super::activity::Activity;

/// Counts the bytes of all responses of a server that clients have not accepted yet.
#[derive(Clone)]
pub(super) struct HeldTotal(pub(super) Gauge);

impl HeldTotal {
    pub(super) fn bytes(&self) -> usize {
        usize::try_from(self.0.get()).unwrap_or(0)
    }

    fn add(&self, bytes: usize) {
        self.0.inc_by(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Counts bytes no longer.
    pub(super) fn subtract(&self, bytes: usize) {
        self.0.dec_by(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}

/// The bytes of one response, counted until the last part of it is dropped.
pub(super) struct HeldResponse {
    total: HeldTotal,
    activity: Arc<Activity>,
    bytes: usize,
}

impl HeldResponse {
    pub(super) fn new(total: &HeldTotal, activity: &Arc<Activity>, bytes: usize) -> Self {
        total.add(bytes);
        if !activity.hold(bytes) {
            total.subtract(bytes);
        }
        Self {
            total: total.clone(),
            activity: Arc::clone(activity),
            bytes,
        }
    }

    /// Returns the bytes of a part; while they are in use anywhere, the response counts.
    pub(super) fn guard(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Part {
            bytes,
            _response: Arc::clone(self),
        })
    }
}

impl Drop for HeldResponse {
    fn drop(&mut self) {
        if self.activity.release(self.bytes) {
            self.total.subtract(self.bytes);
        }
    }
}

struct Part {
    bytes: Bytes,
    _response: Arc<HeldResponse>,
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
