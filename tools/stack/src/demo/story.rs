use std::time::Duration;

use serde_json::{Value, json};
use values::{Clock, EventId};

use super::scene::{Ask, Failed, Scene};

/// The shortest window that a listing may set, in seconds.
const SHORT_WINDOW: u64 = 10;

/// Who is in it.
pub(super) struct Cast {
    /// Sells.
    ada: Person,
    /// Buys.
    bert: Person,
    /// Buys, too.
    cleo: Person,
    /// A word that no other listing has.
    word: String,
}

struct Person {
    name: &'static str,
    token: String,
}

impl Person {
    async fn sign_up(scene: &Scene<'_>, name: &'static str, word: &str) -> Result<Self, Failed> {
        let credentials = json!({
            "email": format!("{}-{word}@example.com", name.to_lowercase()),
            "password": "correct horse battery staple",
        });
        let step = format!("{name} signs up");
        let ask = Ask::post("/api/v1/auth/signup", credentials);
        let grant = scene.expect(&step, ask, 201, &["/user/email", "/user/id"]).await?;
        Ok(Self {
            name,
            token: text(&grant, "/accessToken"),
        })
    }

    fn does(&self, what: &str) -> String {
        format!("{} {what}", self.name)
    }

    fn get(&self, path: String) -> Ask {
        Ask::get(path).by(&self.token)
    }

    fn post(&self, path: &str, body: Value) -> Ask {
        Ask::post(path, body).by(&self.token)
    }
}

pub(super) async fn cast(scene: &Scene<'_>) -> Result<Cast, Failed> {
    scene.heading("Three people sign up");
    let id = EventId::new(Clock::system().now()).to_string();
    let word = id.rsplit('-').next().unwrap_or_default().to_owned();
    let ada = Person::sign_up(scene, "Ada", &word).await?;
    let bert = Person::sign_up(scene, "Bert", &word).await?;
    let cleo = Person::sign_up(scene, "Cleo", &word).await?;
    scene
        .expect(
            "Ada is signed in",
            ada.get("/api/v1/auth/users/current".to_owned()),
            200,
            &["/email"],
        )
        .await?;
    Ok(Cast { ada, bert, cleo, word })
}

pub(super) async fn a_ticket_is_sold(scene: &Scene<'_>, cast: &Cast) -> Result<(), Failed> {
    scene.heading("A ticket is sold");
    let Cast { ada, bert, word, .. } = cast;
    let offer = json!({
        "title": format!("The Lighthouse Keepers, live ({word})"),
        "description": "Two sets, one encore.",
        "venue": "Laeiszhalle, Hamburg",
        "price": {"amount": 1999, "currency": "usd"},
        "quantity": 5,
    });
    let listed = list(scene, ada, "lists five tickets at 19.99", offer).await?;

    let step = bert.does("finds it by search");
    let path = format!("/api/v1/tickets?q=lighthouse%20{word}&available=true");
    let found = scene
        .expect(&step, Ask::get(path), 200, &["/items/0/title", "/items/0/available"])
        .await?;
    Scene::check(
        &step,
        "this one alone",
        found["items"].as_array().is_some_and(|items| items.len() == 1),
        &found,
    )?;
    Scene::check(&step, "this one", text(&found, "/items/0/id") == listed, &found)?;

    let order = place(scene, bert, "orders two", &listed, 2).await?;
    watch(scene, &listed, "two tickets are reserved", ("/held", json!(2))).await?;
    pay(scene, bert, &order).await?;
    watch(
        scene,
        &listed,
        "two tickets are sold, three are left",
        ("/sold", json!(2)),
    )
    .await?;

    let step = bert.does("cannot pay a second time");
    let again = bert.post("/api/v1/payments", json!({"orderId": order, "token": "tok_visa"}));
    scene.expect(&step, again, 409, &["/title"]).await?;
    Ok(())
}

