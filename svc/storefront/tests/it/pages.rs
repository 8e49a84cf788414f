use std::collections::BTreeSet;

use serde_json::json;

use crate::{browser::Browser, shop::Shop};

/// The maximum size of a page with what it loads, without pictures.
const MAX_PAGE_BYTES: usize = 100 * 1024;

/// Sections whose pages have tests of their own.
const OTHER_SECTIONS: [&str; 7] = [
    "/account",
    "/docs",
    "/openapi.json",
    "/orders",
    "/sell",
    "/tickets",
    "/api/",
];

fn is_in(path: &str, sections: &[&str]) -> bool {
    sections.iter().any(|section| path.starts_with(section))
}

/// Visits a page, checks what every page has, and returns the paths that it leads to.
async fn check(browser: &Browser, path: &str, language: &str) -> Vec<String> {
    let visited = browser.get(path).await;
    assert!([200, 404].contains(&visited.status), "{path}: {}", visited.status);
    let policy = visited.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{path}: {policy}"
    );
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
    assert_eq!(visited.header("cross-origin-opener-policy"), "same-origin", "{path}");
    let html = visited.html();
    assert_eq!(html.all("html").next().unwrap().get("lang"), Some(language), "{path}");
    assert!(html.unlabelled().is_empty(), "{path}: {:?}", html.unlabelled());
    for wanted in ["title", "h1", "main"] {
        assert_eq!(
            html.all(wanted)
                .filter(|element| !element.parents.contains(&"svg".to_owned()))
                .count(),
            1,
            "{path}: {wanted}"
        );
    }
    for element in &html.elements {
        assert!(element.get("style").is_none(), "{path}: {element:?}");
        let is_code = element.name == "style" || (element.name == "script" && element.get("src").is_none());
        assert!(
            !is_code || element.get("type") == Some("application/ld+json"),
            "{path}: {element:?}"
        );
        if element.name == "img" {
            assert!(element.get("alt").is_some(), "{path}: {element:?}");
        }
    }
    html.paths()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_well_formed_in_both_languages_and_every_link_of_it_leads_somewhere() {
    let shop = Shop::open().await;
    let seller = shop.account("seller@example.com").await;
    let event = shop
        .list(&seller, json!({"title": "A <b>\"bold\"</b> & 'quoted' title", "description": "</script><script>alert(1)</script>", "quantity": 3}))
        .await;
    let starts = ["/", "/signin", "/signup?next=/events/1", "/developers", "/no-such-page"];
    for language in ["en", "de"] {
        for is_signed_in in [false, true] {
            let browser = shop.browser().with("accept-language", language);
            if is_signed_in {
                browser.sign_up(&format!("visitor-{language}@example.com")).await;
            }
            let mut open: Vec<_> = starts.map(ToOwned::to_owned).to_vec();
            open.push(format!("/events/{event}"));
            let mut seen = BTreeSet::new();
            let mut bytes = 0;
            while let Some(path) = open.pop() {
                let is_choice = path.contains("lang=");
                if is_choice || is_in(&path, &OTHER_SECTIONS) || !seen.insert(path.clone()) {
                    continue;
                }
                if path.contains('.') {
                    let file = browser.get(&path).await;
                    assert!(file.status == 200, "{path}: {}", file.status);
                    if path.starts_with("/assets/") {
                        assert!(file.header("cache-control").contains("immutable"), "{path}");
                        bytes += file.body.len();
                    }
                    continue;
                }
                // Of those who are signed in, the forms of the others lead home.
                if is_signed_in && (path == "/signin" || path == "/signup") {
                    assert_eq!(browser.get(&path).await.expect(303).header("location"), "/");
                    continue;
                }
                open.extend(check(&browser, &path, language).await);
            }
            assert!(seen.len() > 8, "{seen:?}");
            assert!(bytes < MAX_PAGE_BYTES, "{bytes}");
        }
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chosen_language_stays_and_precedes_that_of_the_browser() {
    let shop = Shop::open().await;
    let browser = shop.browser().with("accept-language", "en-GB");
    let lang = |visited: &crate::browser::Visited| {
        visited
            .html()
            .all("html")
            .next()
            .unwrap()
            .get("lang")
            .unwrap()
            .to_owned()
    };
    assert_eq!(lang(&browser.get("/").await), "en");
    assert_eq!(lang(&browser.get("/?lang=de").await), "de");
    assert_eq!(lang(&browser.get("/signin").await), "de");
    assert_eq!(lang(&browser.get("/?lang=xx").await), "de");
    assert_eq!(lang(&browser.get("/?q=a&lang=en").await), "en");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_page_is_answered_with_a_page_nevertheless() {
    let shop = Shop::open().await;
    let browser = shop.browser();
    for (path, status) in [
        ("/nothing", 404),
        ("/events/1", 404),
        ("/events/01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e", 404),
        ("/events/%FF", 404),
        ("/assets/style.0000000000000000.css", 404),
        ("/assets/..%2f..%2fCargo.toml", 404),
        ("/signout", 405),
        ("/?cursor=nonsense", 400),
        ("/?min=5", 400),
        ("/?min=five&currency=eur", 400),
        ("/?from=yesterday", 400),
        ("/?seller=me", 400),
    ] {
        let html = browser.get(path).await.expect(status).html();
        let headings: Vec<_> = html.all("h1").map(|heading| heading.text.trim()).collect();
        assert_eq!(headings.len(), 1, "{path}");
        if status != 400 {
            assert!(html.title().starts_with(headings[0]), "{path}: {}", html.title());
        }
    }
    assert_eq!(browser.get("/signout").await.header("allow"), "POST");
    for path in ["/metrics", "/health/live", "/api/v1/nothing"] {
        let visited = browser.get(path).await.expect(404);
        assert_eq!(visited.header("content-type"), "application/problem+json", "{path}");
    }
    shop.close().await;
}
