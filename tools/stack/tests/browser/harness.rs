//! The harness itself: what it detects, on pages of a small site.

use poem::{
    IntoResponse, Request, Response, Server, endpoint::make_sync, http::header, listener::Acceptor, listener::Listener,
    listener::TcpListener,
};
use tokio_util::task::TaskTracker;

use crate::{
    browser::{Browser, Setup},
    eventually,
    look::{Device, Scheme},
};

const GOOD: &str = r#"
    <h1>A form</h1>
    <form action="/thanks">
    <label for="name">Your name</label> <input id="name" name="name" autocomplete="name">
    <label>Size <select name="size"><option value="s">small<option value="l">large</select></label>
    <button>Send it</button>
    </form>"#;

const BAD: &str = r#"
    <h1>Faults</h1>
    <input name="unlabelled">
    <p class="pale">Pale in the dark only</p>
    <p class="wide">Wide on a phone only</p>"#;

/// A page that is replaced once, while axe-core inspects it.
const REPLACED: &str = r#"
    <h1>Replaced</h1>
    <script>
    if (!sessionStorage.isReplaced) Object.defineProperty(window, "axe", {
        set() {},
        get() {
            sessionStorage.isReplaced = true;
            location.reload();
            return {run: () => new Promise(() => {})};
        },
    });
    </script>
    <input name="unlabelled">"#;

const STYLE: &str = "
    :root { color-scheme: light dark }
    .wide { width: 800px }
    @media (prefers-color-scheme: dark) { body { background: #222; color: #eee } .pale { color: #444 } }";

/// The beginning of a fault that a page has in every look.
const EVERY_LOOK: &str = "phone, light and phone, dark and desktop, light and desktop, dark: {";

fn page(title: &str, main: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><link rel=\"icon\" href=\"data:,\">\
         <link rel=\"stylesheet\" href=\"/style.css\"><main>{main}</main></html>"
    );
    html.with_content_type("text/html; charset=utf-8").into_response()
}

fn respond(request: &Request) -> Response {
    match request.uri().path() {
        "/good" => page("Good", GOOD),
        "/thanks" => page("Thanks", "<h1>Thanks</h1>"),
        "/bad" => page("Bad", BAD),
        "/replaced" => page("Replaced", REPLACED),
        "/framed" => page(
            "Framed",
            "<h1>Framed</h1><iframe title=\"A form\" sandbox src=\"/frame\"></iframe>",
        ),
        "/frame" => "<!doctype html><html lang=\"en\"><title>A form</title><input name=\"unlabelled\"></html>"
            .with_content_type("text/html; charset=utf-8")
            .into_response(),
        "/scripts" => page(
            "Scripts",
            "<h1>Scripts</h1><p id=\"result\">No script has run</p><script>result.textContent = 'A script has run'</script>",
        ),
        "/refused" => page("Refused", "<h1>Refused</h1><script>alert('never')</script>")
            .with_header(header::CONTENT_SECURITY_POLICY, "default-src 'self'; img-src data:")
            .into_response(),
        "/broken" => page("Broken", "<h1>Broken</h1><script>nothing.at_all</script>"),
        "/heavy" => page(
            "Heavy",
            "<link rel=\"stylesheet\" href=\"/heavy.css\"><h1>Heavy</h1><img alt=\"\" src=\"/api/v1/tickets/1/image\">",
        ),
        "/heavy.css" => " ".repeat(50_000).with_content_type("text/css").into_response(),
        "/style.css" => STYLE.with_content_type("text/css").into_response(),
        "/api/v1/tickets/1/image" => vec![b' '; 50_000].with_content_type("image/png").into_response(),
        _ => page("Nothing", "<h1>Nothing here</h1>"),
    }
}

/// Starts the site on a free port, and returns its address.
async fn start_site() -> String {
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    let address = *acceptor.local_addr()[0].as_socket_addr().unwrap();
    let site = make_sync(|request: Request| respond(&request));
    TaskTracker::new().spawn(Server::new_with_acceptor(acceptor).run(site));
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn elements_are_found_by_label_and_text() {
    let browser = Browser::start("somebody", &start_site().await, Setup::default()).await;
    browser.open("/good").await;
    browser.fill("Your name", "Ada").await;
    browser.choose("Size", "large").await;
    browser.press("Send it").await;
    browser.arrives_at("/thanks?name=Ada&size=l").await;
    browser.sees("Thanks").await;
    browser.back().await;
    browser.arrives_at("/good").await;
    browser.reload().await;
    browser.sees("A form").await;
    browser.inspect("harness").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_one_width_and_one_scheme_are_found() {
    let browser = Browser::start("inspector", &start_site().await, Setup::default()).await;
    browser.open("/bad").await;
    let faults = browser.faults("bad").await;
    let count = |part: &str| faults.iter().filter(|fault| fault.contains(part)).count();
    let dark = "phone, dark and desktop, dark: {";
    assert_eq!(faults.len(), 3, "{faults:#?}");
    assert_eq!(count("\"label\""), 1, "{faults:#?}");
    assert_eq!(count(EVERY_LOOK), 1, "{faults:#?}");
    assert!(
        faults
            .iter()
            .any(|fault| fault.starts_with(dark) && fault.contains("color-contrast")),
        "{faults:#?}"
    );
    assert_eq!(
        count("phone, light and phone, dark: wider than the screen"),
        1,
        "{faults:#?}"
    );
}

/// Inspects a page whose only fault is a field without a label.
async fn lacks_a_label_in_every_look(browser: &Browser, name: &str) {
    browser.open(&format!("/{name}")).await;
    let faults = browser.faults(name).await;
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(
        faults[0].starts_with(EVERY_LOOK) && faults[0].contains("\"label\""),
        "{faults:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_replaced_during_its_inspection_is_inspected_again() {
    let browser = Browser::start("inspector", &start_site().await, Setup::default()).await;
    lacks_a_label_in_every_look(&browser, "replaced").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_in_a_frame_without_scripts_are_found() {
    let browser = Browser::start("inspector", &start_site().await, Setup::default()).await;
    lacks_a_label_in_every_look(&browser, "framed").await;
    browser.sees("Framed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_scripts_and_refusals_of_the_policy_are_messages_of_the_console() {
    let browser = Browser::start("watcher", &start_site().await, Setup::default()).await;
    for (path, message) in [
        ("/broken", "nothing is not defined"),
        ("/refused", "Content Security Policy"),
    ] {
        browser.open(path).await;
        eventually(message, || async {
            let messages = browser.console_messages().await;
            messages.iter().any(|found| found.contains(message)).then_some(())
        })
        .await;
        browser.expect_console(message);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_without_scripts_runs_none() {
    let setup = Setup {
        device: Device::Phone,
        scheme: Scheme::Dark,
        scripts: false,
        ..Setup::default()
    };
    let browser = Browser::start("reader", &start_site().await, setup).await;
    browser.open("/scripts").await;
    browser.sees("No script has run").await;
    browser.open("/good").await;
    browser.fill("Your name", "Ada").await;
    browser.press("Send it").await;
    browser.arrives_at("/thanks").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_weight_of_a_page_counts_everything_but_the_picture_of_a_listing() {
    let browser = Browser::start("weigher", &start_site().await, Setup::default()).await;
    for _ in 0..2 {
        let loads = browser.first_load("/heavy").await;
        let total: u64 = loads.values().sum();
        assert!((50_000..53_000).contains(&total), "{loads:#?}");
        assert_eq!(loads.len(), 3, "{loads:#?}");
    }
}
