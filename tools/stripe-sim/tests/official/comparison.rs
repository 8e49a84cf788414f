//! Sends every request to the simulator and to stripe-mock.

use std::{collections::BTreeSet, time::Duration};

use reqwest::{Client, Method};
use serde_json::Value;
use stripe_sim::{Config, Sim};
use url::form_urlencoded::Serializer;

use crate::{
    description::Description,
    stripe_mock::{official, start},
};

const KEY: &str = "sk_test_0123456789";

/// Fields of the simulator that the description lacks, because its version of the API is older.
const NEWER: [&str; 1] = ["allowed_payment_method_types"];

/// Fields of stripe-mock that Stripe includes only when expanded: the refunds of a charge, since 2022-11-15.
const EXPANDED_ONLY: [&str; 1] = ["refunds"];

/// Sends requests to both, and collects the differences.
struct Comparison {
    http: Client,
    simulator: String,
    mock: String,
    description: Description,
    differences: Vec<String>,
    operations: BTreeSet<String>,
}

impl Comparison {
    async fn request(&mut self, method: Method, template: &str, id: &str, pairs: &[(&str, &str)]) -> Value {
        let end = template.find('{').map(|at| at + template[at..].find('}').unwrap() + 1);
        let path = match (template.find('{'), end) {
            (Some(at), Some(end)) => format!("{}{id}{}", &template[..at], &template[end..]),
            _ => template.to_owned(),
        };
        let operation = format!("{method} {template}");
        let ours = self.send(&self.simulator, &method, &path, pairs).await;
        let theirs = self.send(&self.mock, &method, &path, pairs).await;
        for (name, body) in [("stripe-sim", &ours), ("stripe-mock", &theirs)] {
            let violations = self.description.violations(method.as_str(), template, body);
            let newer = |violation: &String| {
                NEWER
                    .iter()
                    .any(|field| violation.ends_with(&format!(": {field} is unknown")))
            };
            let violations = violations.into_iter().filter(|violation| !newer(violation));
            self.differences
                .extend(violations.map(|violation| format!("{name}: {operation}: {violation}")));
        }
        compare(&operation, &ours, &theirs, &mut self.differences);
        self.operations.insert(operation);
        ours
    }

    async fn send(&self, url: &str, method: &Method, path: &str, pairs: &[(&str, &str)]) -> Value {
        let form = Serializer::new(String::new()).extend_pairs(pairs).finish();
        let request = if *method == Method::POST {
            let kind = "application/x-www-form-urlencoded";
            self.http
                .post(format!("{url}{path}"))
                .header("content-type", kind)
                .body(form)
        } else {
            self.http.request(method.clone(), format!("{url}{path}?{form}"))
        };
        let response = request.bearer_auth(KEY).send().await.unwrap();
        let (status, body) = (response.status(), response.json().await.unwrap());
        assert!(status.is_success(), "{method} {url}{path}: {body}");
        body
    }

    async fn post(&mut self, template: &str, id: &str, pairs: &[(&str, &str)]) -> Value {
        self.request(Method::POST, template, id, pairs).await
    }

    async fn get(&mut self, template: &str, id: &str, pairs: &[(&str, &str)]) -> Value {
        self.request(Method::GET, template, id, pairs).await
    }
}

