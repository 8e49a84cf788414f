use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, eventually};

use crate::{
    browser::{Browser, Visited},
    shop::{PASSWORD, Shop},
};

/// Orders free tickets of a listing, and returns the order with its admissions.
pub(crate) async fn take(buyer: &Client, listing: &str, quantity: u32) -> (String, Vec<Value>) {
    let order = json!({"ticketId": listing, "quantity": quantity});
    let order = buyer.post_when_replicated("/api/v1/orders", order).await.expect(201);
    let order = order.text_at("/id");
    let payment = json!({"orderId": order});
    drop(
        buyer
            .post_when_replicated("/api/v1/payments", payment)
            .await
            .expect(201),
    );
    let path = format!("/api/v1/admissions?orderId={order}");
    let count = usize::try_from(quantity).unwrap();
    let admissions = eventually("the tickets are issued", || async {
        let items = buyer.get(&path).await.json()["items"].as_array().cloned()?;
        (items.len() == count).then_some(items)
    })
    .await;
    (order, admissions)
}

/// Signs a person in who has an account.
pub(crate) async fn sign_in(shop: &Shop, email: &str, language: &str) -> Browser {
    let browser = shop.browser().with("accept-language", language);
    let credentials = [("email", email), ("password", PASSWORD)];
    drop(browser.post("/signin", &credentials).await.expect(303));
    // Not the language of the account, which the pages have after signing in.
    drop(browser.get(&format!("/developers?lang={language}")).await.expect(200));
    browser
}

fn is_sound(visited: &Visited) {
    let html = visited.html();
    assert!(html.unlabelled().is_empty(), "{:?}", html.unlabelled());
    assert_eq!(html.all("h1").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_sees_the_code_and_prints_it_until_the_ticket_is_used() {
    let shop = Shop::open().await;
    let (seller, buyer) = (
        shop.account("seller@example.com").await,
        shop.account("buyer@example.com").await,
    );
    let fields = json!({"quantity": 5, "price": {"amount": 0, "currency": "eur"}, "venue": "Laeiszhalle",
        "startsAt": "2035-01-01T19:00:00Z", "timeZone": "Europe/Berlin"});
    let listing = shop.list(&seller, fields).await;
    let browser = sign_in(&shop, "buyer@example.com", "en").await;
    let empty = browser.get("/tickets").await.expect(200);
    is_sound(&empty);
    assert!(empty.body.contains("You have no tickets yet."));

    let (order, admissions) = take(&buyer, &listing, 2).await;
    let list = browser.get(&format!("/tickets?order={order}")).await.expect(200);
    is_sound(&list);
    assert!(list.body.contains("Upcoming") && list.body.contains("Mon, 1 January 2035, 20:00 CET"));
    assert_eq!(list.body.matches("badge--good").count(), 2);
    let id = admissions[0]["id"].as_str().unwrap();
    let path = format!("/tickets/{id}");
    let page = browser.get(&path).await.expect(200);
    is_sound(&page);
    assert!(page.body.contains(admissions[0]["code"].as_str().unwrap()));
    assert!(page.header("cache-control").contains("no-store"));
    let picture = browser.get(&format!("{path}/qr.svg")).await.expect(200);
    assert_eq!(picture.header("content-type"), "image/svg+xml");
    assert!(picture.body.starts_with("<svg") && picture.header("cache-control").contains("no-store"));
    for file in [
        format!("{path}/pass.pdf"),
        format!("/tickets/passes.pdf?order={order}&after=0"),
    ] {
        let response = browser.request(Method::GET, &file, None).await;
        assert_eq!(response.status(), 200, "{file}");
        assert_eq!(response.headers()["content-type"], "application/pdf");
        assert!(
            response.headers()["content-disposition"]
                .to_str()
                .unwrap()
                .starts_with("attachment")
        );
        assert!(response.bytes().await.unwrap().starts_with(b"%PDF"));
    }

    // Others learn nothing of it.
    let other = shop.browser();
    other.sign_up("other@example.com").await;
    for hidden in [path.clone(), format!("{path}/qr.svg"), format!("{path}/pass.pdf")] {
        drop(other.get(&hidden).await.expect(404));
        let location = shop.browser().get(&hidden).await.expect(303);
        assert!(location.header("location").starts_with("/signin"), "{hidden}");
    }

    let check_in = json!({"code": admissions[0]["code"]});
    drop(
        seller
            .post(&format!("/api/v1/tickets/{listing}/check-ins"), check_in)
            .await
            .expect(200),
    );
    // The account is English; the person chooses another language.
    let german = sign_in(&shop, "buyer@example.com", "de").await;
    let used = german.get(&format!("{path}?lang=de")).await.expect(200);
    is_sound(&used);
    assert!(
        used.body.contains("Mit dieser Karte wurde jemand eingelassen."),
        "{}",
        used.body
    );
    assert!(!used.body.contains("qr.svg") && !used.body.contains("pass.pdf"));
    drop(browser.get(&format!("{path}/qr.svg")).await.expect(404));
    let printed = browser.get(&format!("{path}/pass.pdf")).await.expect(303);
    assert_eq!(printed.header("location"), path);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_without_tickets_yet_and_wrong_addresses_have_pages() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    browser.sign_up("buyer@example.com").await;
    let order = "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e";
    let page = browser.get(&format!("/tickets?order={order}")).await.expect(200);
    is_sound(&page);
    assert!(page.body.contains("There are no tickets of this order yet."));
    let page = browser.get("/tickets?cursor=nonsense").await.expect(303);
    assert_eq!(page.header("location"), "/tickets");
    for path in [
        "/tickets?order=1",
        "/tickets/1",
        "/tickets/passes.pdf",
        &format!("/tickets/{order}"),
    ] {
        is_sound(&browser.get(path).await.expect(404));
    }
    shop.close().await;
}
