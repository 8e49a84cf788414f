use std::time::Duration;

use serde_json::{Value, json};
use values::{Clock, EventId};

use super::runner::{DemoRequest, Runner, StepFailed};

/// The shortest window that a listing may set, in seconds.
const SHORT_WINDOW: u64 = 10;

/// The people of the demo.
pub(super) struct Participants {
    /// The seller.
    ada: Person,
    /// A buyer.
    bert: Person,
    /// Another buyer.
    cleo: Person,
    /// A word that is in the listings of this run alone.
    word: String,
}

struct Person {
    name: &'static str,
    token: String,
}

impl Person {
    async fn sign_up(runner: &Runner<'_>, name: &'static str, word: &str) -> Result<Self, StepFailed> {
        let credentials = json!({
            "email": format!("{}-{word}@example.com", name.to_lowercase()),
            "password": "correct horse battery staple",
        });
        let step = format!("{name} signs up");
        let request = DemoRequest::post("/api/v1/auth/signup", credentials);
        let grant = runner.expect(&step, request, 201, &["/user/email", "/user/id"]).await?;
        Ok(Self {
            name,
            token: text(&grant, "/accessToken"),
        })
    }

    fn step(&self, what: &str) -> String {
        format!("{} {what}", self.name)
    }

    fn get(&self, path: String) -> DemoRequest {
        DemoRequest::get(path).bearer(&self.token)
    }

    fn post(&self, path: &str, body: Value) -> DemoRequest {
        DemoRequest::post(path, body).bearer(&self.token)
    }
}

/// Signs three people up.
pub(super) async fn sign_up(runner: &Runner<'_>) -> Result<Participants, StepFailed> {
    runner.heading("Three people sign up");
    let id = EventId::new(Clock::system().now()).to_string();
    let word = id.rsplit('-').next().unwrap_or_default().to_owned();
    let ada = Person::sign_up(runner, "Ada", &word).await?;
    let bert = Person::sign_up(runner, "Bert", &word).await?;
    let cleo = Person::sign_up(runner, "Cleo", &word).await?;
    runner
        .expect(
            "Ada is signed in",
            ada.get("/api/v1/auth/users/current".to_owned()),
            200,
            &["/email"],
        )
        .await?;
    Ok(Participants { ada, bert, cleo, word })
}

pub(super) async fn a_ticket_is_sold(runner: &Runner<'_>, participants: &Participants) -> Result<(), StepFailed> {
    runner.heading("A ticket is sold");
    let Participants { ada, bert, word, .. } = participants;
    let listing = json!({
        "title": format!("The Lighthouse Keepers, live ({word})"),
        "description": "Two sets, one encore.",
        "venue": "Laeiszhalle, Hamburg",
        "price": {"amount": 1999, "currency": "usd"},
        "quantity": 5,
    });
    let listed = list(runner, ada, "lists five tickets at 19.99", listing).await?;

    let step = bert.step("finds it by search");
    let path = format!("/api/v1/tickets?q=lighthouse%20{word}&available=true");
    let found = runner
        .expect(
            &step,
            DemoRequest::get(path),
            200,
            &["/items/0/title", "/items/0/available"],
        )
        .await?;
    Runner::check(
        &step,
        "this one alone",
        found["items"].as_array().is_some_and(|items| items.len() == 1),
        &found,
    )?;
    Runner::check(&step, "this one", text(&found, "/items/0/id") == listed, &found)?;

    let order = place(runner, bert, "orders two", &listed, 2).await?;
    watch(runner, &listed, "two tickets are reserved", ("/held", json!(2))).await?;
    pay(runner, bert, &order).await?;
    watch(
        runner,
        &listed,
        "two tickets are sold, three are left",
        ("/sold", json!(2)),
    )
    .await?;

    let step = bert.step("cannot pay a second time");
    let again = bert.post("/api/v1/payments", json!({"orderId": order, "token": "tok_visa"}));
    runner.expect(&step, again, 409, &["/title"]).await?;
    a_ticket_admits_once(runner, ada, bert, (&listed, &order)).await
}

