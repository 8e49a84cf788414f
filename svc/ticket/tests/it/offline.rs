//! Doors that work without the network.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use events::{AfterSale, Event, Order};
use serde_json::{Value, json};
use testkit::{Client, Reply, eventually};
use ticket::Ticket;
use values::{ScanId, Timestamp};

use crate::{check_ins::door, concert, sell, test_app::TestApp};

/// A scan as a device stores it.
fn scan(admission: &Value, at: Timestamp) -> Value {
    json!({"id": ScanId::new(at).to_string(), "code": admission["qr"], "scannedAt": at})
}

async fn upload(door: &Client, path: &str, scans: &[Value]) -> Reply {
    door.post(&format!("{path}/check-ins/uploads"), json!({"scans": scans}))
        .await
}

/// Uploads scans, and returns the results in words.
async fn results(door: &Client, path: &str, scans: &[Value]) -> Vec<String> {
    let reply = upload(door, path, scans).await.expect(200).json();
    let items = reply["items"].as_array().unwrap();
    let ids = |of: &[Value]| of.iter().map(|of| of["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(items), ids(scans), "one for each scan, in their order");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let items = items
        .iter()
        .map(|item| format!("{} {}", text(&item["result"]), text(&item["reason"])));
    items.map(|result| result.trim_end().to_owned()).collect()
}

async fn refund(app: &TestApp, order: &mut Order, tickets: u32) {
    order.version += 1;
    order.after_sale = Some(AfterSale {
        refunded_quantity: tickets,
        returned_quantity: tickets,
        refunded_amount: order.total,
        dispute: None,
    });
    app.env.publish("order", Event::OrderRefunded(order.clone())).await;
}

#[tokio::test]
async fn a_door_gets_the_key_and_what_has_changed_since() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, ticket) = sell(&seller, concert(9)).await;
    let (other_path, _) = sell(&seller, concert(5)).await;
    let (mut order, admissions) = app.complete_order(&ticket, 4).await;
    let (_, north) = door(&app, &seller, &path, "North gate").await;
    let offline = format!("{path}/check-ins/offline");
    let first = north.get(&offline).await.expect(200).json();
    assert_eq!(
        (
            &first["title"],
            &first["isWithdrawn"],
            &first["items"],
            &first["nextCursor"]
        ),
        (&json!("Concert"), &json!(false), &json!([]), &Value::Null)
    );
    let key = BASE64_URL_SAFE_NO_PAD
        .decode(first["publicKey"].as_str().unwrap())
        .unwrap();
    assert_eq!(key.len(), 32);

    for admission in &admissions[..2] {
        let code = json!({"code": admission["qr"]});
        let _ = north.post(&format!("{path}/check-ins"), code).await.expect(200);
    }
    refund(&app, &mut order, 1).await;
    let since = |cursor: &Value| format!("{offline}?limit=2&cursor={}", cursor.as_str().unwrap());
    let page = eventually("the refund arrives", || async {
        let page = north.get(&since(&first["changesCursor"])).await.expect(200).json();
        (!page["nextCursor"].is_null()).then_some(page)
    })
    .await;
    let code = passes::SignedCode::parse(admissions[0]["qr"].as_str().unwrap()).unwrap();
    let hash = BASE64_URL_SAFE_NO_PAD.encode(code.secret.hash());
    let used = &page["items"][0];
    assert_eq!(
        (&used["admissionId"], &used["state"], &used["door"], &used["codeHash"]),
        (&admissions[0]["id"], &json!("used"), &json!("North gate"), &json!(hash))
    );
    assert!(used["usedAt"].is_string() && used.get("holder").is_none(), "{used}");
    let rest = north.get(&since(&page["nextCursor"])).await.expect(200).json();
    let void = &rest["items"][0];
    assert_eq!(
        (
            &void["admissionId"],
            &void["state"],
            &void["voidReason"],
            &rest["nextCursor"]
        ),
        (&admissions[3]["id"], &json!("void"), &json!("refund"), &Value::Null)
    );
    let nothing = north.get(&since(&rest["changesCursor"])).await.expect(200).json();
    assert_eq!(
        (&nothing["items"], &nothing["changesCursor"]),
        (&json!([]), &rest["changesCursor"])
    );
    // An undone check-in is a change, too.
    let undo = format!("{path}/check-ins/{}", admissions[0]["id"].as_str().unwrap());
    let _ = seller.delete(&undo).await.expect(204);
    let undone = north.get(&since(&rest["changesCursor"])).await.expect(200).json();
    assert_eq!(
        (&undone["items"][0]["admissionId"], &undone["items"][0]["state"]),
        (&admissions[0]["id"], &json!("valid"))
    );

    // Others get nothing.
    let _ = app.client().get(&offline).await.expect(401);
    let _ = app.user().1.get(&offline).await.expect(403);
    let _ = north.get(&format!("{other_path}/check-ins/offline")).await.expect(403);
    let other = format!(
        "{other_path}/check-ins/offline?cursor={}",
        rest["changesCursor"].as_str().unwrap()
    );
    assert_eq!(seller.get(&other).await.expect(400).problem().1, "cursor");
    let _ = seller.delete(&path).await.expect(204);
    assert_eq!(north.get(&offline).await.expect(200).json()["isWithdrawn"], true);
    app.stop().await;
}

