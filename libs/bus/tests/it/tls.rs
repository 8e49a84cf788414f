//! Encrypted connections to the broker.

use std::path::Path;

use ::tls::{ClientTls, TlsError, TlsFiles};
use bus::{AmqpUrl, admin, parked};
use lapin::types::{AMQPValue, FieldTable};
use tempfile::TempDir;
use test_certificates::{IssuedFiles, TestCa};

use crate::{
    broker_node::BrokerNode,
    raw_broker::RawBroker,
    test_env::{TestEnv, eventually, order_created},
};

/// A broker with a certificate for `localhost`, and the authorities of a test.
struct TlsBroker {
    node: BrokerNode,
    ca: TestCa,
    other_ca: TestCa,
    folder: TempDir,
}

impl TlsBroker {
    /// Returns `None` if RabbitMQ is not installed.
    fn start(requires_certificate: bool) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let ca = TestCa::new(folder.path(), "ca");
        let other_ca = TestCa::new(folder.path(), "other-ca");
        let IssuedFiles { certificate, key } = ca.issue("broker", &["localhost"]);
        let node = BrokerNode::start_with_tls(&format!(
            "ssl_options.cacertfile = {}\nssl_options.certfile = {}\nssl_options.keyfile = {}\n\
             ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = {requires_certificate}",
            ca.file.display(),
            certificate.display(),
            key.display(),
        ))?;
        Some(Self {
            node,
            ca,
            other_ca,
            folder,
        })
    }

    fn url(&self, host: &str, files: &TlsFiles) -> AmqpUrl {
        self.node.tls_url(host).with_tls(ClientTls::load(files).unwrap())
    }
}

fn trusting(ca: &TestCa) -> TlsFiles {
    TlsFiles {
        ca: Some(ca.file.clone()),
        ..TlsFiles::default()
    }
}

fn presenting(ca: &TestCa, issued: &IssuedFiles) -> TlsFiles {
    TlsFiles {
        ca: Some(ca.file.clone()),
        certificate: Some(issued.certificate.clone()),
        key: Some(issued.key.clone()),
    }
}

