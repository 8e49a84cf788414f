use poem::{IntoResponse, http::Method};
use values::Clock;

use super::*;
use crate::test_support::{NOW, claims, key, verifier};

fn request(method: Method, headers: &[(&'static str, String)]) -> Request {
    let key = key(1);
    let mut request = Request::builder().method(method).header("host", "tickets.example");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let mut request = request.finish();
    request.set_data(verifier(&[&key], &Clock::manual(NOW)));
    request
}

fn bearer() -> (Claims, (&'static str, String)) {
    let claims = claims();
    let token = key(1).sign(&claims).unwrap();
    (claims, ("authorization", format!("Bearer {token}")))
}

fn cookie() -> (Claims, (&'static str, String)) {
    let claims = claims();
    let token = key(1).sign(&claims).unwrap();
    (
        claims,
        (
            "cookie",
            format!("theme=dark; {}={token}; other=1", SESSION_COOKIE.name),
        ),
    )
}

#[tokio::test]
async fn a_program_signs_in_by_bearer_token_and_a_page_by_cookie() {
    for (claims, header) in [bearer(), cookie()] {
        let signed_in = SignedIn::authenticate(&request(Method::GET, &[header])).await.unwrap();
        assert_eq!(signed_in, SignedIn::new(&claims));
    }
}

#[tokio::test]
async fn the_bearer_token_takes_precedence_over_the_cookie() {
    let ((program, bearer), (_, cookie)) = (bearer(), cookie());
    let cross_site = ("sec-fetch-site", "cross-site".to_owned());
    let signed_in = SignedIn::authenticate(&request(Method::POST, &[cookie.clone(), bearer, cross_site]))
        .await
        .unwrap();
    assert_eq!(signed_in.user_id, program.sub);

    let bad = ("authorization", "bearer nonsense".to_owned());
    let refused = SignedIn::authenticate(&request(Method::GET, &[bad, cookie.clone()]))
        .await
        .unwrap_err();
    assert_eq!(refused.status(), 401, "an invalid one is not ignored");

    let other_scheme = ("authorization", "Basic dXNlcjpwYXNz".to_owned());
    SignedIn::authenticate(&request(Method::GET, &[other_scheme, cookie]))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_write_by_cookie_must_come_from_our_own_site() {
    let (_, cookie) = cookie();
    for (header, status) in [
        (("sec-fetch-site", "same-origin"), None),
        (("sec-fetch-site", "cross-site"), Some(403)),
        (("origin", "https://attacker.example"), Some(403)),
        (("origin", "https://tickets.example"), None),
    ] {
        let headers = [cookie.clone(), (header.0, header.1.to_owned())];
        let written = SignedIn::authenticate(&request(Method::POST, &headers)).await;
        assert_eq!(
            written.err().map(|problem| problem.status().as_u16()),
            status,
            "{header:?}"
        );
        SignedIn::authenticate(&request(Method::GET, &headers)).await.unwrap();
    }
}

#[tokio::test]
async fn a_request_without_a_valid_token_is_answered_with_the_scheme() {
    let headers = [
        vec![],
        vec![("cookie", "ticketing_session=".to_owned())],
        vec![("cookie", "not_ticketing_session=a".to_owned())],
        vec![("authorization", "Bearer".to_owned())],
        vec![("authorization", "Bearer ".to_owned())],
    ];
    for headers in headers {
        let response = SignedIn::authenticate(&request(Method::GET, &headers))
            .await
            .unwrap_err()
            .into_response();
        assert_eq!(response.status(), 401, "{headers:?}");
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
    }
}

#[tokio::test]
async fn credentials_that_cannot_be_read_are_not_taken_for_absent() {
    let ((_, (_, bearer)), (_, (_, cookie))) = (bearer(), cookie());
    let text = |text: &str| text.as_bytes().to_vec();
    for (headers, expected) in [
        (vec![("cookie", text(&cookie))], None),
        (
            vec![("cookie", text(&cookie)), ("authorization", text("Bearer ключ"))],
            Some(401),
        ),
        (
            vec![("cookie", text(&cookie)), ("authorization", text("ключ"))],
            Some(401),
        ),
        (
            vec![("cookie", text(&cookie)), ("authorization", text("Bearer"))],
            Some(401),
        ),
        (
            vec![("authorization", text(&bearer)), ("authorization", text(&bearer))],
            Some(401),
        ),
        (vec![("cookie", text("ticketing_session=ключ"))], Some(401)),
        (
            vec![(
                "cookie",
                [b"__Host-ticketing_session=\xff; ", cookie.as_bytes()].concat(),
            )],
            Some(401),
        ),
        (vec![("cookie", [b"theme=\xff; ", cookie.as_bytes()].concat())], None),
        (vec![("cookie", text("theme=größer")), ("cookie", text(&cookie))], None),
    ] {
        let mut request = request(Method::GET, &[]);
        for (name, value) in &headers {
            request
                .headers_mut()
                .append(*name, poem::http::HeaderValue::from_bytes(value).unwrap());
        }
        let refused = SignedIn::authenticate(&request).await.err();
        assert_eq!(
            refused.map(|problem| problem.status().as_u16()),
            expected,
            "{headers:?}"
        );
    }
}

#[test]
fn a_cookie_is_found_among_others() {
    let mut headers = HeaderMap::new();
    headers.append("cookie", "a=1;b=2".parse().unwrap());
    headers.append("cookie", "c=\"3\"; f=4; d".parse().unwrap());
    for (name, value) in [
        ("a", Some("1")),
        ("b", Some("2")),
        ("c", Some("3")),
        ("d", None),
        ("e", None),
    ] {
        assert_eq!(crate::cookie_value(&headers, name), Ok(value));
    }
}

#[test]
fn a_cookie_that_is_sent_twice_is_refused() {
    for lines in [&["a=1; b=2; a=3"][..], &["a=1", "a=1"]] {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("cookie", line.parse().unwrap());
        }
        let refused = crate::cookie_value(&headers, "a").unwrap_err();
        assert_eq!(refused.status().as_u16(), 401, "{lines:?}");
    }
}

mod spec {
    use poem_openapi::{OpenApi, OpenApiService, payload::PlainText};
    use serde_json::{Value, json};

    use super::SignedIn;

    struct Api;

    #[OpenApi]
    #[expect(clippy::unused_async, reason = "the macro wants it")]
    impl Api {
        /// The signed-in user
        #[oai(path = "/me", method = "get")]
        async fn me(&self, user: SignedIn) -> PlainText<String> {
            PlainText(user.user_id.to_string())
        }
    }

    #[test]
    fn the_document_offers_both_ways_to_sign_in() {
        let spec: Value = serde_json::from_str(&OpenApiService::new(Api, "", "").spec()).unwrap();
        assert_eq!(
            spec["paths"]["/me"]["get"]["security"],
            json!([{"bearer": []}, {"session": []}])
        );
        let schemes = &spec["components"]["securitySchemes"];
        assert_eq!(schemes["bearer"]["scheme"], "bearer");
        assert_eq!(schemes["session"]["in"], "cookie");
        assert_eq!(schemes["session"]["name"], "__Host-ticketing_session");
    }
}

#[tokio::test]
async fn the_claims_of_a_token_decide_about_second_factor_and_confirmed_address() {
    let methods = |methods: &[&str]| methods.iter().map(|method| (*method).to_owned()).collect::<Vec<_>>();
    for (amr, email_verified, second_factor, refusal) in [
        // Release 0.1.
        (methods(&[]), None, false, None),
        (
            methods(&["pwd"]),
            Some(false),
            false,
            Some("403 The email address is not confirmed"),
        ),
        (methods(&["pwd", "otp", "mfa"]), Some(true), true, None),
    ] {
        let claims = Claims {
            amr,
            email_verified,
            ..claims()
        };
        let header = format!("Bearer {}", key(1).sign(&claims).unwrap());
        let request = request(Method::GET, &[("authorization", header)]);
        let signed_in = SignedIn::authenticate(&request).await.unwrap();
        assert_eq!(signed_in.has_second_factor, second_factor);
        let refused = signed_in
            .ensure_address_confirmed()
            .err()
            .map(|problem| problem.to_string());
        assert_eq!(refused.as_deref(), refusal);
    }
}
