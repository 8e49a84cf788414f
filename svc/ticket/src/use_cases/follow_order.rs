use db::Tx;
use events::VoidReason;
use values::{AdmissionId, OrderId, Timestamp};

use super::end_transfers::end_offer_of;
use crate::{
    domain::{Admission, Codes, Sale},
    events::publish_admission,
    store,
};

/// Issues the admissions of a complete order, one for each ticket, and makes as many of them void as are refunded, or all of
/// them if its charge was disputed and lost; what was undone is restored. Changes `limit` admissions at most.
///
/// Returns whether the admissions follow the order, or there is nothing to follow. Derived from the newest state of the order and
/// from what is stored, so that events may repeat and arrive in any order.
pub(crate) fn follow_order(
    tx: &Tx,
    now: Timestamp,
    codes: &Codes,
    order: OrderId,
    limit: u32,
) -> Result<bool, db::Error> {
    let Some(sale) = store::sale_to_follow(tx, order)? else {
        return Ok(true);
    };
    let mut rest = limit;
    issue(tx, now, codes, &sale, &mut rest)?;
    if rest > 0 {
        follow_refunds(tx, now, &sale, &mut rest)?;
    }
    if rest > 0 {
        follow_dispute(tx, now, &sale, &mut rest)?;
    }
    // The limit may be reached with the last change: the next step finds nothing to do.
    if rest > 0 {
        store::mark_followed(tx, &sale)?;
    }
    Ok(rest > 0)
}

fn issue(tx: &Tx, now: Timestamp, codes: &Codes, sale: &Sale, rest: &mut u32) -> Result<(), db::Error> {
    let issued = store::issued_count(tx, sale.order_id)?;
    let last = sale.quantity.min(issued.saturating_add(*rest));
    for number in issued + 1..=last {
        let id = AdmissionId::new(now);
        let code = codes.new_code(sale.ticket_id, id);
        let admission = Admission::issue(sale, id, number, code, now);
        store::insert_admission(tx, &admission)?;
        publish_admission(tx, now, &admission)?;
        *rest -= 1;
    }
    Ok(())
}

fn follow_refunds(tx: &Tx, now: Timestamp, sale: &Sale, rest: &mut u32) -> Result<(), db::Error> {
    let void = store::void_count(tx, sale.order_id, VoidReason::Refund)?;
    let (to_refund, to_restore) = (sale.refunded.saturating_sub(void), void.saturating_sub(sale.refunded));
    if to_refund > 0 {
        for mut admission in store::next_to_refund(tx, sale, to_refund.min(*rest))? {
            admission.make_void(VoidReason::Refund, now);
            save(tx, now, &admission, rest)?;
        }
    }
    if to_restore > 0 {
        for mut admission in store::next_to_restore(tx, sale, to_restore.min(*rest))? {
            admission.restore(now);
            save(tx, now, &admission, rest)?;
        }
    }
    Ok(())
}

fn follow_dispute(tx: &Tx, now: Timestamp, sale: &Sale, rest: &mut u32) -> Result<(), db::Error> {
    for mut admission in store::next_of_dispute(tx, sale, *rest)? {
        if sale.is_lost {
            admission.make_void(VoidReason::Dispute, now);
        } else {
            admission.restore(now);
        }
        save(tx, now, &admission, rest)?;
    }
    Ok(())
}

fn save(tx: &Tx, now: Timestamp, admission: &Admission, rest: &mut u32) -> Result<(), db::Error> {
    if !admission.is_valid() {
        end_offer_of(tx, now, admission.id())?;
    }
    store::update_admission(tx, admission)?;
    publish_admission(tx, now, admission)?;
    *rest = rest.saturating_sub(1);
    Ok(())
}

#[cfg(test)]
mod tests;