#[tokio::test]
async fn scans_without_the_network_are_uploaded_once_and_what_they_met_is_reported() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, ticket) = sell(&seller, concert(9)).await;
    let (_, other) = sell(&seller, concert(5)).await;
    let (mut order, admissions) = app.complete_order(&ticket, 4).await;
    let (_, elsewhere) = app.complete_order(&other, 1).await;
    let (_, north) = door(&app, &seller, &path, "North gate").await;
    let (_, south) = door(&app, &seller, &path, "South gate").await;
    refund(&app, &mut order, 1).await;
    let check_ins = format!("{path}/check-ins");
    eventually("the last ticket is void", || async {
        (north.get(&check_ins).await.json()["void"] == 1).then_some(())
    })
    .await;
    let at = app.now() - Duration::from_hours(3);
    let mut unknown = scan(&admissions[0], at);
    unknown["code"] = json!("0000-0000-0000-0000-0000-0000-0000");
    let scans = [
        scan(&admissions[0], at),
        scan(&admissions[1], at + Duration::from_mins(1)),
        scan(&admissions[0], at + Duration::from_mins(2)),
        scan(&admissions[3], at),
        scan(&elsewhere[0], at),
        unknown,
    ];
    let expected = [
        "admitted",
        "admitted",
        "duplicate already-admitted",
        "void admission-refunded",
        "unknown other-listing",
        "unknown unknown-code",
    ];
    // As often as the door likes.
    for _ in 0..3 {
        assert_eq!(results(&north, &path, &scans).await, expected);
    }
    // Another door has let in somebody with the same ticket, and learns when and where that was.
    let second = scan(&admissions[1], at + Duration::from_mins(30));
    let reply = upload(&south, &path, std::slice::from_ref(&second))
        .await
        .expect(200)
        .json();
    assert_eq!(
        reply["items"][0],
        json!({
            "id": second["id"], "result": "duplicate", "reason": "already-admitted", "admissionId": admissions[1]["id"],
            "usedAt": scans[1]["scannedAt"], "door": "North gate",
        })
    );
    let listed = seller.get(&check_ins).await.expect(200).json();
    assert_eq!(
        (&listed["admitted"], &listed["duplicates"], &listed["voidScans"]),
        (&json!(2), &json!(2), &json!(1))
    );
    assert_eq!(
        listed["items"][0]["usedAt"], scans[1]["scannedAt"],
        "when it was scanned"
    );
    let conflicts = listed["conflicts"].as_array().unwrap();
    assert_eq!(conflicts.len(), 3);
    assert_eq!(
        json!([
            conflicts[0]["admissionId"],
            conflicts[0]["door"],
            conflicts[0]["scannedAt"],
            conflicts[0]["usedDoor"]
        ]),
        json!([admissions[1]["id"], "South gate", second["scannedAt"], "North gate"])
    );
    assert_eq!(conflicts[1]["reason"], "admission-refunded");
    assert!(conflicts[1].get("usedAt").is_none(), "{}", conflicts[1]);
    app.env
        .wait_for_event(|event| matches!(event, Event::AdmissionUsed(of) if of.used_at == Some(at)))
        .await;
    let metrics = seller.get("/metrics").await.expect(200).text;
    for (way, result, count) in [
        ("offline", "admitted", 2),
        ("offline", "already-admitted", 2),
        ("offline", "admission-refunded", 1),
        ("online", "admitted", 0),
    ] {
        let start = "ticketing_check_ins_total{";
        let lines = metrics.lines().filter(|line| line.starts_with(start));
        let mut lines = lines.filter(|line| line.contains(&format!("way=\"{way}\"")));
        let line = lines.find(|line| line.contains(&format!("result=\"{result}\"")));
        assert!(line.unwrap().ends_with(&format!(" {count}")), "{line:?}");
    }
    app.stop().await;
    assert_eq!(app.env.check_database::<Ticket>(), [""; 0]);
    let log = app.env.audit_log::<Ticket>();
    let of = |action: &str| log.iter().filter(|record| record.action == action).collect::<Vec<_>>();
    assert_eq!(of("check-in").len(), 2);
    let mut conflicts: Vec<_> = of("check-in-conflict")
        .iter()
        .map(|record| record.result.clone())
        .collect();
    conflicts.sort();
    assert_eq!(
        conflicts,
        ["admission-refunded", "already-admitted", "already-admitted"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_doors_that_upload_the_same_scans_at_once_each_ticket_is_used_once() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, ticket) = sell(&seller, concert(40)).await;
    let (_, admissions) = app.complete_order(&ticket, 30).await;
    let at = app.now() - Duration::from_hours(1);
    let mut doors = Vec::new();
    for number in 0..4 {
        let (_, door) = door(&app, &seller, &path, &format!("Gate {number}")).await;
        let scans: Vec<_> = admissions.iter().map(|admission| scan(admission, at)).collect();
        doors.push((door, scans));
    }
    // Each door in small uploads, two at a time, so that they meet; every upload is sent twice.
    let uploads = doors.iter().flat_map(|(door, scans)| {
        let chunks = scans.chunks(5).flat_map(|chunk| [chunk, chunk]);
        chunks.map(|chunk| results(door, &path, chunk))
    });
    let all = futures_util::future::join_all(uploads).await.concat();
    let count = |result: &str| all.iter().filter(|of| *of == result).count();
    assert_eq!((count("admitted"), count("duplicate already-admitted")), (60, 180));
    let listed = seller.get(&format!("{path}/check-ins")).await.expect(200).json();
    assert_eq!((&listed["admitted"], &listed["duplicates"]), (&json!(30), &json!(90)));
    app.stop().await;
    assert_eq!(app.env.check_database::<Ticket>(), [""; 0]);
}

