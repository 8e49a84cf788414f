//! Doors whose network fails.

use serde_json::{Value, json};
use testkit::{Client, eventually};
use values::Clock;

use crate::{
    admissions::{FreeEvent, LOSE_RESPONSE, client_of, enter, open_door, undo_check_in},
    browser::{Browser, Setup},
    look::Device,
    network::Network,
    person::Person,
    purchases::concert,
    test_app::TestApp,
};

/// What a door shows that can work offline.
const READY: &str = "This device can go on without the network.";

/// Stores a row of a door on the device.
const PUT: &str = r#"
    const [name, row, done] = arguments, request = indexedDB.open("door");
    request.onsuccess = () => {
        const transaction = request.result.transaction(name, "readwrite");
        transaction.objectStore(name).put(row);
        transaction.oncomplete = () => { request.result.close(); done(true); };
    };
"#;

/// Returns the rows that a door has stored on the device; null while it has no stores.
const ROWS: &str = r#"
    const [name, done] = arguments, request = indexedDB.open("door");
    // Only the page creates the stores.
    request.onupgradeneeded = () => request.transaction.abort();
    request.onerror = () => done(null);
    request.onsuccess = () => {
        const all = request.result.transaction(name).objectStore(name).getAll();
        all.onsuccess = () => { request.result.close(); done(all.result); };
    };
"#;

/// A device at a door, with a network of its own.
struct Gate {
    network: Network,
    browser: Browser,
}

impl Gate {
    /// Opens the link of a new door, and waits until the device can work offline, also after a reload.
    async fn at_door(app: &TestApp, seller: &Client, listing: &str, name: &str) -> Self {
        let door = open_door(seller, listing, name).await;
        let network = Network::to(&app.url()).await;
        let setup = Setup {
            device: Device::Phone,
            ..Setup::default()
        };
        let browser = Browser::start(&name.replace(' ', "-"), &network.url, setup).await;
        browser.open(&door).await;
        browser.sees(READY).await;
        let ready = "navigator.serviceWorker.ready.then(() => arguments[0](true))";
        let ready = browser.client().execute_async(ready, vec![]).await.unwrap();
        assert_eq!(ready, json!(true));
        Self { network, browser }
    }

    async fn put(&self, store: &str, row: Value) {
        let put = self.browser.client().execute_async(PUT, vec![json!(store), row]).await;
        assert_eq!(put.unwrap(), json!(true));
    }

    /// Waits until one row is stored on the device, and no other.
    async fn stores(&self, store: &str, id: &Value) {
        eventually(&format!("the only {store} on the device is {id}"), || async {
            (self.ids(store).await? == [id.clone()]).then_some(())
        })
        .await;
    }

    /// Returns the ids of the rows that are stored on the device; `None` while it has no stores.
    async fn ids(&self, store: &str) -> Option<Vec<Value>> {
        let id = |row: &Value| row.get("admissionId").unwrap_or(&row["id"]).clone();
        Some(self.rows(store).await?.iter().map(id).collect())
    }

    /// Returns the rows that are stored on the device; `None` while it has no stores.
    async fn rows(&self, store: &str) -> Option<Vec<Value>> {
        let rows = self.browser.client().execute_async(ROWS, vec![json!(store)]).await;
        rows.unwrap().as_array().cloned()
    }

    /// Enters a code of which the response is lost.
    async fn lose_response(&self, code: &Value) {
        self.browser.sees(READY).await;
        self.browser.client().execute(LOSE_RESPONSE, vec![]).await.unwrap();
        enter(&self.browser, code, "Scan the QR code").await;
    }

    fn cut(&self) {
        // A browser writes each request that fails to the console.
        self.browser.expect_console("net::ERR_");
        self.network.cut();
    }

    fn stall(&self) {
        self.browser.expect_console("net::ERR_");
        self.network.stall();
    }
}

/// Returns the text of a QR code with another signature.
fn forged(qr: &Value) -> Value {
    let mut text = qr.as_str().unwrap().to_owned();
    // The last symbol has bits that must be zero; the one before it is free.
    let place = text.len() - 2;
    let other = if text[place..].starts_with('7') { "6" } else { "7" };
    text.replace_range(place..=place, other);
    json!(text)
}