/// Returns why the broker is not reached. No part of it is a secret.
async fn refusal(url: &AmqpUrl) -> String {
    let error = admin::ping(url).await.unwrap_err().to_string();
    assert!(!error.contains("guest:guest"), "{error}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_published_and_consumed_over_tls_and_unreadable_messages_are_parked() {
    let Some(broker) = TlsBroker::start(false) else {
        return;
    };
    let mut env = TestEnv::at(broker.node.url());
    env.url = broker.url("localhost", &trusting(&broker.ca));
    let (order, ticket) = (env.publisher("order"), env.consumer("ticket"));
    for version in 1..=300 {
        order.publish(order_created(version)).await;
    }
    assert_eq!(ticket.wait_for_consumed(300).await.len(), 300);

    // Frames are filtered although they are encrypted: lapin would close the connection because of these headers.
    let raw = RawBroker::open_at(&broker.node.raw_url()).await;
    let mut nested = FieldTable::default();
    for _ in 0..1000 {
        let mut outer = FieldTable::default();
        outer.insert("x".into(), AMQPValue::FieldTable(nested));
        nested = outer;
    }
    let properties = lapin::BasicProperties::default()
        .with_headers(nested)
        .with_user_id("guest".into());
    let queue = format!("{}.ticket", env.namespace);
    raw.publish_as(properties, "", &queue, b"{}").await;
    let is_parked = async || {
        let parked = parked::list(&env.url, &env.namespace, "ticket").await.unwrap();
        (parked.len() == 1).then(|| parked[0].reason.clone())
    };
    let reason = eventually(is_parked).await;
    assert!(reason.contains("nested"), "{reason}");
    order.publish(order_created(301)).await;
    ticket.wait_for_consumed(301).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_cannot_prove_its_name_gets_no_password() {
    let Some(broker) = TlsBroker::start(false) else {
        return;
    };
    let trusted = trusting(&broker.ca);
    admin::ping(&broker.url("localhost", &trusted)).await.unwrap();
    // An address that was looked up does not replace the name.
    let found = broker
        .url("localhost", &trusted)
        .with_address("127.0.0.1", broker.node.tls_port());
    admin::ping(&found).await.unwrap();

    let wrong_name = refusal(&broker.url("127.0.0.1", &trusted)).await;
    assert!(
        wrong_name.ends_with("its certificate is not for 127.0.0.1 but for DnsName(\"localhost\")"),
        "{wrong_name}"
    );
    let renamed: AmqpUrl = "amqps://guest:guest@broker.example".parse().unwrap();
    let renamed = renamed
        .with_tls(ClientTls::load(&trusted).unwrap())
        .with_address("127.0.0.1", broker.node.tls_port());
    let wrong_name = refusal(&renamed).await;
    assert!(wrong_name.contains("is not for broker.example"), "{wrong_name}");

    for untrusted in [trusting(&broker.other_ca), TlsFiles::default()] {
        let wrong_ca = refusal(&broker.url("localhost", &untrusted)).await;
        assert!(
            wrong_ca.ends_with("its certificate is not signed by a trusted CA"),
            "{wrong_ca}"
        );
    }
    let plain = broker
        .url("localhost", &trusted)
        .with_address("127.0.0.1", broker.node.port());
    let not_tls = refusal(&plain).await;
    assert!(not_tls.contains("it does not speak TLS on this port"), "{not_tls}");
    // And without TLS to the port of TLS.
    let unencrypted = broker.node.url().with_address("127.0.0.1", broker.node.tls_port());
    let not_plain = refusal(&unencrypted).await;
    assert!(
        not_plain.ends_with("it speaks TLS on this port: use amqps"),
        "{not_plain}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_requires_a_certificate_gets_the_configured_one() {
    let Some(broker) = TlsBroker::start(true) else {
        return;
    };
    let own = broker.ca.issue("order", &["order"]);
    admin::ping(&broker.url("localhost", &presenting(&broker.ca, &own)))
        .await
        .unwrap();
    // TLS 1.3 checks the certificate after the handshake of the client, so each attempt may end by another error.
    let foreign = broker.other_ca.issue("foreign", &["order"]);
    for _ in 0..20 {
        let missing = refusal(&broker.url("localhost", &trusting(&broker.ca))).await;
        assert!(missing.contains("client certificate"), "{missing}");
        let foreign = refusal(&broker.url("localhost", &presenting(&broker.ca, &foreign))).await;
        assert!(foreign.contains("client certificate"), "{foreign}");
    }

    let unusable = |files: &TlsFiles| ClientTls::load(files).unwrap_err();
    let other = broker.ca.issue("other", &["order"]);
    let mismatched = IssuedFiles {
        key: other.key,
        ..own.clone()
    };
    assert!(matches!(
        unusable(&presenting(&broker.ca, &mismatched)),
        TlsError::Identity { .. }
    ));
    let without_key = TlsFiles {
        key: None,
        ..presenting(&broker.ca, &own)
    };
    assert_eq!(unusable(&without_key), TlsError::Incomplete);
    let missing = trusting_file(&broker.folder.path().join("missing"));
    assert!(unusable(&missing).to_string().contains("missing: cannot be read"));
    // A key in place of the CA.
    let secret = std::fs::read_to_string(&own.key).unwrap();
    let error = unusable(&trusting_file(&own.key)).to_string();
    assert!(error.contains("contains no certificate"), "{error}");
    assert!(secret.lines().all(|line| !error.contains(line)), "{error}");
}

fn trusting_file(file: &Path) -> TlsFiles {
    TlsFiles {
        ca: Some(file.to_owned()),
        ..TlsFiles::default()
    }
}
