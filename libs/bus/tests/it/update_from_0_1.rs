//! The broker's job during an update from release 0.1, whose services declare and bind everything themselves.

use std::{io::Write, path::Path, process::Command};

use bus::TopologyMode;
use lapin::{
    options::{BasicGetOptions, QueueBindOptions, QueueDeleteOptions},
    types::FieldTable,
};
use serde_json::Value;

use crate::{
    broker_node::BrokerNode,
    raw_broker::RawBroker,
    test_env::{Service, TestEnv, events_consumer, order_created, recording_handler, wait_for_state},
};

const SERVICES: [&str; 5] = ["auth", "ticket", "order", "expiration", "payment"];

/// Returns the definitions that the job loads into the broker. Each password is `secret`. Returns `None` if Nomad is not
/// installed.
fn definitions_of_the_job(permissions: &str) -> Option<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let tool = Command::new(root.join("scripts/tool"))
        .args(["--cached", "nomad"])
        .output()
        .unwrap();
    if !tool.status.success() {
        println!("skipped: nomad is not installed (scripts/tool nomad builds it)");
        return None;
    }
    let rendered = Command::new(String::from_utf8(tool.stdout).unwrap().trim())
        .current_dir(root.join("nomad"))
        .args(["job", "run", "-output", "-hcl2-strict=false"])
        .args([
            "-var-file=production.vars.hcl.example",
            &format!("-var=broker_permissions={permissions}"),
        ])
        .arg("rabbitmq.nomad.hcl")
        .output()
        .unwrap();
    assert!(
        rendered.status.success(),
        "{}",
        String::from_utf8_lossy(&rendered.stderr)
    );
    let job: Value = serde_json::from_slice(&rendered.stdout).unwrap();
    let templates = job["Job"]["TaskGroups"][0]["Tasks"][0]["Templates"].as_array().unwrap();
    let template = templates
        .iter()
        .find(|template| template["DestPath"] == "secrets/definitions.json")
        .unwrap();
    let mut text = template["EmbeddedTmpl"].as_str().unwrap();
    let mut json = String::new();
    // The template's actions are its first and last lines, and the passwords.
    while let Some((before, rest)) = text.split_once("{{") {
        let (action, after) = rest.split_once("}}").unwrap();
        json.push_str(before);
        if action.contains("toJSON") {
            json.push_str("\"secret\"");
        }
        text = after;
    }
    json.push_str(text);
    Some(serde_json::from_str(&json).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_permits_every_user_what_release_0_1_does_while_it_is_updated() {
    let (Some(definitions), Some(node)) = (definitions_of_the_job("all"), BrokerNode::start()) else {
        return;
    };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(definitions.to_string().as_bytes()).unwrap();
    node.ctl(&["import_definitions", file.path().to_str().unwrap()]);
    let mut env = TestEnv::at(node.url());
    env.namespace = "ticketing".parse().unwrap();
    env.retry_delays = bus::RETRY_DELAYS;
    env.topology = TopologyMode::Declare;

    for user in SERVICES {
        let url = node.url_of(user, "secret");
        // Every service declares and binds the queues of all.
        let service = env.service(user);
        let bus = env.connect(&service, &url.parse().unwrap(), Vec::new());
        wait_for_state(&bus, |state| *state == bus::ConnectionState::Connected).await;
        Service::stop(&service).await;
        // Also queues that exist no longer, and those of release 0.1 alone.
        let raw = RawBroker::open_at(&url).await;
        for queue in ["ticketing.ticket", "ticketing.retry.5000"] {
            raw.channel
                .queue_delete(queue.into(), QueueDeleteOptions::default())
                .await
                .unwrap();
        }
        raw.declare_shared_retry_queue(&env, 5000).await;
        let service = env.service(user);
        let bus = env.connect(&service, &url.parse().unwrap(), Vec::new());
        wait_for_state(&bus, |state| *state == bus::ConnectionState::Connected).await;
        Service::stop(&service).await;
        // It binds by any key, publishes any event and, to any queue, through the default exchange, without a user.
        for key in events::ROUTES.iter().map(|route| route.event).chain(["#"]) {
            raw.channel
                .queue_bind(
                    "ticketing.unroutable".into(),
                    "ticketing.events".into(),
                    key.into(),
                    QueueBindOptions::default(),
                    FieldTable::default(),
                )
                .await
                .unwrap();
        }
        let properties = lapin::BasicProperties::default;
        for (exchange, key) in [
            ("ticketing.events", "ticketing.payment.created.v1"),
            ("ticketing.retry.5000", "ticketing.order"),
            ("ticketing.delay", "1000"),
            ("", "ticketing.order.parked"),
        ] {
            raw.publish_as(properties(), exchange, key, b"{}").await;
        }
        for queue in ["ticketing.order.parked", "ticketing.unroutable"] {
            let options = BasicGetOptions { no_ack: true };
            let message = raw.channel.basic_get(queue.into(), options).await.unwrap();
            assert!(message.is_some(), "{user} {queue}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_returns_from_all_permissions_to_those_of_each_user() {
    let (Some(all), Some(node)) = (definitions_of_the_job("all"), BrokerNode::start()) else {
        return;
    };
    for definitions in [all, definitions_of_the_job("own").unwrap()] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(definitions.to_string().as_bytes()).unwrap();
        node.ctl(&["import_definitions", file.path().to_str().unwrap()]);
    }
    let mut env = TestEnv::at(node.url());
    env.namespace = "ticketing".parse().unwrap();
    env.retry_delays = bus::RETRY_DELAYS;
    env.topology = TopologyMode::Existing;
    let order = env.service("order");
    let url = node.url_of("order", "secret").parse().unwrap();
    env.connect(&order, &url, vec![events_consumer(recording_handler())]);
    let ticket = env.service("ticket");
    let url = node.url_of("ticket", "secret");
    env.connect(
        &ticket,
        &url.parse().unwrap(),
        vec![events_consumer(recording_handler())],
    );
    order.publish(order_created(1)).await;
    assert_eq!(ticket.wait_for_consumed(1).await, [1]);
    let raw = RawBroker::open_at(&url).await;
    let bound = raw.channel.queue_bind(
        "ticketing.ticket".into(),
        "ticketing.events".into(),
        "#".into(),
        QueueBindOptions::default(),
        FieldTable::default(),
    );
    assert!(bound.await.is_err());
}
