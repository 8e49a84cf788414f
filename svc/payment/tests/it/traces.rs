//! A payment belongs to the trace of its order.

use std::sync::Mutex;

use events::Event;
use testkit::eventually;
use trace::{Context, Kind, Outlet, Recorded, Trace};

use crate::test_app::{TestApp, pay};

fn find<'a>(spans: &'a [Recorded], name: &str) -> Option<&'a Recorded> {
    spans.iter().find(|span| span.name == name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_belongs_to_the_trace_of_its_order_not_of_its_request() {
    // Traces that start in the service are not recorded, so other tests do not interfere.
    let (outlet, mut recorded) = Outlet::new(4096, 0);
    trace::record_to(outlet).unwrap();
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let placing = Trace::start();
    let order = app.unpublished_order(&buyer, 1999);
    let published = app.env.publish("order", Event::OrderCreated(order.clone()));
    Context::of("order").with(Some(placing)).scope(published).await;

    let paid = pay(&app.client(&buyer), order.id, "tok_visa").await.expect(201);
    let paying = paid.headers["x-request-id"].to_str().unwrap();
    let spans = Mutex::new(Vec::new());
    let collect = Mutex::new(&mut recorded);
    let (spans, collect) = (&spans, &collect);
    eventually("the event of the payment was recorded", || async {
        let mut spans = spans.lock().unwrap();
        while let Ok(span) = collect.lock().unwrap().try_recv() {
            spans.push(span);
        }
        let announced = spans.iter().any(|span| span.kind == Kind::Producer);
        announced.then_some(())
    })
    .await;
    let spans = spans.lock().unwrap();
    assert!(spans.iter().all(|span| span.trace.is_kin_of(placing)), "{spans:#?}");

    let consumed = spans.iter().find(|span| span.kind == Kind::Consumer).unwrap();
    assert_eq!(consumed.parent, Some(placing));
    let stored = spans.iter().find(|span| span.parent == Some(consumed.trace)).unwrap();
    assert_eq!(stored.name, "write payment");
    let settled = find(&spans, "settle payment").unwrap();
    assert_eq!(settled.parent, Some(stored.trace));
    let linked: Vec<_> = settled.links.iter().map(|link| link.id()).collect();
    assert_eq!(linked, [paying], "the paying request is linked");
    let asked = find(&spans, "POST /v1/payment_intents").unwrap();
    assert_eq!((asked.kind, asked.parent), (Kind::Client, Some(settled.trace)));
    let announced = spans.iter().find(|span| span.kind == Kind::Producer).unwrap();
    let written = spans.iter().find(|span| Some(span.trace) == announced.parent).unwrap();
    assert_eq!(
        (written.name.as_str(), written.parent),
        ("write payment", Some(settled.trace))
    );
}
