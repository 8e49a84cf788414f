//! Selling: the listings of a seller, their forms, sales and refunds.

mod address;
mod balance;
mod chart;
mod csv;
mod decide;
mod differences;
mod edit;
mod entry;
mod image;
mod list;
mod new;
mod sales;
mod withdraw;
mod withdrawal;
mod zones;

use crate::frame::{Routes, get};

/// Adds the paths of sellers.
pub(super) fn add_routes(routes: Routes) -> Routes {
    routes
        .at("/sell", get(list::show))
        .at("/sell/balance", get(balance::show))
        .at("/sell/balance/ledger.csv", get(csv::ledger))
        .at("/sell/new", get(new::show).post(new::submit))
        .at("/sell/{id}", get(sales::show))
        .at("/sell/{id}/orders.csv", get(csv::orders))
        .at("/sell/{id}/edit", get(edit::show).post(edit::submit))
        .at("/sell/{id}/image", get(image::show).post(image::submit))
        .at("/sell/{id}/image/removal", get(image::back).post(image::remove))
        .at("/sell/{id}/withdraw", get(withdraw::show).post(withdraw::submit))
        .at("/sell/{id}/withdrawal", get(address::back).post(withdrawal::retry))
        .at(
            "/sell/{id}/refunds/{order}/{refund}",
            get(address::back).post(decide::submit),
        )
}
