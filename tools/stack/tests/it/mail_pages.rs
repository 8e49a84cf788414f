//! The mails of the development stack in a browser: what its pages answer to real mails, and to hostile files.

use std::fs;

use testkit::eventually;

use crate::{Client, test_app::TestApp};

const HOSTILE: &str = "From: \"<b>Mallory</b>\" <mallory@example.org>\r\n\
    To: ada@example.org\r\n\
    Subject: <script>alert(1)</script>\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=m\r\n\r\n\
    --m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
    --a\r\nContent-Type: text/plain\r\n\r\n</pre><script>alert(2)</script>\r\n\
    --a\r\nContent-Type: text/html\r\n\r\n<!doctype html><html><script>parent.alert(3)</script><p>Hello</p></html>\r\n--a--\r\n\
    --m\r\nContent-Type: text/html\r\n\
    Content-Disposition: attachment; filename=\"../a\\\"<b>.html\"\r\n\r\n<script>alert(4)</script>\r\n--m--\r\n";

/// Returns the path of the link to the mail with this text in its line of the list.
async fn link_to(pages: &Client, text: &str) -> String {
    eventually(&format!("the list has {text:?}"), || async {
        let list = pages.get("/").await.expect(200).text.clone();
        let mail = list.split("<li>").find(|mail| mail.contains(text))?;
        let path = mail.split_once("href=\"")?.1.split_once('"')?.0;
        Some(path.to_owned())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_of_the_stack_are_listed_and_shown() {
    let app = TestApp::shared();
    let user = app.user().await;
    let pages = Client::new(app.mail_pages());
    let mail = link_to(&pages, &user.email).await;
    let page = pages.get(&mail).await.expect(200).text.clone();
    assert!(page.contains("<h1>Confirm your email address</h1>"), "{page}");
    assert!(page.contains(&format!("src=\"{mail}/html\"")), "{page}");
    let confirm = format!("{}/confirm/", app.url());
    assert!(page.contains(&confirm), "{page}");
    let html = pages.get(&format!("{mail}/html")).await.expect(200).text.clone();
    assert!(html.contains(&format!("href=\"{confirm}")), "{html}");
    let source = pages.get(&format!("{mail}/source")).await;
    let source = source.expect(200);
    assert!(source.text.contains(&format!("To: {}", user.email)), "{}", source.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_mail_runs_or_reaches_the_network() {
    let app = TestApp::shared();
    let pages = Client::new(app.mail_pages());
    app.user().await;
    link_to(&pages, "user-").await;
    fs::write(app.mail_folder().join("hostile mail.eml"), HOSTILE).unwrap();
    let mail = link_to(&pages, "alert(1)").await;
    assert_eq!(mail, "/mails/hostile%20mail.eml");
    for path in ["/", &mail] {
        let page = pages.get(path).await;
        let policy = page.headers["content-security-policy"].to_str().unwrap().to_owned();
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("script"),
            "{policy}"
        );
        assert!(!page.expect(200).text.contains("<script"), "{path}");
    }
    let frame = pages.get(&format!("{mail}/html")).await.expect(200).clone();
    let policy = frame.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "),
        "{policy}"
    );
    assert!(
        !policy.contains("allow-scripts") && !policy.contains("allow-same-origin"),
        "{policy}"
    );
    assert!(frame.text.starts_with("<!doctype html>"), "{}", frame.text);
    // A page of the storefront's or of anybody's origin would read it otherwise.
    assert_eq!(frame.headers["cross-origin-resource-policy"], "same-origin");
    let attached = pages.get(&format!("{mail}/attachments/0")).await.expect(200).clone();
    assert_eq!(attached.headers["content-type"], "application/octet-stream");
    let disposition = attached.headers["content-disposition"].to_str().unwrap();
    assert!(
        disposition.starts_with("attachment; ") && !disposition.contains('<'),
        "{disposition}"
    );
    assert!(attached.text.contains("<script>alert(4)</script>"), "{}", attached.text);
    let _ = pages.get(&format!("{mail}/attachments/1")).await.expect(404);
    let _ = pages.get(&format!("{mail}/attachments/x")).await.expect(404);
    fs::remove_file(app.mail_folder().join("hostile mail.eml")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_and_huge_files_have_pages_and_the_others_stay_readable() {
    let app = TestApp::new();
    let (pages, folder) = (Client::new(app.mail_pages()), app.mail_folder());
    let mut files = vec![
        ("empty.eml".to_owned(), Vec::new(), 200),
        ("zeros.eml".to_owned(), vec![0; 1_000_000], 200),
        (
            "nested.eml".to_owned(),
            b"Content-Type: message/rfc822\n\n".repeat(300_000),
            422,
        ),
        ("huge.eml".to_owned(), vec![b'a'; 17 * 1024 * 1024], 422),
        (
            "long.eml".to_owned(),
            [b"Subject: ".to_vec(), vec![b'a'; 4_000_000]].concat(),
            200,
        ),
    ];
    for number in 0..60 {
        let mail = format!("Subject: number {number}\r\nTo: ada@example.org\r\n\r\nHello\r\n");
        files.push((format!("{number}.eml"), mail.into_bytes(), 200));
    }
    for (name, content, _) in &files {
        fs::write(folder.join(name), content).unwrap();
    }
    for (name, _, status) in &files {
        let _ = pages.get(&format!("/mails/{name}")).await.expect(*status);
    }
    let first = pages.get("/").await.expect(200).text.clone();
    let second = pages.get("/?page=2").await.expect(200).text.clone();
    let count = |page: &str| page.matches("<li>").count();
    assert_eq!((count(&first), count(&second)), (50, files.len() - 50));
    assert!(first.contains("number 59") && !second.contains("number 59"), "{second}");
    for page in ["0", "9", "-1", "x", "99999999999999999999"] {
        let _ = pages.get(&format!("/?page={page}")).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_mails_are_read_and_only_for_this_machine() {
    let app = TestApp::shared();
    let pages = Client::new(app.mail_pages());
    for path in [
        "/nowhere",
        "/mails",
        "/mails/",
        "/mails/none.eml",
        "/mails/..%2Fauth.db",
        "/mails/%2Fetc%2Fpasswd",
        "/mails/..%2Flock/source",
        "/mails/none.eml/html",
        "/mails/none.eml/source",
        "/mails/%FF.eml",
        "/mails/a%00.eml",
    ] {
        let _ = pages.get(path).await.expect(404);
    }
    assert_eq!(pages.post("/", serde_json::json!({})).await.status, 405);
    // The name of another site that leads to this machine.
    let elsewhere = Client::new(app.mail_pages()).with("host", "rebound.example");
    for path in ["/", "/style.css", "/mails/none.eml"] {
        let _ = elsewhere.get(path).await.expect(421);
    }
}