/// Bert's ticket at Ada's door.
async fn a_ticket_admits_once(
    runner: &Runner<'_>,
    ada: &Person,
    bert: &Person,
    (listing, order): (&str, &str),
) -> Result<(), StepFailed> {
    runner.heading("A ticket admits once");
    let request = bert.get(format!("/api/v1/admissions?orderId={order}"));
    let step = bert.step("has two tickets");
    let issued = ("/items/1/state", json!("valid"));
    let fields = ["/items/0/state", "/items/0/number", "/items/0/of", "/items/0/code"];
    let tickets = runner.until(&step, request, runner.timeout, issued, &fields).await?;

    let check_ins = format!("/api/v1/tickets/{listing}/check-ins");
    let entry = |code: &str| ada.post(&check_ins, json!({"code": code}));
    let code = text(&tickets, "/items/0/code");
    let step = ada.step("admits somebody with the code of one");
    let fields = ["/number", "/of", "/usedAt"];
    runner.expect(&step, entry(&code), 200, &fields).await?;
    let step = ada.step("refuses the same code the second time");
    let fields = ["/title", "/detail"];
    let refused = runner.expect(&step, entry(&code), 409, &fields).await?;
    let is_used = text(&refused, "/type").ends_with(":already-admitted");
    Runner::check(&step, "the problem already-admitted", is_used, &refused)?;

    let step = ada.step("sees one admitted, one not yet");
    let counts = runner
        .expect(
            &step,
            ada.get(check_ins.clone()),
            200,
            &["/issued", "/admitted", "/void"],
        )
        .await?;
    Runner::check(&step, "one admitted", counts["admitted"] == json!(1), &counts)?;
    let step = bert.step("sees his ticket used");
    let admission = text(&tickets, "/items/0/id");
    let request = bert.get(format!("/api/v1/admissions/{admission}"));
    runner
        .until(
            &step,
            request,
            runner.timeout,
            ("/state", json!("used")),
            &["/state", "/usedAt"],
        )
        .await?;
    Ok(())
}

pub(super) async fn an_order_expires(runner: &Runner<'_>, participants: &Participants) -> Result<(), StepFailed> {
    runner.heading("An order expires and its ticket is sold to another buyer");
    let Participants { ada, bert, cleo, word } = participants;
    let listing = json!({
        "title": format!("The last seat ({word})"),
        "price": {"amount": 4950, "currency": "eur"},
        "orderWindowSeconds": SHORT_WINDOW,
    });
    let listed = list(runner, ada, "lists one ticket with a window of ten seconds", listing).await?;
    let order = place(runner, bert, "orders it and does not pay", &listed, 1).await?;

    let step = cleo.step("is refused: it is reserved");
    let new_order = json!({"ticketId": listed});
    runner
        .expect(&step, cleo.post("/api/v1/orders", new_order), 409, &["/title"])
        .await?;

    let step = bert.step("reads the order's deadline");
    let clock = bert.get(format!("/api/v1/expirations/{order}"));
    runner.expect_soon(&step, clock, 200, &["/state", "/deadline"]).await?;

    let step = bert.step("has lost the order after the deadline");
    let within = runner.timeout + Duration::from_secs(SHORT_WINDOW);
    let request = bert.get(format!("/api/v1/orders/{order}"));
    let fields = ["/status", "/cancelReason"];
    runner
        .until(&step, request, within, ("/cancelReason", json!("expired")), &fields)
        .await?;

    let step = bert.step("pays too late and is not charged");
    let late = bert.post("/api/v1/payments", json!({"orderId": order, "token": "tok_visa"}));
    runner.expect(&step, late, 409, &["/title"]).await?;
    watch(runner, &listed, "the ticket is on sale again", ("/available", json!(1))).await?;
    let order = place(runner, cleo, "orders it", &listed, 1).await?;
    pay(runner, cleo, &order).await
}