#[tokio::test]
async fn a_check_in_whose_response_was_lost_is_the_same_scan_when_it_is_uploaded() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, ticket) = sell(&seller, concert(5)).await;
    let (_, admissions) = app.complete_order(&ticket, 2).await;
    let (_, north) = door(&app, &seller, &path, "North gate").await;
    let scan = scan(&admissions[0], app.now());
    let with_key = north.clone().with("idempotency-key", scan["id"].as_str().unwrap());
    let code = json!({"code": admissions[0]["code"]});
    let _ = with_key.post(&format!("{path}/check-ins"), code).await.expect(200);
    assert_eq!(results(&north, &path, std::slice::from_ref(&scan)).await, ["admitted"]);
    // The id of another code is no scan.
    let mut other = scan.clone();
    other["code"] = admissions[1]["qr"].clone();
    let refused = upload(&north, &path, &[other]).await.expect(422);
    assert_eq!(refused.problem().1, "scans.0.id");
    let listed = north.get(&format!("{path}/check-ins")).await.expect(200).json();
    assert_eq!((&listed["admitted"], &listed["duplicates"]), (&json!(1), &json!(0)));
    app.stop().await;
}

#[tokio::test]
async fn an_upload_is_accepted_as_a_whole_or_not_at_all() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, ticket) = sell(&seller, concert(5)).await;
    let (other_path, _) = sell(&seller, concert(5)).await;
    let (_, admissions) = app.complete_order(&ticket, 2).await;
    let now = app.now();
    let good = scan(&admissions[0], now);
    let mut twice = scan(&admissions[1], now);
    twice["id"] = good["id"].clone();
    let old = scan(&admissions[1], now - Duration::from_hours(24 * 8));
    let future = scan(&admissions[1], now + Duration::from_hours(1));
    let refused = upload(&seller, &path, &[good.clone(), twice, old, future])
        .await
        .expect(422);
    let fields: Vec<_> = refused.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(fields, ["scans.1.id", "scans.2.scannedAt", "scans.3.scannedAt"]);
    for bad in [
        json!([]),
        json!({}),
        json!([{"id": "7", "code": "T1:", "scannedAt": "soon"}]),
        json!([good, 7]),
        json!([{"id": good["id"], "code": good["code"], "scannedAt": now, "door": "mine"}]),
    ] {
        let body = json!({"scans": bad});
        let _ = seller
            .post(&format!("{path}/check-ins/uploads"), body)
            .await
            .expect(422);
    }
    let listed = seller.get(&format!("{path}/check-ins")).await.expect(200).json();
    assert_eq!(listed["admitted"], 0);
    let (_, north) = door(&app, &seller, &path, "North gate").await;
    let scans = [good];
    let _ = upload(&app.client(), &path, &scans).await.expect(401);
    let _ = upload(&app.user().1, &path, &scans).await.expect(403);
    let _ = upload(&north, &other_path, &scans).await.expect(403);
    // A device whose clock is a little ahead has scanned now.
    let ahead = scan(&admissions[1], app.now() + Duration::from_mins(1));
    assert_eq!(results(&north, &path, &[ahead]).await, ["admitted"]);
    let listed = seller.get(&format!("{path}/check-ins")).await.expect(200).json();
    let used_at: Timestamp = listed["items"][0]["usedAt"].as_str().unwrap().parse().unwrap();
    assert!(used_at <= app.now());
    app.stop().await;
}