pub(super) async fn an_order_runs_out_of_time(scene: &Scene<'_>, cast: &Cast) -> Result<(), Failed> {
    scene.heading("An order runs out of time, and its ticket is bought by somebody else");
    let Cast { ada, bert, cleo, word } = cast;
    let offer = json!({
        "title": format!("The last seat ({word})"),
        "price": {"amount": 4950, "currency": "eur"},
        "orderWindowSeconds": SHORT_WINDOW,
    });
    let listed = list(scene, ada, "lists one ticket, to be paid within ten seconds", offer).await?;
    let order = place(scene, bert, "orders it, and forgets to pay", &listed, 1).await?;

    let step = cleo.does("would like it, too");
    let wish = json!({"ticketId": listed});
    scene
        .expect(&step, cleo.post("/api/v1/orders", wish), 409, &["/title"])
        .await?;

    let step = bert.does("is told how long the order lasts");
    let clock = bert.get(format!("/api/v1/expirations/{order}"));
    scene.expect_soon(&step, clock, 200, &["/state", "/deadline"]).await?;

    let step = bert.does("loses the order when the time is over");
    let within = scene.patience + Duration::from_secs(SHORT_WINDOW);
    let ask = bert.get(format!("/api/v1/orders/{order}"));
    let fields = ["/status", "/cancelReason"];
    scene
        .until(&step, ask, within, ("/cancelReason", json!("expired")), &fields)
        .await?;

    let step = bert.does("pays too late, and is not charged");
    let late = bert.post("/api/v1/payments", json!({"orderId": order, "token": "tok_visa"}));
    scene.expect(&step, late, 409, &["/title"]).await?;
    watch(scene, &listed, "the ticket is on sale again", ("/available", json!(1))).await?;
    let order = place(scene, cleo, "orders it", &listed, 1).await?;
    pay(scene, cleo, &order).await
}

pub(super) async fn a_card_is_declined(scene: &Scene<'_>, cast: &Cast) -> Result<(), Failed> {
    scene.heading("A declined card leaves nobody charged");
    let Cast { ada, cleo, word, .. } = cast;
    let offer = json!({"title": format!("Matinée ({word})"), "price": {"amount": 800, "currency": "eur"}});
    let listed = list(scene, ada, "lists one ticket", offer).await?;
    let order = place(scene, cleo, "orders it", &listed, 1).await?;

    let step = cleo.does("pays with a card that is declined");
    let refused = cleo.post(
        "/api/v1/payments",
        json!({"orderId": order, "token": "tok_chargeDeclined"}),
    );
    scene.expect_soon(&step, refused, 402, &["/title", "/code"]).await?;

    let step = cleo.does("still has the order");
    let ask = cleo.get(format!("/api/v1/orders/{order}"));
    let seen = scene.expect(&step, ask, 200, &["/status"]).await?;
    Scene::check(&step, "the status created", text(&seen, "/status") == "created", &seen)?;

    let step = cleo.does("was charged nothing for it");
    let payments = scene
        .expect(
            &step,
            cleo.get("/api/v1/payments".to_owned()),
            200,
            &["/items/0/status"],
        )
        .await?;
    let mut of_order = payments["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|payment| payment["orderId"] == *order);
    Scene::check(
        &step,
        "none but failed payments",
        of_order.all(|payment| payment["status"] == "failed"),
        &payments,
    )?;

    let step = cleo.does("cancels it");
    scene
        .expect(
            &step,
            Ask::delete(format!("/api/v1/orders/{order}")).by(&cleo.token),
            204,
            &[],
        )
        .await?;
    watch(scene, &listed, "the ticket is on sale again", ("/available", json!(1))).await
}

async fn list(scene: &Scene<'_>, seller: &Person, what: &str, offer: Value) -> Result<String, Failed> {
    let ask = seller.post("/api/v1/tickets", offer);
    let ticket = scene
        .expect(&seller.does(what), ask, 201, &["/id", "/status", "/available"])
        .await?;
    Ok(text(&ticket, "/id"))
}

async fn place(scene: &Scene<'_>, buyer: &Person, what: &str, ticket: &str, quantity: u32) -> Result<String, Failed> {
    let ask = buyer.post("/api/v1/orders", json!({"ticketId": ticket, "quantity": quantity}));
    let fields = ["/id", "/status", "/total/amount", "/total/currency", "/expiresAt"];
    let order = scene.expect_soon(&buyer.does(what), ask, 201, &fields).await?;
    Ok(text(&order, "/id"))
}

async fn pay(scene: &Scene<'_>, buyer: &Person, order: &str) -> Result<(), Failed> {
    let ask = buyer.post("/api/v1/payments", json!({"orderId": order, "token": "tok_visa"}));
    scene
        .expect_soon(
            &buyer.does("pays with tok_visa"),
            ask,
            201,
            &["/id", "/status", "/amount/amount"],
        )
        .await?;
    let ask = buyer.get(format!("/api/v1/orders/{order}"));
    let (step, fields) = (buyer.does("sees the order complete"), ["/status", "/paymentId"]);
    scene
        .until(&step, ask, scene.patience, ("/status", json!("complete")), &fields)
        .await?;
    Ok(())
}

async fn watch(scene: &Scene<'_>, ticket: &str, what: &str, becomes: (&str, Value)) -> Result<(), Failed> {
    let ask = Ask::get(format!("/api/v1/tickets/{ticket}"));
    scene
        .until(what, ask, scene.patience, becomes, &["/available", "/held", "/sold"])
        .await?;
    Ok(())
}

/// The text at a JSON pointer; empty if there is none, which no step that follows takes for right.
fn text(body: &Value, pointer: &str) -> String {
    body.pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
