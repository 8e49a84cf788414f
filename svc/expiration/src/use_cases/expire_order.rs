use db::Tx;
use values::Timestamp;

use crate::{
    domain::{CannotExpire, Timer},
    events::publish_expiration,
    store,
};

/// Expires a timer and publishes its expiration. The stored state decides, so an expiration is published once.
pub(super) fn expire_order(tx: &Tx, now: Timestamp, mut timer: Timer) -> Result<Result<(), CannotExpire>, db::Error> {
    let expiration = match timer.expire(now) {
        Ok(expiration) => expiration,
        Err(cannot_expire) => return Ok(Err(cannot_expire)),
    };
    store::save_timer(tx, &timer)?;
    publish_expiration(tx, now, expiration)?;
    tracing::debug!(order = %timer.order_id(), deadline = %timer.deadline(), "order expired");
    Ok(Ok(()))
}