#[tokio::test]
async fn two_hundred_qr_codes_fit_into_an_upload_and_no_more_are_read() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, ticket) = sell(&seller, concert(300)).await;
    let (_, admissions) = app.complete_order(&ticket, 100).await;
    let (_, more) = app.complete_order(&ticket, 100).await;
    let at = app.now();
    let mut scans: Vec<_> = admissions
        .iter()
        .chain(&more)
        .map(|admission| scan(admission, at))
        .collect();
    let (_, north) = door(&app, &seller, &path, "North gate").await;
    let all = results(&north, &path, &scans).await;
    assert!(all.iter().all(|result| result == "admitted"), "{all:?}");
    scans.push(scan(&admissions[0], at));
    let refused = upload(&north, &path, &scans).await.expect(422);
    assert_eq!(refused.problem().1, "scans");
    app.stop().await;
    assert_eq!(app.env.check_database::<Ticket>(), [""; 0]);
}

#[tokio::test]
async fn a_door_can_neither_fill_the_database_with_one_ticket_nor_try_codes_by_uploads() {
    let mut app = TestApp::new().await;
    let (_, seller) = app.user();
    let (path, ticket) = sell(&seller, concert(5)).await;
    let (_, admissions) = app.complete_order(&ticket, 1).await;
    let (_, north) = door(&app, &seller, &path, "North gate").await;
    let at = app.now();
    let scans: Vec<_> = (0..100).map(|_| scan(&admissions[0], at)).collect();
    assert_eq!(
        results(&north, &path, &scans).await.last().unwrap(),
        "duplicate already-admitted"
    );
    let check_ins = format!("{path}/check-ins");
    // The uses that are undone do not fill it either, and the newest one is still recognised.
    let undo = format!("{check_ins}/{}", admissions[0]["id"].as_str().unwrap());
    for _ in 0..5 {
        let _ = north.delete(&undo).await.expect(204);
        let again = [scan(&admissions[0], at)];
        for _ in 0..2 {
            assert_eq!(results(&north, &path, &again).await, ["admitted"]);
        }
    }
    let listed = seller.get(&check_ins).await.expect(200).json();
    assert_eq!(listed["duplicates"], 19);
    let unknown = |_| {
        let mut scan = scan(&admissions[0], at);
        scan["code"] = json!("0000-0000-0000-0000-0000-0000-0000");
        scan
    };
    let unknown: Vec<_> = (0..60).map(unknown).collect();
    assert_eq!(results(&north, &path, &unknown).await[0], "unknown unknown-code");
    let limited = upload(&north, &path, &unknown[..1]).await.expect(429);
    assert!(limited.headers.contains_key("retry-after"));
    app.stop().await;
    assert_eq!(app.env.check_database::<Ticket>(), [""; 0]);
}
