//! Giving unpaid tickets back.

use super::address::{order_id, path};
use crate::{
    api_client::orders,
    frame::{PageResult, Visit},
};

pub(crate) async fn submit(visit: Visit) -> PageResult {
    let id = order_id(&visit)?;
    // An order that is paid meanwhile stays; its page says so.
    orders::cancel(visit.session(), id).await?;
    visit.redirect(&path(id))
}
