//! Measures the load that one machine carries. The stack runs as a child process with real HTTP, databases and broker.
//! Users in this process browse, order a listing until it is sold out, do both at once, and buy from the order to the
//! captured payment. They take processor time from the stack, so that real figures are better.
//!
//! Run it with `cargo bench -p stack --bench onsale` (`-- --help` lists the options). It needs a broker, see
//! `just broker`.

#[path = "../../tests/support/banner.rs"]
mod banner;
mod measurement;
mod stack_process;
mod user;

use std::{
    error::Error,
    process::ExitCode,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use clap::Parser;
use futures_util::future::{join, try_join_all};
use measurement::Measurement;
use serde_json::json;
use stack_process::StackProcess;
use user::{User, ticket_body};

type BenchResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Clone, Debug, Parser)]
struct Options {
    /// Number of users, each with one request at a time
    #[arg(long, default_value = "64")]
    people: usize,
    /// Tickets of each listing that is sold out
    #[arg(long, default_value = "5000")]
    tickets: u32,
    /// Listings to browse
    #[arg(long, default_value = "1000")]
    listings: u32,
    /// Seconds of browsing
    #[arg(long, default_value = "10")]
    seconds: u64,
    /// Orders that are also paid
    #[arg(long, default_value = "500")]
    purchases: u32,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("onsale: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> BenchResult<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let stack = StackProcess::start()?;
    let outcome = runtime.block_on(run_phases(options, &stack));
    let stopped = stack.stop(&runtime);
    outcome?;
    stopped
}

async fn run_phases(options: &Options, stack: &StackProcess) -> BenchResult<()> {
    println!(
        "{} users on {} processors, which they share with the services and the broker",
        options.people,
        std::thread::available_parallelism()?
    );
    println!("{}", Measurement::header());
    let sign_ups = Measurement::start_now();
    let users = try_join_all((0..options.people).map(|number| User::sign_up(&stack.url, number, &sign_ups))).await?;
    stack.report("sign up", &sign_ups).await?;

    // A seller who does not buy: users cannot order their own tickets.
    let seller = &User::sign_up(&stack.url, options.people, &Measurement::start_now()).await?;
    let (listings, next) = (Measurement::start_now(), AtomicU32::new(0));
    let listed = try_join_all(
        users
            .iter()
            .map(|user| list_tickets(user, &next, options.listings, &listings)),
    )
    .await?;
    let listed = listed.concat();
    stack.report("list tickets", &listings).await?;

    let browsing = Measurement::start_now();
    browse(&users, &listed, options, &browsing).await?;
    stack.report("browse", &browsing).await?;

    let ticket = put_on_sale(seller, &users, "The first night", options.tickets).await?;
    let orders = Measurement::start_now();
    sell_out(&users, &ticket, options.tickets, &orders).await?;
    stack.report("order until sold out", &orders).await?;

    // Half of the users order, half of them browse.
    let ticket = put_on_sale(seller, &users, "The last night", options.tickets).await?;
    let (buyers, visitors) = users.split_at(users.len() / 2);
    let (orders, browsing) = (Measurement::start_now(), Measurement::start_now());
    let (sold_out, browsed) = join(
        sell_out(buyers, &ticket, options.tickets, &orders),
        browse(visitors, &listed, options, &browsing),
    )
    .await;
    sold_out.and(browsed)?;
    stack.report("  both at once: order", &orders).await?;
    stack.report("  both at once: browse", &browsing).await?;

    let ticket = put_on_sale(seller, &users, "A quiet night", options.purchases).await?;
    let (purchases, next) = (Measurement::start_now(), AtomicU32::new(0));
    try_join_all(
        users
            .iter()
            .map(|user| buy(user, &ticket, &next, options.purchases, &purchases)),
    )
    .await?;
    stack.report("buy: order, pay, captured", &purchases).await?;
    Ok(())
}

/// Lists tickets until all users together have created `count` listings. Returns the ids of this user's.
async fn list_tickets(
    user: &User,
    next: &AtomicU32,
    count: u32,
    measurement: &Measurement,
) -> BenchResult<Vec<String>> {
    let mut listed = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return Ok(listed);
        }
        let body = ticket_body(&format!("Night {number} of the festival"), 100);
        listed.push(user.list_tickets(&body, measurement).await?);
    }
}

/// Lists tickets, waits until they can be ordered, and returns the id of the listing.
async fn put_on_sale(seller: &User, users: &[User], title: &str, tickets: u32) -> BenchResult<String> {
    let body = ticket_body(title, tickets);
    let ticket = seller.list_tickets(&body, &Measurement::start_now()).await?;
    users
        .first()
        .ok_or("there are no users")?
        .wait_for_replica(&ticket)
        .await?;
    Ok(ticket)
}

/// Requests three pages of listings, a search, and six single listings, repeatedly.
async fn browse(users: &[User], listed: &[String], options: &Options, measurement: &Measurement) -> BenchResult<()> {
    let end = measurement.start() + Duration::from_secs(options.seconds);
    let sessions = users.iter().enumerate().map(async |(number, user)| {
        for round in number.. {
            if Instant::now() >= end {
                break;
            }
            let path = match round % 10 {
                0..3 => "/api/v1/tickets?limit=20&available=true".to_owned(),
                3 => format!("/api/v1/tickets?q=night+{}&limit=20", round % 100),
                _ => {
                    let listing = listed
                        .get((round * 7919) % listed.len())
                        .ok_or("there are no listings")?;
                    format!("/api/v1/tickets/{listing}")
                }
            };
            user.get(&path, measurement).await?;
        }
        BenchResult::Ok(())
    });
    try_join_all(sessions).await?;
    Ok(())
}

/// Orders single tickets of one listing until it is sold out. Fails unless exactly `tickets` were ordered.
async fn sell_out(users: &[User], ticket: &str, tickets: u32, measurement: &Measurement) -> BenchResult<()> {
    let buyers = users.iter().map(async |user| {
        let mut ordered = 0_u32;
        while user.place_order(ticket, measurement).await?.is_some() {
            ordered += 1;
        }
        BenchResult::Ok(ordered)
    });
    let ordered = try_join_all(buyers).await?.iter().sum::<u32>();
    if ordered == tickets {
        Ok(())
    } else {
        Err(format!("{ordered} of {tickets} tickets were ordered").into())
    }
}

/// Buys tickets until all users together have bought `count`. Each purchase is measured from the order to the capture.
async fn buy(user: &User, ticket: &str, next: &AtomicU32, count: u32, measurement: &Measurement) -> BenchResult<()> {
    let unreported = Measurement::start_now();
    while next.fetch_add(1, Ordering::Relaxed) < count {
        let start = Instant::now();
        let order = user
            .place_order(ticket, &unreported)
            .await?
            .ok_or("the listing is sold out too early")?;
        user.pay(&json!({"orderId": order, "token": "tok_visa"})).await?;
        user.wait_until_complete(&order).await?;
        measurement.add(start);
    }
    Ok(())
}
