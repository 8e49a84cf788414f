//! `expand[]`: replaces an id by its object (<https://docs.stripe.com/api/expanding_objects>).

use serde_json::{Value, json};

use crate::{
    domain::{Charge, Refund},
    error::StripeError,
    form::Params,
    store::{Object, Tx},
};

/// Stripe expands four levels deep.
const MAX_DEPTH: usize = 4;

/// Expands every path that the request names, such as `latest_charge.balance_transaction` or `data.payment_method`.
pub(crate) fn expand(tx: &Tx<'_>, body: &mut Value, params: &Params) -> Result<(), StripeError> {
    for path in params.list("expand")? {
        let steps: Vec<&str> = path.split('.').collect();
        if steps.len() > MAX_DEPTH {
            let message = format!("You cannot expand more than {MAX_DEPTH} levels of a property: {path}");
            return Err(StripeError::invalid("expand", message));
        }
        if !walk(tx, body, &steps)? {
            return Err(StripeError::invalid(
                "expand",
                format!("This property cannot be expanded ({path})."),
            ));
        }
    }
    Ok(())
}

/// Expands one path; `false` if the path names nothing that can be expanded.
fn walk(tx: &Tx<'_>, at: &mut Value, steps: &[&str]) -> Result<bool, StripeError> {
    let Some((step, rest)) = steps.split_first() else {
        return Ok(true);
    };
    if let Some(items) = at.as_array_mut() {
        for item in items {
            if !walk(tx, item, steps)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    if *step == "refunds" && at["object"] == Charge::KIND {
        at["refunds"] = refunds_of(tx, at["id"].as_str().unwrap_or_default())?;
    }
    let Some(next) = at.get_mut(*step) else {
        return Ok(false);
    };
    if next.is_null() {
        return Ok(true);
    }
    if let Some(id) = next.as_str() {
        let Some(object) = tx.json(id)? else { return Ok(false) };
        *next = object;
    }
    // A list is expanded only by the step after it.
    if rest.is_empty() {
        Ok(next.is_object())
    } else {
        walk(tx, next, rest)
    }
}

/// Returns the `refunds` of a charge, which are included only when expanded.
fn refunds_of(tx: &Tx<'_>, charge: &str) -> Result<Value, StripeError> {
    let all = tx.all::<Refund>()?;
    let refunds: Vec<&Refund> = all.iter().filter(|refund| refund.belongs_to(charge)).rev().collect();
    Ok(json!({
        "object": "list", "url": format!("/v1/charges/{charge}/refunds"), "has_more": false, "data": refunds,
    }))
}