/// Reports each field of stripe-mock that is missing or has another type where neither is null. Of a list, the first item
/// is compared.
fn compare(operation: &str, ours: &Value, theirs: &Value, differences: &mut Vec<String>) {
    let (Some(ours), Some(theirs)) = (ours.as_object(), theirs.as_object()) else {
        return;
    };
    for (name, theirs) in theirs {
        match ours.get(name) {
            None if EXPANDED_ONLY.contains(&name.as_str()) => {}
            None => differences.push(format!("{operation}: {name} is missing, stripe-mock has {theirs}")),
            Some(ours) if !ours.is_null() && !theirs.is_null() && kind(ours) != kind(theirs) => {
                differences.push(format!("{operation}: {name} is {ours}, at stripe-mock {theirs}"));
            }
            Some(ours) if name == "data" => compare(operation, &ours[0], &theirs[0], differences),
            Some(_) => {}
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn id(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_response_has_the_shape_that_stripe_describes_and_stripe_mock_shows() {
    let (program, description) = match tokio::task::spawn_blocking(official).await.unwrap() {
        Ok(official) => official,
        Err(reason) => return eprintln!("skipped, stripe-mock is not available: {reason}"),
    };
    let mut config = Config::new(KEY);
    config.scheduled_delay = None;
    let sim = Sim::in_memory(config).unwrap();
    let running = sim.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (_child, _output, mock) = start(&program).await;
    let http = Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap();
    let mut both = Comparison {
        http,
        simulator: running.url.clone(),
        mock,
        description,
        differences: Vec::new(),
        operations: BTreeSet::new(),
    };
    payments(&mut both).await;
    refunds_and_disputes(&mut both, &sim).await;
    lists_and_endpoints(&mut both).await;
    assert_eq!(both.differences, Vec::<String>::new());
    assert_eq!(both.operations.len(), 28, "{:#?}", both.operations);
}

const INTENTS: &str = "/v1/payment_intents";
const INTENT: &str = "/v1/payment_intents/{intent}";

fn manual(method: &str) -> [(&str, &str); 7] {
    [
        ("amount", "2000"),
        ("currency", "usd"),
        ("capture_method", "manual"),
        ("confirm", "true"),
        ("payment_method_types[]", "card"),
        ("payment_method", method),
        ("metadata[order_id]", "7"),
    ]
}

async fn payments(both: &mut Comparison) {
    let held = id(&both.post(INTENTS, "", &manual("pm_card_visa")).await);
    both.get(INTENT, &held, &[]).await;
    both.post(INTENT, &held, &[("metadata[seat]", "12")]).await;
    let captured = both
        .post(
            "/v1/payment_intents/{intent}/capture",
            &held,
            &[("amount_to_capture", "1500")],
        )
        .await;
    let charge = captured["latest_charge"].as_str().unwrap();
    both.get("/v1/charges/{charge}", charge, &[]).await;
    both.get("/v1/charges", "", &[("payment_intent", &held)]).await;
    let cancelled = id(&both.post(INTENTS, "", &manual("pm_card_visa")).await);
    let reason = [("cancellation_reason", "abandoned")];
    both.post("/v1/payment_intents/{intent}/cancel", &cancelled, &reason)
        .await;

    let method = [("type", "card"), ("card[token]", "tok_threeDSecure2Required")];
    let method = id(&both.post("/v1/payment_methods", "", &method).await);
    both.get("/v1/payment_methods/{payment_method}", &method, &[]).await;
    let later = [
        ("amount", "900"),
        ("currency", "eur"),
        ("payment_method_types[]", "card"),
    ];
    let later = id(&both.post(INTENTS, "", &later).await);
    let confirm = [
        ("payment_method", method.as_str()),
        ("return_url", "https://shop.example/"),
    ];
    both.post("/v1/payment_intents/{intent}/confirm", &later, &confirm)
        .await;
    both.get(INTENTS, "", &[("limit", "3"), ("created[gte]", "1")]).await;
}

async fn refunds_and_disputes(both: &mut Comparison, sim: &Sim) {
    const REFUND: &str = "/v1/refunds/{refund}";
    const DISPUTE: &str = "/v1/disputes/{dispute}";
    for card in ["pm_card_visa", "pm_card_pendingRefund", "pm_card_refundFail"] {
        let paid: Vec<_> = manual(card)
            .into_iter()
            .filter(|(name, _)| *name != "capture_method")
            .collect();
        let paid = id(&both.post(INTENTS, "", &paid).await);
        let refund = [("payment_intent", paid.as_str()), ("amount", "500")];
        let refund = id(&both.post("/v1/refunds", "", &refund).await);
        sim.run_scheduled().await.unwrap();
        both.get(REFUND, &refund, &[]).await;
        both.post(REFUND, &refund, &[("metadata[why]", "rain")]).await;
    }
    both.get("/v1/refunds", "", &[("limit", "3")]).await;
    for (card, evidence) in [
        ("pm_card_createDispute", "winning_evidence"),
        ("pm_card_createDisputeInquiry", "escalate_inquiry_evidence"),
    ] {
        let paid: Vec<_> = manual(card)
            .into_iter()
            .filter(|(name, _)| *name != "capture_method")
            .collect();
        let paid = id(&both.post(INTENTS, "", &paid).await);
        sim.run_scheduled().await.unwrap();
        let disputes = both.get("/v1/disputes", "", &[("payment_intent", paid.as_str())]).await;
        let dispute = id(&disputes["data"][0]);
        both.get(DISPUTE, &dispute, &[]).await;
        both.post(DISPUTE, &dispute, &[("evidence[uncategorized_text]", evidence)])
            .await;
        sim.run_scheduled().await.unwrap();
        both.get(DISPUTE, &dispute, &[]).await;
        if evidence == "escalate_inquiry_evidence" {
            both.post("/v1/disputes/{dispute}/close", &dispute, &[]).await;
        }
    }
}

async fn lists_and_endpoints(both: &mut Comparison) {
    const ENDPOINT: &str = "/v1/webhook_endpoints/{webhook_endpoint}";
    let bookings = both.get("/v1/balance_transactions", "", &[("limit", "100")]).await;
    both.get("/v1/balance_transactions/{id}", &id(&bookings["data"][0]), &[])
        .await;
    let events = both.get("/v1/events", "", &[("limit", "100")]).await;
    both.get("/v1/events/{id}", &id(&events["data"][0]), &[]).await;
    let endpoint = [
        ("url", "http://127.0.0.1:9/hook"),
        ("enabled_events[]", "charge.refunded"),
    ];
    let endpoint = id(&both.post("/v1/webhook_endpoints", "", &endpoint).await);
    both.get("/v1/webhook_endpoints", "", &[]).await;
    both.get(ENDPOINT, &endpoint, &[]).await;
    both.post(ENDPOINT, &endpoint, &[("disabled", "true")]).await;
    both.request(Method::DELETE, ENDPOINT, &endpoint, &[]).await;
}