pub(super) async fn a_card_is_declined(runner: &Runner<'_>, participants: &Participants) -> Result<(), StepFailed> {
    runner.heading("A declined card is not charged");
    let Participants { ada, cleo, word, .. } = participants;
    let listing = json!({"title": format!("Matinée ({word})"), "price": {"amount": 800, "currency": "eur"}});
    let listed = list(runner, ada, "lists one ticket", listing).await?;
    let order = place(runner, cleo, "orders it", &listed, 1).await?;

    let step = cleo.step("pays with a card that is declined");
    let refused = cleo.post(
        "/api/v1/payments",
        json!({"orderId": order, "token": "tok_chargeDeclined"}),
    );
    runner.expect_soon(&step, refused, 402, &["/title", "/code"]).await?;

    let step = cleo.step("still has the order");
    let request = cleo.get(format!("/api/v1/orders/{order}"));
    let seen = runner.expect(&step, request, 200, &["/status"]).await?;
    Runner::check(&step, "the status created", text(&seen, "/status") == "created", &seen)?;

    let step = cleo.step("was not charged");
    let payments = runner
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
    Runner::check(
        &step,
        "none but failed payments",
        of_order.all(|payment| payment["status"] == "failed"),
        &payments,
    )?;

    let step = cleo.step("cancels it");
    runner
        .expect(
            &step,
            DemoRequest::delete(format!("/api/v1/orders/{order}")).bearer(&cleo.token),
            204,
            &[],
        )
        .await?;
    watch(runner, &listed, "the ticket is on sale again", ("/available", json!(1))).await
}

async fn list(runner: &Runner<'_>, seller: &Person, what: &str, listing: Value) -> Result<String, StepFailed> {
    let request = seller.post("/api/v1/tickets", listing);
    let ticket = runner
        .expect(&seller.step(what), request, 201, &["/id", "/status", "/available"])
        .await?;
    Ok(text(&ticket, "/id"))
}

async fn place(
    runner: &Runner<'_>,
    buyer: &Person,
    what: &str,
    ticket: &str,
    quantity: u32,
) -> Result<String, StepFailed> {
    let request = buyer.post("/api/v1/orders", json!({"ticketId": ticket, "quantity": quantity}));
    let fields = ["/id", "/status", "/total/amount", "/total/currency", "/expiresAt"];
    let order = runner.expect_soon(&buyer.step(what), request, 201, &fields).await?;
    Ok(text(&order, "/id"))
}

async fn pay(runner: &Runner<'_>, buyer: &Person, order: &str) -> Result<(), StepFailed> {
    let request = buyer.post("/api/v1/payments", json!({"orderId": order, "token": "tok_visa"}));
    runner
        .expect_soon(
            &buyer.step("pays with tok_visa"),
            request,
            201,
            &["/id", "/status", "/amount/amount"],
        )
        .await?;
    let request = buyer.get(format!("/api/v1/orders/{order}"));
    let (step, fields) = (buyer.step("sees the order complete"), ["/status", "/paymentId"]);
    runner
        .until(&step, request, runner.timeout, ("/status", json!("complete")), &fields)
        .await?;
    Ok(())
}

async fn watch(runner: &Runner<'_>, ticket: &str, what: &str, becomes: (&str, Value)) -> Result<(), StepFailed> {
    let request = DemoRequest::get(format!("/api/v1/tickets/{ticket}"));
    runner
        .until(
            what,
            request,
            runner.timeout,
            becomes,
            &["/available", "/held", "/sold"],
        )
        .await?;
    Ok(())
}

/// Returns the text at a JSON pointer, or an empty string, with which every later step fails.
fn text(body: &Value, pointer: &str) -> String {
    body.pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