/// Returns the text of a QR code with a letter that is another one in upper case: not ASCII, and no code.
fn in_other_letters(qr: &Value) -> Value {
    let (prefix, symbols) = qr.as_str().unwrap().split_at(3);
    let other = symbols.replacen('1', "ı", 1).replacen('S', "ſ", 1);
    assert_ne!(other, symbols);
    json!(format!("{prefix}{other}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_without_a_network_admits_once_and_what_two_doors_admitted_is_shown_afterwards() {
    let app = TestApp::shared();
    let FreeEvent {
        seller,
        api,
        listing,
        tickets,
        ..
    } = FreeEvent::with_tickets(&app, 3).await;
    let north = Gate::at_door(&app, &api, &listing, "North gate").await;
    let south = Gate::at_door(&app, &api, &listing, "South gate").await;
    let check_ins = format!("/api/v1/tickets/{listing}/check-ins");

    // Online at one door: the other one learns of it before its network fails.
    enter(&north.browser, &tickets[2]["qr"], "Let this person in.").await;
    south.browser.sees("North gate").await;
    south.browser.sees(READY).await;

    north.cut();
    enter(&north.browser, &tickets[0]["qr"], "Checked without the network").await;
    north
        .browser
        .sees("No network. Check-in goes on with QR codes. To be uploaded: 1")
        .await;
    north.browser.inspect("door-offline").await;
    // The page itself comes without the network, and has forgotten nothing.
    north.browser.reload().await;
    north.browser.sees("The Lighthouse Keepers, live").await;
    north.browser.sees("To be uploaded: 1").await;
    enter(&north.browser, &tickets[0]["qr"], "on this device").await;
    enter(&north.browser, &tickets[2]["qr"], "Already used").await;
    let other = in_other_letters(&tickets[1]["qr"]);
    enter(&north.browser, &other, "This is no code of a ticket").await;
    enter(&north.browser, &tickets[1]["code"], "Scan the QR code").await;
    enter(&north.browser, &forged(&tickets[1]["qr"]), "It may be forged.").await;
    enter(&north.browser, &json!("hello"), "This is no code of a ticket").await;
    assert_eq!(api.get(&check_ins).await.json()["admitted"], 1);

    south.cut();
    enter(&south.browser, &tickets[0]["qr"], "Checked without the network").await;
    enter(&south.browser, &tickets[2]["qr"], "North gate").await;

    // A scan that the service refuses stops no other one.
    let unacceptable = json!({
        "listing": listing, "admissionId": "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e", "codeHash": "",
        "id": "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4f", "code": other, "scannedAt": Clock::system().now(),
    });
    north.put("scan", unacceptable).await;
    north.browser.expect_console("status of 422");
    north.network.restore();
    north.browser.sees(READY).await;
    north
        .browser
        .sees("Check-ins that our service does not accept: 1")
        .await;
    eventually("the scan is uploaded", || async {
        (api.get(&check_ins).await.json()["admitted"] == 2).then_some(())
    })
    .await;
    south.network.restore();
    south.browser.sees("Let in although they should not have been").await;
    south.browser.inspect("door-conflicts").await;
    let found = api.get(&check_ins).await.json();
    assert_eq!((&found["admitted"], &found["duplicates"]), (&json!(2), &json!(1)));
    let conflict = &found["conflicts"][0];
    assert_eq!(
        json!([conflict["admissionId"], conflict["door"], conflict["usedDoor"]]),
        json!([tickets[0]["id"], "South gate", "North gate"])
    );
    // Online again, codes are checked by the service.
    enter(&south.browser, &tickets[1]["code"], "Let this person in.").await;

    seller.browser.open(&format!("/sell/{listing}/check-in")).await;
    seller.browser.sees("Let in although they should not have been").await;
    seller.browser.inspect("check-in-conflicts").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_door_in_another_tab_leaves_an_open_one_able_to_work_without_a_network() {
    let app = TestApp::shared();
    let FreeEvent {
        api, listing, tickets, ..
    } = FreeEvent::with_tickets(&app, 1).await;
    let door = Gate::at_door(&app, &api, &listing, "East gate").await;
    enter(&door.browser, &tickets[0]["qr"], "Let this person in.").await;
    door.browser.sees("Undo").await;
    // A row that is only there until the store is cleared.
    let row = json!({"listing": listing, "admissionId": "cleared"});
    door.put("admission", row).await;

    let client = door.browser.client();
    let first = client.window().await.unwrap();
    let second = client.new_window(true).await.unwrap().handle;
    client.switch_to_window(second).await.unwrap();
    door.browser.expect_console("status of 401");
    door.browser.open(&format!("/door#{listing}.revoked")).await;
    door.browser.sees("This door is closed").await;
    // Closing the tab before would abort the deletion.
    eventually("the closed door has cleared the store", || async {
        (!door.ids("admission").await?.contains(&json!("cleared"))).then_some(())
    })
    .await;
    client.close_window().await.unwrap();
    client.switch_to_window(first).await.unwrap();
    door.stores("admission", &tickets[0]["id"]).await;
    door.cut();
    enter(&door.browser, &tickets[0]["qr"], "Already used").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_goes_on_when_its_store_is_closed_and_when_its_network_swallows_everything() {
    let app = TestApp::shared();
    let FreeEvent {
        api, listing, tickets, ..
    } = FreeEvent::with_tickets(&app, 2).await;
    let door = Gate::at_door(&app, &api, &listing, "Side gate").await;

    // The browser closes the connections to the store of the page.
    let of_page = json!({"origin": door.network.url, "storageTypes": "indexeddb"});
    door.browser.dev_tools("Storage.clearDataForOrigin", &of_page).await;
    enter(&door.browser, &tickets[0]["qr"], "Let this person in.").await;
    door.stores("listing", &json!(listing)).await;

    door.stall();
    enter(&door.browser, &tickets[0]["qr"], "Already used").await;
    door.browser.reload().await;
    enter(&door.browser, &tickets[1]["qr"], "Checked without the network").await;
    door.network.restore();
    door.browser.sees(READY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_typed_and_then_scanned_is_one_scan_until_its_check_in_is_undone() {
    let app = TestApp::shared();
    let FreeEvent {
        api, listing, tickets, ..
    } = FreeEvent::with_tickets(&app, 2).await;
    let door = Gate::at_door(&app, &api, &listing, "Back gate").await;
    let check_ins = format!("/api/v1/tickets/{listing}/check-ins");

    door.lose_response(&tickets[0]["code"]).await;
    undo_check_in(&door.browser).await;
    eventually("the door has the undone check-in", || async {
        (door.rows("admission").await?.first()?["state"] == "valid").then_some(())
    })
    .await;
    door.cut();
    enter(&door.browser, &tickets[0]["qr"], "Checked without the network").await;
    door.browser.sees("To be uploaded: 1").await;
    door.network.restore();
    eventually(
        "the scan after the undone check-in is uploaded as another one",
        || async { (api.get(&check_ins).await.json()["admitted"] == 1).then_some(()) },
    )
    .await;

    door.lose_response(&tickets[1]["code"]).await;
    enter(&door.browser, &tickets[1]["qr"], "Let this person in.").await;
    eventually("the door has uploaded everything", || async {
        door.rows("scan").await?.is_empty().then_some(())
    })
    .await;
    let found = api.get(&check_ins).await.json();
    assert_eq!((&found["admitted"], &found["duplicates"]), (&json!(2), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_worker_keeps_the_page_of_a_door_and_nothing_else() {
    let app = TestApp::shared();
    let seller = Person::signed_up(&app, "seller").await;
    let api = client_of(&app, &seller).await;
    let mut fields = concert();
    fields["price"] = json!({"amount": 0, "currency": "eur"});
    let listing = api.post("/api/v1/tickets", fields).await.expect(201).text_at("/id");
    let door = Gate::at_door(&app, &api, &listing, "West gate").await;
    door.browser.open("/").await;
    door.browser.sees("The Lighthouse Keepers, live").await;
    let kept = "(async () => { const paths = []; for (const name of await caches.keys()) \
        for (const request of await (await caches.open(name)).keys()) paths.push(new URL(request.url).pathname); \
        return paths; })().then(arguments[0])";
    let kept = door.browser.client().execute_async(kept, vec![]).await.unwrap();
    let kept: Vec<String> = serde_json::from_value(kept).unwrap();
    assert!(kept.contains(&"/door".to_owned()), "{kept:?}");
    assert!(
        kept.iter().all(|path| path == "/door" || path.starts_with("/assets/")),
        "{kept:?}"
    );
    let is_controlled = "return navigator.serviceWorker.controller !== null";
    let is_controlled = door.browser.client().execute(is_controlled, vec![]).await.unwrap();
    assert_eq!(is_controlled, json!(false), "the home page");
}
