use std::{cell::RefCell, net::SocketAddr, time::Duration};

use serde_json::json;

use super::market::text;
use crate::{
    BenchResult, http,
    load::{ClosedLoop, LoadOutcome, run_closed},
    processes::Watched,
};

/// The password of every account.
const PASSWORD: &str = "correct horse battery";

/// The number of sign-ups or sign-ins at the same time.
const CLIENTS: usize = 8;

/// A person who is signed in.
#[derive(Clone, Debug)]
pub struct Account {
    /// The header with the access token.
    pub header: String,
}

/// Signs up accounts, and returns them.
///
/// # Errors
///
/// A refused sign-up.
pub async fn sign_up(addr: SocketAddr, count: usize) -> BenchResult<Vec<Account>> {
    accounts(addr, "/api/v1/auth/signup", 201, count).await
}

/// Signs in to accounts that [`sign_up`] has created.
///
/// # Errors
///
/// A refused sign-in.
pub async fn sign_in(addr: SocketAddr, count: usize) -> BenchResult<Vec<Account>> {
    accounts(addr, "/api/v1/auth/signin", 200, count).await
}

async fn accounts(addr: SocketAddr, path: &str, status: u16, count: usize) -> BenchResult<Vec<Account>> {
    let accounts = RefCell::new(vec![None; count]);
    let next = std::cell::Cell::new(0_usize);
    let clients = (0..CLIENTS.min(count)).map(|_| async {
        let mut connection = http::Connection::open(addr).await?;
        loop {
            let number = next.get();
            if number >= count {
                return BenchResult::Ok(());
            }
            next.set(number + 1);
            let request = http::post(addr, path, "", &credentials(number));
            let token = text(&connection.send_for_json(&request, status).await?, "accessToken")?;
            let account = Account {
                header: http::bearer(&token),
            };
            if let Some(place) = accounts.borrow_mut().get_mut(number) {
                *place = Some(account);
            }
        }
    });
    futures_util::future::try_join_all(clients).await?;
    Ok(accounts.into_inner().into_iter().flatten().collect())
}

/// Measures sign-ins to the first `count` accounts.
///
/// # Errors
///
/// A refused sign-in.
pub async fn measure_sign_ins(
    addr: SocketAddr,
    count: usize,
    warm_up: Duration,
    duration: Duration,
    watched: &Watched,
) -> BenchResult<LoadOutcome> {
    let plan = ClosedLoop {
        addr,
        clients: CLIENTS,
        warm_up,
        duration,
        max_requests: u64::MAX,
        expected: &[200],
        watched,
    };
    let requests: Vec<_> = (0..count)
        .map(|number| http::post(addr, "/api/v1/auth/signin", "", &credentials(number)))
        .collect();
    let request = |number: u64| {
        let index = usize::try_from(number).unwrap_or(0) % requests.len().max(1);
        requests.get(index).cloned().unwrap_or_default()
    };
    run_closed(plan, request).await
}

fn credentials(number: usize) -> serde_json::Value {
    json!({"email": format!("person-{number}@example.com"), "password": PASSWORD})
}
