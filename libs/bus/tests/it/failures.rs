use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use bus::{
    ConsumeError,
    parked::{self, Selection},
};
use events::Event;
use values::Clock;

use crate::{
    raw_broker::RawBroker,
    test_env::{TestEnv, events_consumer, eventually, order_created, parked_at_ticket, recording_handler_unless},
};

fn is_poisoned(event: &Event) -> bool {
    matches!(event, Event::OrderCreated(order) if order.version == 13)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_keeps_failing_is_parked_and_can_be_redriven() {
    let env = TestEnv::new();
    let (mended, attempts) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let (is_mended, attempt) = (mended.clone(), attempts.clone());
    let ticket = env.service("ticket");
    let handler = recording_handler_unless(move |_| {
        attempt.fetch_add(1, Ordering::SeqCst);
        if is_mended.load(Ordering::SeqCst) {
            Ok(())
        } else {
            Err(ConsumeError::new("the till is jammed"))
        }
    });
    env.connect(&ticket, &env.url, vec![events_consumer(handler)]);
    let order = env.publisher("order");
    order.publish(order_created(1)).await;

    let parked = parked_at_ticket(&env, 1).await.remove(0);
    assert_eq!(attempts.load(Ordering::SeqCst), 4, "once, and three times again");
    assert_eq!((parked.attempts, parked.reason.as_str()), (4, "the till is jammed"));
    assert_eq!(parked.event_type, "ticketing.order.created.v1");
    assert_eq!(parked.queue, format!("{}.ticket", env.namespace));
    assert!(parked.first_failed_at < parked.parked_at, "{parked:?}");
    let order_id = match events::Envelope::parse(parked.body.as_bytes()).unwrap().event {
        Event::OrderCreated(order) => order.id.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(parked.subject.as_ref(), Some(&order_id));

    // Listing does not remove messages.
    assert_eq!(parked_at_ticket(&env, 1).await[0], parked);
    let parked_again = parked::show(&env.url, &env.namespace, "ticket", &parked.id)
        .await
        .unwrap();
    assert_eq!(parked_again, std::slice::from_ref(&parked));
    assert!(
        parked::show(&env.url, &env.namespace, "ticket", "another")
            .await
            .unwrap()
            .is_empty()
    );

    mended.store(true, Ordering::SeqCst);
    let another = Selection::Id("another".to_owned());
    assert_eq!(
        parked::redrive(&env.url, &env.namespace, "ticket", &another)
            .await
            .unwrap(),
        0
    );
    let this = Selection::Id(parked.id.clone());
    assert_eq!(
        parked::redrive(&env.url, &env.namespace, "ticket", &this)
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        ticket.wait_for_consumed(1).await,
        [1],
        "failed attempts are rolled back"
    );
    parked_at_ticket(&env, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redriven_message_that_fails_again_gets_all_its_attempts_and_is_parked_again() {
    let env = TestEnv::new();
    let attempts = Arc::new(AtomicU32::new(0));
    let attempt = attempts.clone();
    let ticket = env.service("ticket");
    let handler = recording_handler_unless(move |_| {
        attempt.fetch_add(1, Ordering::SeqCst);
        Err(ConsumeError::new("no"))
    });
    env.connect(&ticket, &env.url, vec![events_consumer(handler)]);
    env.publisher("order").publish(order_created(1)).await;
    parked_at_ticket(&env, 1).await;
    assert_eq!(
        parked::redrive(&env.url, &env.namespace, "ticket", &Selection::All)
            .await
            .unwrap(),
        1
    );
    parked_at_ticket(&env, 1).await;
    eventually(async || (attempts.load(Ordering::SeqCst) == 8).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_message_is_parked_at_once() {
    let env = TestEnv::new();
    let ticket = env.consumer("ticket");
    let order = env.publisher("order");
    order.publish(order_created(1)).await;
    ticket.wait_for_consumed(1).await;

    let broker = RawBroker::open().await;
    let queue = format!("{}.ticket", env.namespace);
    broker.publish("", &queue, b"\xff{\"specversion\":").await;
    order.publish(order_created(2)).await;
    assert_eq!(ticket.wait_for_consumed(2).await, [1, 2]);

    let parked = parked_at_ticket(&env, 1).await.remove(0);
    assert!(parked.reason.starts_with("malformed event: "), "{}", parked.reason);
    assert_eq!((parked.attempts, parked.subject), (1, None));
    assert!(!parked.id.is_empty(), "it was given an id");
    let this = Selection::Id(parked.id);
    assert_eq!(
        parked::discard(&env.url, &env.namespace, "ticket", &this)
            .await
            .unwrap(),
        1
    );
    parked_at_ticket(&env, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_message_does_not_delay_others() {
    let mut env = TestEnv::new();
    env.retry_delays = [Duration::from_hours(1); 3];
    let ticket = env.service("ticket");
    let handler = recording_handler_unless(|event| {
        assert!(!is_poisoned(event), "a bug");
        Ok(())
    });
    env.connect(&ticket, &env.url, vec![events_consumer(handler)]);
    let order = env.publisher("order");
    let publishing = (1..=30).map(|version| order.publish(order_created(version)));
    futures_util::future::join_all(publishing).await;
    assert!(!ticket.wait_for_consumed(29).await.contains(&13));
    let broker = RawBroker::open().await;
    eventually(async || {
        broker
            .message_count(&env, "ticket.retry.3600000")
            .await
            .filter(|waiting| *waiting == 1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_does_not_count_as_an_attempt() {
    let mut env = TestEnv::new();
    // A retried message does not return within the test.
    env.retry_delays = [Duration::from_hours(1); 3];
    let ticket = env.service("ticket");
    let refusals = AtomicU32::new(5);
    let handler = recording_handler_unless(move |_| {
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
    env.connect(&ticket, &env.url, vec![events_consumer(handler)]);
    let order = env.publisher("order");
    for version in 1..=3 {
        order.publish(order_created(version)).await;
    }
    let mut consumed = ticket.wait_for_consumed(3).await;
    consumed.sort_unstable();
    assert_eq!(consumed, [1, 2, 3]);
    parked_at_ticket(&env, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_a_queue_has_no_parked_messages() {
    let env = TestEnv::new();
    assert!(
        parked::list(&env.url, &env.namespace, "storefront")
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        parked::redrive(&env.url, &env.namespace, "storefront", &Selection::All)
            .await
            .unwrap(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_messages_in_the_retry_queues_delay_no_retry() {
    let env = TestEnv::new();
    let (ticket, payment) = (env.service("ticket"), env.service("payment"));
    for service in [&ticket, &payment] {
        let refusals = AtomicU32::new(2);
        let handler = recording_handler_unless(move |_| {
            let fails = refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            fails.map_or(Ok(()), |_| Err(ConsumeError::new("no")))
        });
        env.connect(service, &env.url, vec![events_consumer(handler)]);
    }
    let order = env.publisher("order");
    let broker = RawBroker::open().await;
    eventually(async || broker.message_count(&env, "ticket.retry.70").await).await;
    for delay in [50, 60, 70] {
        let queue = format!("{}.ticket.retry.{delay}", env.namespace);
        for _ in 0..50 {
            broker.publish("", &queue, b"{}").await;
        }
    }
    order.publish(order_created(1)).await;
    assert_eq!(ticket.wait_for_consumed(1).await, [1], "at the third attempt");
    assert_eq!(payment.wait_for_consumed(1).await, [1]);
    parked_at_ticket(&env, 150).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_in_a_shared_retry_queue_of_an_earlier_release_return_to_their_service() {
    let env = TestEnv::new();
    let ticket = env.consumer("ticket");
    let broker = RawBroker::open().await;
    eventually(async || broker.message_count(&env, "ticket").await).await;
    broker.declare_shared_retry_queue(&env, 50).await;
    let event = events::Envelope::new("order", Clock::system().now(), order_created(7)).to_json();
    let exchange = format!("{}.retry.50", env.namespace);
    broker
        .publish(&exchange, &format!("{}.ticket", env.namespace), event.as_bytes())
        .await;
    assert_eq!(ticket.wait_for_consumed(1).await, [7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_a_user_is_parked_unless_it_is_tolerated_for_a_time() {
    let now = Clock::system().now();
    let an_hour = Duration::from_hours(1);
    for (until, is_tolerated) in [(None, false), (Some(now - an_hour), false), (Some(now + an_hour), true)] {
        let mut env = TestEnv::new();
        env.unidentified_until = until;
        let ticket = env.consumer("ticket");
        let order = env.publisher("order");
        order.publish(order_created(1)).await;
        ticket.wait_for_consumed(1).await;
        let broker = RawBroker::open().await;
        let event = events::Envelope::new("order", now, order_created(2)).to_json();
        let exchange = format!("{}.events", env.namespace);
        broker
            .publish_as(
                lapin::BasicProperties::default(),
                &exchange,
                "ticketing.order.created.v1",
                event.as_bytes(),
            )
            .await;
        order.publish(order_created(3)).await;
        let expected: &[i64] = if is_tolerated { &[1, 2, 3] } else { &[1, 3] };
        assert_eq!(ticket.wait_for_consumed(expected.len()).await, expected);
        let parked = parked_at_ticket(&env, usize::from(!is_tolerated)).await;
        assert!(
            parked.iter().all(|message| message.reason.contains("has no user-id")),
            "{parked:?}"
        );
    }
}
