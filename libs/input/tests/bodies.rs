//! Bodies over HTTP: what is read, what is refused, and that the OpenAPI document describes exactly that.
#![expect(clippy::unwrap_used, clippy::unused_async, reason = "tests; handlers are async")]

use std::{fmt::Display, sync::LazyLock};

use input::{Body, CanonicalText, Kept, List, Price, Strict, Text, TextRule, Whole};
use poem::{Endpoint, EndpointExt, IntoEndpoint, Request, http::Method};
use poem_openapi::{
    OpenApi, OpenApiService,
    payload::{Json, PlainText},
};
use proptest::prelude::*;
use serde_json::{Value, json};

struct Name;

impl TextRule for Name {
    type Value = String;
    const MIN_CHARS: usize = 1;
    const MAX_CHARS: usize = 5;
    const PATTERN: Option<&'static str> = Some("^[a-zé]*$");

    fn parse(text: String) -> Result<String, impl Display> {
        let is_valid = text.chars().all(|char| char.is_ascii_lowercase() || char == 'é');
        is_valid.then_some(text).ok_or("must consist of small letters")
    }
}

impl CanonicalText for Name {
    fn canonical(value: &String) -> Option<&str> {
        Some(value)
    }
}

input::object! {
    /// An offer.
    struct Offer {
        /// The name
        /// of what is offered.
        name as "name": Text<Name>,
        price as "price": Price,
        /// How many.
        quantity as "quantity": Whole<1, 10> = 1,
        note as "longNote": Option<Text<Name>>,
        flag as "flag": bool = true,
        kept as "kept": Kept<Option<Whole<0, 5>>>,
    }
    example: {"name": "a", "price": {"amount": 1999, "currency": "usd"}}
}

input::object! {
    /// Rows of seats.
    struct Rows {
        /// The first row.
        from as "fromRow": Whole<1, 100> = 1,
        /// The last row.
        to as "toRow": Option<Whole<1, 100>>,
    }
    check(to, from): match to {
        Some(to) if to.get() < from.get() => Err("must not be before fromRow"),
        _ => Ok(()),
    },
}

/// What a rule of a booking depends on, besides the booking.
#[derive(Clone)]
struct Settings {
    max_seats: u32,
}

input::object! {
    /// A booking.
    struct Booking {
        name as "name": Text<Name>,
        ..rows: Rows,
        seats as "seats": Whole<1, 10> = 2,
        child as "child": Option<Text<Name>>,
        price as "price": Option<Price>,
    }
    check(child, name): match child {
        Some(child) if child.0 == name.0 => Err("must be another person"),
        _ => Ok(()),
    },
    check(seats; settings: Settings): {
        if seats.get() > settings.max_seats { Err(format!("must be at most {}", settings.max_seats)) } else { Ok(()) }
    },
    check(seats, child): {
        if child.is_some() && seats.get() < 2 { Err("must have a seat for each") } else { Ok(()) }
    },
    example: {"name": "a"}
}

input::object! {
    /// A guest.
    struct Guest {
        name as "name": Text<Name>,
        seat as "seat": Option<Whole<1, 10>>,
    }
    example: {"name": "a"}
}

input::object! {
    /// A party.
    struct Party {
        /// Who comes.
        guests as "guests": List<Guest, 1, 3>,
        /// Rows.
        rows as "rows": Option<List<Whole<1, 9>, 0, 2>>,
    }
    example: {"guests": [{"name": "a"}]}
}

struct Api;

#[OpenApi]
impl Api {
    /// Echoes the canonical form.
    #[oai(path = "/parties", method = "post", operation_id = "party")]
    async fn party(&self, body: Body<Party>) -> Json<Value> {
        let guests = body.0.guests.clone().into_vec().len();
        Json(json!({"guests": guests, "body": body.0}))
    }

    /// Echoes the canonical form, as it is stored.
    #[oai(path = "/bookings", method = "post", operation_id = "book")]
    async fn book(&self, body: Body<Booking>) -> PlainText<String> {
        PlainText(serde_json::to_string(&body.0).unwrap())
    }

