use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use bus::{
    ConsumeError, EventHandler, Queue,
    parked::{self, Parked, Selection},
};
use events::Event;

use crate::{
    broker::BrokerLocator,
    town::{Town, eventually, note, on, ordered},
};

/// Notes what it hears, except what `refuse` says is not to its taste.
fn picky(refuse: impl Fn(&Event) -> Result<(), ConsumeError> + Send + Sync + 'static) -> EventHandler {
    let note = note();
    Arc::new(move |tx, now, envelope| {
        // Undone with the refusal.
        note(tx, now, envelope)?;
        refuse(&envelope.event)
    })
}

fn is_poison(event: &Event) -> bool {
    matches!(event, Event::OrderCreated(order) if order.version == 13)
}

async fn parked_at_ticket(town: &Town, count: usize) -> Vec<Parked> {
    eventually(async || {
        // Before the first service has declared the queues there is no list.
        let parked = parked::list(&town.url, &town.namespace, "ticket").await.ok()?;
        (parked.len() == count).then_some(parked)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_keeps_failing_is_parked_and_can_be_redriven() {
    let town = Town::new();
    let (mended, attempts) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let (is_mended, attempt) = (mended.clone(), attempts.clone());
    let ticket = town.service("ticket");
    let reaction = picky(move |_| {
        attempt.fetch_add(1, Ordering::SeqCst);
        if is_mended.load(Ordering::SeqCst) {
            Ok(())
        } else {
            Err(ConsumeError::new("the till is jammed"))
        }
    });
    town.connect(&ticket, &town.url, vec![on(Queue::Events, reaction)]);
    let order = town.speaker("order");
    order.publish(ordered(1)).await;

    let parked = parked_at_ticket(&town, 1).await.remove(0);
    assert_eq!(attempts.load(Ordering::SeqCst), 4, "once, and three times again");
    assert_eq!((parked.attempts, parked.reason.as_str()), (4, "the till is jammed"));
    assert_eq!(parked.event_type, "ticketing.order.created.v1");
    assert_eq!(parked.queue, format!("{}.ticket", town.namespace));
    assert!(parked.first_failed_at < parked.parked_at, "{parked:?}");
    let order_id = match events::Envelope::parse(parked.body.as_bytes()).unwrap().event {
        Event::OrderCreated(order) => order.id.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(parked.subject.as_ref(), Some(&order_id));

    // A look takes nothing away.
    assert_eq!(parked_at_ticket(&town, 1).await[0], parked);
    let shown = parked::show(&town.url, &town.namespace, "ticket", &parked.id)
        .await
        .unwrap();
    assert_eq!(shown, std::slice::from_ref(&parked));
    assert!(
        parked::show(&town.url, &town.namespace, "ticket", "another")
            .await
            .unwrap()
            .is_empty()
    );

    mended.store(true, Ordering::SeqCst);
    let another = Selection::Id("another".to_owned());
    assert_eq!(
        parked::redrive(&town.url, &town.namespace, "ticket", &another)
            .await
            .unwrap(),
        0
    );
    let this = Selection::Id(parked.id.clone());
    assert_eq!(
        parked::redrive(&town.url, &town.namespace, "ticket", &this)
            .await
            .unwrap(),
        1
    );
    assert_eq!(ticket.hears(1).await, [1], "the failures left no trace");
    parked_at_ticket(&town, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redriven_message_that_fails_again_gets_all_its_attempts_and_is_parked_again() {
    let town = Town::new();
    let attempts = Arc::new(AtomicU32::new(0));
    let attempt = attempts.clone();
    let ticket = town.service("ticket");
    let reaction = picky(move |_| {
        attempt.fetch_add(1, Ordering::SeqCst);
        Err(ConsumeError::new("no"))
    });
    town.connect(&ticket, &town.url, vec![on(Queue::Events, reaction)]);
    town.speaker("order").publish(ordered(1)).await;
    parked_at_ticket(&town, 1).await;
    assert_eq!(
        parked::redrive(&town.url, &town.namespace, "ticket", &Selection::All)
            .await
            .unwrap(),
        1
    );
    parked_at_ticket(&town, 1).await;
    eventually(async || (attempts.load(Ordering::SeqCst) == 8).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_nobody_can_read_is_parked_at_once() {
    let town = Town::new();
    let ticket = town.listener("ticket");
    let order = town.speaker("order");
    order.publish(ordered(1)).await;
    ticket.hears(1).await;

    let broker = BrokerLocator::open().await;
    let queue = format!("{}.ticket", town.namespace);
    broker.publish("", &queue, b"\xff{\"specversion\":").await;
    order.publish(ordered(2)).await;
    assert_eq!(ticket.hears(2).await, [1, 2]);

    let parked = parked_at_ticket(&town, 1).await.remove(0);
    assert!(parked.reason.starts_with("malformed event: "), "{}", parked.reason);
    assert_eq!((parked.attempts, parked.subject), (1, None));
    assert!(!parked.id.is_empty(), "it has an id now, so that it can be named");
    let this = Selection::Id(parked.id);
    assert_eq!(
        parked::discard(&town.url, &town.namespace, "ticket", &this)
            .await
            .unwrap(),
        1
    );
    parked_at_ticket(&town, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_message_does_not_hold_up_the_next() {
    let mut town = Town::new();
    town.retries = [Duration::from_hours(1); 3];
    let ticket = town.service("ticket");
    let reaction = picky(|event| {
        assert!(!is_poison(event), "a mistake in the program");
        Ok(())
    });
    town.connect(&ticket, &town.url, vec![on(Queue::Events, reaction)]);
    let order = town.speaker("order");
    let saying = (1..=30).map(|version| order.publish(ordered(version)));
    futures_util::future::join_all(saying).await;
    assert!(!ticket.hears(29).await.contains(&13));
    let broker = BrokerLocator::open().await;
    eventually(async || {
        broker
            .waiting_in(&town, "retry.3600000")
            .await
            .filter(|waiting| *waiting == 1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_costs_no_message_an_attempt() {
    let mut town = Town::new();
    // Whatever is put aside does not come back in time.
    town.retries = [Duration::from_hours(1); 3];
    let ticket = town.service("ticket");
    let refusals = AtomicU32::new(5);
    let reaction = picky(move |_| {
        let full = refusals
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok();
        if full {
            Err(db::Error::Unavailable {
                reason: "the disk is full".to_owned(),
            }
            .into())
        } else {
            Ok(())
        }
    });
    town.connect(&ticket, &town.url, vec![on(Queue::Events, reaction)]);
    let order = town.speaker("order");
    for version in 1..=3 {
        order.publish(ordered(version)).await;
    }
    let mut heard = ticket.hears(3).await;
    heard.sort_unstable();
    assert_eq!(heard, [1, 2, 3]);
    parked_at_ticket(&town, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_listens_to_nobody_has_nothing_parked() {
    let town = Town::new();
    assert!(
        parked::list(&town.url, &town.namespace, "auth")
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        parked::redrive(&town.url, &town.namespace, "auth", &Selection::All)
            .await
            .unwrap(),
        0
    );
}
