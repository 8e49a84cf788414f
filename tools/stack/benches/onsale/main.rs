//! An on-sale: what one machine carries. The whole stack runs as one child process, with real HTTP, real databases and the
//! real broker; a crowd in this process browses, rushes a listing until it is sold out, does both at once, and buys from
//! the order to the captured payment. `cargo bench -p stack --bench onsale` (`-- --help` says what can be set); it needs a
//! broker (`just broker`). The crowd takes processors away from what it measures: real figures are better.

mod child;
mod crowd;
mod tally;

use std::{
    error::Error,
    process::ExitCode,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use child::Child;
use clap::Parser;
use crowd::{Person, offer};
use futures_util::future::{join, try_join_all};
use serde_json::json;
use tally::Tally;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What is asked of the machine.
#[derive(Clone, Debug, Parser)]
struct Plan {
    /// People, each with a request under way all the time.
    #[arg(long, default_value = "64")]
    people: usize,
    /// Tickets of each listing that is rushed.
    #[arg(long, default_value = "5000")]
    tickets: u32,
    /// Listings to browse in.
    #[arg(long, default_value = "1000")]
    listings: u32,
    /// Seconds of browsing.
    #[arg(long, default_value = "10")]
    seconds: u64,
    /// Orders that are paid, too.
    #[arg(long, default_value = "500")]
    purchases: u32,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    match measured(&Plan::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("onsale: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measured(plan: &Plan) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let stack = Child::start()?;
    let outcome = runtime.block_on(act(plan, &stack));
    let ended = stack.end(&runtime);
    outcome?;
    ended
}

async fn act(plan: &Plan, stack: &Child) -> Outcome<()> {
    println!(
        "{} people, on {} processors with the services, the broker and the crowd together",
        plan.people,
        std::thread::available_parallelism()?
    );
    println!("{}", Tally::head());
    let signing = Tally::begin();
    let people = try_join_all((0..plan.people).map(|number| Person::sign_up(&stack.url, number, &signing))).await?;
    stack.tell("sign up", &signing).await?;

    // Nobody buys their own tickets.
    let seller = &Person::sign_up(&stack.url, plan.people, &Tally::begin()).await?;
    let (listing, next) = (Tally::begin(), AtomicU32::new(0));
    let listed = try_join_all(people.iter().map(|person| list(person, &next, plan.listings, &listing))).await?;
    let listed = listed.concat();
    stack.tell("list tickets", &listing).await?;

    let browsing = Tally::begin();
    browse(&people, &listed, plan, &browsing).await?;
    stack.tell("browse", &browsing).await?;

    let ticket = sells(seller, &people, "The first night", plan.tickets).await?;
    let rushing = Tally::begin();
    rush(&people, &ticket, plan.tickets, &rushing).await?;
    stack.tell("order until sold out", &rushing).await?;

    // The same beside people who only look: half of them each.
    let ticket = sells(seller, &people, "The last night", plan.tickets).await?;
    let (half, other) = people.split_at(people.len() / 2);
    let (rushing, browsing) = (Tally::begin(), Tally::begin());
    let (rushed, browsed) = join(
        rush(half, &ticket, plan.tickets, &rushing),
        browse(other, &listed, plan, &browsing),
    )
    .await;
    rushed.and(browsed)?;
    stack.tell("  both at once: order", &rushing).await?;
    stack.tell("  both at once: browse", &browsing).await?;

    let ticket = sells(seller, &people, "A quiet night", plan.purchases).await?;
    let (buying, next) = (Tally::begin(), AtomicU32::new(0));
    try_join_all(
        people
            .iter()
            .map(|person| buy(person, &ticket, &next, plan.purchases, &buying)),
    )
    .await?;
    stack.tell("buy: order, pay, captured", &buying).await?;
    Ok(())
}

/// Lists until there are enough, as one of several who do.
async fn list(person: &Person, next: &AtomicU32, enough: u32, tally: &Tally) -> Outcome<Vec<String>> {
    let mut listed = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= enough {
            return Ok(listed);
        }
        listed.push(
            person
                .lists(&offer(&format!("Night {number} of the festival"), 100), tally)
                .await?,
        );
    }
}

/// Lists tickets, and waits until they can be ordered.
async fn sells(seller: &Person, people: &[Person], title: &str, tickets: u32) -> Outcome<String> {
    let ticket = seller.lists(&offer(title, tickets), &Tally::begin()).await?;
    people.first().ok_or("nobody came")?.knows(&ticket).await?;
    Ok(ticket)
}

/// Three pages of the list, a search, and six single listings, again and again.
async fn browse(people: &[Person], listed: &[String], plan: &Plan, tally: &Tally) -> Outcome<()> {
    let until = tally.begun() + Duration::from_secs(plan.seconds);
    let looking = people.iter().enumerate().map(async |(number, person)| {
        for turn in number.. {
            if Instant::now() >= until {
                break;
            }
            let path = match turn % 10 {
                0..3 => "/api/v1/tickets?limit=20&available=true".to_owned(),
                3 => format!("/api/v1/tickets?q=night+{}&limit=20", turn % 100),
                _ => {
                    let listing = listed.get((turn * 7919) % listed.len()).ok_or("nothing is listed")?;
                    format!("/api/v1/tickets/{listing}")
                }
            };
            person.looks(&path, tally).await?;
        }
        Outcome::Ok(())
    });
    try_join_all(looking).await?;
    Ok(())
}

/// One listing that everybody wants one ticket of, again and again, until there is none.
async fn rush(people: &[Person], ticket: &str, tickets: u32, tally: &Tally) -> Outcome<()> {
    let wanting = people.iter().map(async |person| {
        let mut got = 0_u32;
        while person.orders(ticket, tally).await?.is_some() {
            got += 1;
        }
        Outcome::Ok(got)
    });
    let got = try_join_all(wanting).await?.iter().sum::<u32>();
    if got == tickets {
        Ok(())
    } else {
        Err(format!("{tickets} tickets were there, and {got} were ordered").into())
    }
}

/// Whole purchases, each timed from the order to the captured payment.
async fn buy(person: &Person, ticket: &str, next: &AtomicU32, enough: u32, tally: &Tally) -> Outcome<()> {
    let unseen = Tally::begin();
    while next.fetch_add(1, Ordering::Relaxed) < enough {
        let begun = Instant::now();
        let order = person.orders(ticket, &unseen).await?.ok_or("sold out too early")?;
        person.pays(&json!({"orderId": order, "token": "tok_visa"})).await?;
        person.sees_complete(&order).await?;
        tally.add(begun);
    }
    Ok(())
}