    /// Echoes the canonical form.
    #[oai(path = "/offers", method = "post", operation_id = "offer")]
    async fn offer(&self, body: Body<Offer>) -> Json<Value> {
        Json(serde_json::to_value(body.0).unwrap())
    }

    #[oai(path = "/text", method = "get", operation_id = "text")]
    async fn text(&self) -> PlainText<&'static str> {
        PlainText("text")
    }
}

async fn post(body: impl Into<Vec<u8>>) -> (u16, Value) {
    post_to("/offers", body).await
}

async fn post_to(path: &str, body: impl Into<Vec<u8>>) -> (u16, Value) {
    let app = OpenApiService::new(Strict(Api), "test", "1")
        .into_endpoint()
        .data(Settings { max_seats: 5 })
        .catch_all_error(|error| async { problem::from_error(error, |_| None) });
    let request = Request::builder()
        .method(Method::POST)
        .uri(path.parse().unwrap())
        .header("content-type", "application/json")
        .body(body.into());
    let response = app.get_response(request).await;
    let status = response.status().as_u16();
    let body = response.into_body().into_bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

async fn errors(body: &str) -> Vec<(String, String)> {
    errors_at("/offers", body).await
}

async fn errors_at(path: &str, body: &str) -> Vec<(String, String)> {
    let (status, problem) = post_to(path, body).await;
    assert_eq!(status, 422, "{body}: {problem}");
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    let errors = problem["errors"].as_array().unwrap().iter();
    errors
        .map(|error| (text(error, "field"), text(error, "message")))
        .collect()
}

const PRICE: &str = r#""price":{"amount":1999,"currency":"usd"}"#;

#[tokio::test]
async fn all_errors_of_a_body_are_named_at_once_and_in_words_for_people() {
    let found = errors(
        r#"{"price":{"amount":"x","amount":1,"currency":"doubloons","tip":1},"quantity":0,"longNote":7,"flag":null,"sellar":1,"sellar":2,"kept":6}"#,
    )
    .await;
    let expected = [
        ("name", "is required"),
        ("price.amount", "comes twice"),
        (
            "price.currency",
            "must be a supported ISO 4217 currency in lower case, such as usd or eur",
        ),
        ("price.tip", "is not known here"),
        ("quantity", "must be a whole number from 1 to 10"),
        ("longNote", "must be a text"),
        ("flag", "must be true or false"),
        ("kept", "must be a whole number from 0 to 5"),
        ("sellar", "is not known here"),
    ];
    assert_eq!(
        found,
        expected.map(|(field, message)| (field.to_owned(), message.to_owned()))
    );
}

#[tokio::test]
async fn a_rule_is_checked_along_with_other_fields_if_the_fields_that_it_needs_are_valid() {
    let too_many = ("seats", "must be at most 5");
    for (body, expected) in [
        (
            r#"{"name":"a","fromRow":3,"toRow":2}"#,
            vec![("toRow", "must not be before fromRow")],
        ),
        (
            r#"{"fromRow":3,"toRow":2,"seats":6,"price":{"amount":49,"currency":"usd","tip":1},"other":1}"#,
            vec![
                ("name", "is required"),
                ("toRow", "must not be before fromRow"),
                ("price.amount", "must be 0, or a whole number from 50 to 99999999"),
                ("price.tip", "is not known here"),
                ("other", "is not known here"),
                too_many,
            ],
        ),
        // Without a valid part of it, a rule is not checked; others are.
        (
            r#"{"name":"A","child":"A","fromRow":0,"toRow":1,"seats":9}"#,
            vec![
                ("name", "must consist of small letters"),
                ("fromRow", "must be a whole number from 1 to 100"),
                ("child", "must consist of small letters"),
                too_many,
            ],
        ),
        (
            r#"{"name":"a","child":"a","seats":1,"seats":1}"#,
            vec![("seats", "comes twice"), ("child", "must be another person")],
        ),
        (
            r#"{"name":"a","child":"a","seats":1}"#,
            vec![
                ("child", "must be another person"),
                ("seats", "must have a seat for each"),
            ],
        ),
        // A default is a valid value.
        (
            r#"{"name":"a","toRow":null,"child":"a","seats":6,"x":1}"#,
            vec![
                ("child", "must be another person"),
                ("x", "is not known here"),
                too_many,
            ],
        ),
    ] {
        let found = errors_at("/bookings", body).await;
        let found = found
            .iter()
            .map(|(field, message)| (field.as_str(), message.as_str()))
            .collect::<Vec<_>>();
        assert_eq!(found, expected, "{body}");
    }
}

#[tokio::test]
async fn a_rule_that_needs_more_than_the_body_is_left_to_the_use_case_if_the_body_is_valid() {
    let (status, _) = post_to("/bookings", r#"{"name":"a","seats":6,"toRow":1}"#).await;
    assert_eq!(status, 200);
}

#[test]
fn the_fields_of_a_part_are_those_of_the_object() {
    let document = document();
    let booking = &document["components"]["schemas"]["Booking"];
    let fields = booking["properties"].as_object().unwrap();
    assert_eq!(
        fields.keys().collect::<Vec<_>>(),
        ["name", "fromRow", "toRow", "seats", "child", "price"]
    );
    assert_eq!(fields["fromRow"]["description"], "The first row.");
    assert_eq!(booking["required"], json!(["name"]));
    assert!(document["components"]["schemas"].get("Rows").is_none());
}

#[tokio::test]
async fn every_error_in_a_list_is_named_by_the_place_of_its_item() {
    let body = r#"{"guests":[{"name":"a"},{"name":"A","seat":11,"x":1},[]],"rows":[1,0]}"#;
    let found = errors_at("/parties", body).await;
    let expected = [
        ("guests.1.name", "must consist of small letters"),
        ("guests.1.seat", "must be a whole number from 1 to 10"),
        ("guests.1.x", "is not known here"),
        ("guests.2", "must be a JSON object"),
        ("rows.1", "must be a whole number from 1 to 9"),
    ];
    assert_eq!(
        found,
        expected.map(|(field, message)| (field.to_owned(), message.to_owned()))
    );
}

#[tokio::test]
async fn a_list_has_as_many_items_as_are_documented() {
    let guest = r#"{"name":"a"}"#;
    for count in 1..=3 {
        let guests = vec![guest; count].join(",");
        let (status, party) = post_to("/parties", format!(r#"{{"guests":[{guests}]}}"#)).await;
        assert_eq!((status, &party["guests"]), (200, &json!(count)), "{party}");
        assert_eq!(party["body"]["guests"][0], json!({"name": "a", "seat": null}));
    }
    for count in [0, 4, 10_000] {
        let guests = vec!["[".to_owned() + "]"; count].join(",");
        let found = errors_at("/parties", &format!(r#"{{"guests":[{guests}]}}"#)).await;
        assert_eq!(
            found,
            [("guests".to_owned(), "must have 1 to 3 items".to_owned())],
            "{count}"
        );
    }
    for other in ["null", "{}", "7", "\"a\"", r#"{"0":{"name":"a"}}"#] {
        let found = errors_at("/parties", &format!(r#"{{"guests":{other}}}"#)).await;
        assert_eq!(found, [("guests".to_owned(), "must be a list".to_owned())], "{other}");
    }
    let found = errors_at("/parties", &format!(r#"{{"guests":[{guest}],"rows":[1,2,3]}}"#)).await;
    assert_eq!(found, [("rows".to_owned(), "must have at most 2 items".to_owned())]);
    let document = document();
    let party = &document["components"]["schemas"]["Party"];
    assert_eq!(party["required"], json!(["guests"]));
    let guests = &party["properties"]["guests"];
    assert_eq!(
        (
            &guests["type"],
            &guests["minItems"],
            &guests["maxItems"],
            &guests["items"]
        ),
        (
            &json!("array"),
            &json!(1),
            &json!(3),
            &json!({"$ref": "#/components/schemas/Guest"})
        )
    );
    assert_eq!(guests["description"], "Who comes.");
    let rows = &party["properties"]["rows"];
    assert_eq!(
        (&rows["nullable"], &rows["items"]["maximum"]),
        (&json!(true), &json!(9.0))
    );
}

#[tokio::test]
async fn an_object_is_not_read_from_anything_else() {
    for body in [
        "[]",
        r#"["a",{"amount":1999,"currency":"usd"},2]"#,
        "null",
        "true",
        "1",
        "1e400",
        "\"a\"",
        "[[[[]]]]",
    ] {
        assert_eq!(
            errors(body).await,
            [("body".to_owned(), "must be a JSON object".to_owned())],
            "{body}"
        );
    }
    for price in [r#"[1999,"usd"]"#, "[]", "1999", "null", "\"1999 usd\""] {
        let found = errors(&format!(r#"{{"name":"a","price":{price}}}"#)).await;
        assert_eq!(
            found,
            [("price".to_owned(), "must be a JSON object".to_owned())],
            "{price}"
        );
    }
}

#[tokio::test]
async fn a_whole_number_may_be_written_in_any_way() {
    for (number, value) in [("3", 3), ("3.0", 3), ("30e-1", 3), ("0.3E1", 3), ("1e1", 10)] {
        let (status, offer) = post(format!(r#"{{"name":"a",{PRICE},"quantity":{number}}}"#)).await;
        assert_eq!((status, &offer["quantity"]), (200, &json!(value)), "{number}: {offer}");
    }
    for number in [
        "1e400",
        "-1e400",
        "-0",
        "0",
        "11",
        "1.5",
        "1e-400",
        "18446744073709551616",
        "\"1\"",
        "[1]",
    ] {
        let found = errors(&format!(r#"{{"name":"a",{PRICE},"quantity":{number}}}"#)).await;
        assert_eq!(
            found,
            [("quantity".to_owned(), "must be a whole number from 1 to 10".to_owned())],
            "{number}"
        );
    }
    for amount in ["1999.5", "1e400", "-1", "100000000", "true"] {
        let found = errors(&format!(
            r#"{{"name":"a","price":{{"amount":{amount},"currency":"usd"}}}}"#
        ))
        .await;
        assert_eq!(found[0].0, "price.amount", "{amount}");
    }
    let found = errors(r#"{"price":{"amount":49,"currency":"usd"}}"#).await;
    assert_eq!(found[0].0, "name");
    assert_eq!(
        found[1],
        (
            "price.amount".to_owned(),
            "must be 0, or a whole number from 50 to 99999999".to_owned()
        ),
        "a rule of the value is checked along with the others"
    );
}

#[tokio::test]
async fn a_text_is_counted_in_characters() {
    for (name, status) in [
        ("é", 200),
        ("ééééé", 200),
        ("éééééé", 422),
        ("", 422),
        ("A", 422),
        ("\\ud800", 422),
    ] {
        let (found, body) = post(format!(r#"{{"name":"{name}",{PRICE}}}"#)).await;
        assert_eq!(found, status, "{name}: {body}");
    }
}

#[tokio::test]
async fn the_fields_of_a_part_stand_where_it_is_included() {
    let app = OpenApiService::new(Api, "test", "1").into_endpoint();
    let body = r#"{"seats":1.0,"name":"a","toRow":2}"#;
    let request = Request::builder()
        .method(Method::POST)
        .uri("/bookings".parse().unwrap())
        .header("content-type", "application/json")
        .body(body);
    let response = app.call(request).await.unwrap();
    let canonical = response.into_body().into_string().await.unwrap();
    assert_eq!(
        canonical,
        r#"{"name":"a","fromRow":1,"toRow":2,"seats":1,"child":null,"price":null}"#
    );
}

#[tokio::test]
async fn defaults_and_null_have_one_canonical_form() {
    let canonical = json!({
        "name": "a", "price": {"amount": 1999, "currency": "usd"}, "quantity": 1, "longNote": null, "flag": true, "kept": null,
    });
    for body in [
        format!(r#"{{"name":"a",{PRICE}}}"#),
        format!(r#" {{ {PRICE} , "quantity": 1.0, "flag": true, "name": "\u0061", "longNote": null }} "#),
    ] {
        assert_eq!(post(body.clone()).await, (200, canonical.clone()), "{body}");
    }
}

#[tokio::test]
async fn what_is_no_json_is_malformed() {
    for body in [
        &b""[..],
        b"{",
        b"nul",
        b"{} {}",
        b"\xef\xbb\xbf{}",
        b"{\"name\":\"\xff\"}",
        b"{\"a\":01}",
        b"{'a':1}",
    ] {
        let (status, problem) = post(body).await;
        assert_eq!(
            (status, &problem["type"]),
            (400, &json!("urn:ticketing:problem:malformed"))
        );
    }
}

#[tokio::test]
async fn a_hostile_body_gets_a_small_response() {
    let names = (0..5000).map(|number| format!("\"{number}\":1")).collect::<Vec<_>>();
    assert_eq!(errors(&format!("{{{}}}", names.join(","))).await.len(), 100);
    let long = errors(&format!("{{\"name\":\"a\",{PRICE},\"{}\":1}}", "x".repeat(60_000))).await;
    assert!(long[0].0.len() < 200);
    let deep = format!("{{\"name\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000));
    assert_eq!(errors(&deep).await[0], ("name".to_owned(), "must be a text".to_owned()));
    assert_eq!(post(vec![b' '; problem::BODY_LIMIT + 1]).await.0, 413);
}

fn document() -> Value {
    let spec = OpenApiService::new(Strict(Api), "test", "1").spec();
    problem::complete(serde_json::from_str(&spec).unwrap())
}

#[test]
fn the_document_has_the_rules_that_are_enforced() {
    let document = document();
    let offer = &document["components"]["schemas"]["Offer"];
    assert_eq!(offer["description"], "An offer.");
    assert_eq!(offer["required"], json!(["name", "price"]));
    assert_eq!(offer["additionalProperties"], false);
    assert_eq!(
        document["components"]["schemas"]["Price"]["additionalProperties"],
        false
    );
    assert_eq!(
        offer["properties"]["name"],
        json!({"type": "string", "description": "The name of what is offered.", "minLength": 1, "maxLength": 5, "pattern": "^[a-zé]*$"})
    );
    assert_eq!(
        offer["properties"]["quantity"],
        json!({"type": "integer", "format": "int64", "description": "How many.", "default": 1, "minimum": 1.0, "maximum": 10.0})
    );
    assert_eq!(offer["properties"]["longNote"]["nullable"], true);
    assert_eq!(offer["properties"]["flag"]["default"], true);
    assert_eq!(offer["properties"]["kept"]["nullable"], true);
}

/// Turns the schema of OpenAPI 3.0 into JSON Schema.
fn json_schema(mut schema: Value) -> Value {
    if let Some(fields) = schema.as_object_mut() {
        for value in fields.values_mut() {
            *value = json_schema(value.take());
        }
        if fields.remove("nullable") == Some(json!(true)) {
            return json!({"anyOf": [{"type": "null"}, schema]});
        }
    } else if let Some(items) = schema.as_array_mut() {
        for item in items {
            *item = json_schema(item.take());
        }
    }
    schema
}

static VALIDATOR: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let mut schema = json_schema(document());
    schema["$ref"] = json!("#/components/schemas/Offer");
    jsonschema::validator_for(&schema).unwrap()
});

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..14_i64).prop_map(Value::from),
        (-3..14_i64).prop_map(|number| json!(f64::from(i32::try_from(number).unwrap()))),
        prop::sample::select(vec![
            json!(1.5),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(1999),
            json!([]),
            json!({})
        ]),
        "[a-eA-Eé]{0,7}".prop_map(Value::from),
        Just(json!({"amount": 1999, "currency": "usd"})),
        Just(json!({"amount": 100_000_000, "currency": "usd"})),
        Just(json!({"amount": 1999, "currency": "USD"})),
        Just(json!({"amount": 1999, "currency": "usd", "more": 1})),
        Just(json!([1999, "usd"])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// The schema accepts a body if and only if the service does.
    #[test]
    fn the_schema_accepts_what_is_read(
        fields in prop::collection::hash_map(
            prop::sample::select(vec!["name", "price", "quantity", "longNote", "flag", "kept", "other"]), any_value(), 0..7,
        ),
        is_likely in any::<bool>(),
    ) {
        let mut body = json!(fields);
        if is_likely {
            body["name"] = json!("ab");
            body["price"] = json!({"amount": 1999, "currency": "usd"});
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (status, reply) = runtime.block_on(post(body.to_string()));
        prop_assert_eq!(status == 200, VALIDATOR.is_valid(&body), "{}: {}", body, reply);
    }
}
