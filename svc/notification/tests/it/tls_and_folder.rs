use std::{fs, os::unix::fs::PermissionsExt};

use notification::Notification;
use test_certificates::{TestCa, TlsProxy};
use testkit::{SmtpSink, eventually};

use crate::test_app::{TestApp, smtp_url};

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_sent_over_tls_to_the_named_server_only() {
    let folder = tempfile::tempdir().unwrap();
    let (ca, other) = (TestCa::new(folder.path(), "ca"), TestCa::new(folder.path(), "other"));
    let sink = SmtpSink::start().await;
    let proxy = TlsProxy::start(&ca.issue("mail", &["127.0.0.1"]), sink.address).await;
    let url = format!("smtps://{}", proxy.addr);
    let with_ca = |file: &std::path::Path| {
        let (url, file) = (url.clone(), file.to_owned());
        TestApp::with(move |settings| {
            settings.smtp_url = Some(smtp_url(&url));
            settings.smtp_ca_file = Some(file);
        })
    };
    let distrusting = with_ca(&other.file).await;
    let ada = distrusting.sign_up("ada@example.com").await;
    distrusting.request_password_mail(&ada).await;
    let database = distrusting.env.database::<Notification>();
    eventually("the certificate is refused", async || {
        let conn = rusqlite::Connection::open(&database).unwrap();
        let sql = "SELECT count(*) FROM mail WHERE state = 'queued' AND reason LIKE '%certificate%'";
        let count: i64 = conn.query_row(sql, [], |row| row.get(0)).unwrap();
        (count == 1).then_some(())
    })
    .await;
    assert_eq!(sink.mails(), []);
    distrusting.stop_and_check().await;

    let trusting = with_ca(&ca.file).await;
    trusting.request_password_mail(&ada).await;
    assert_eq!(sink.wait_for(1).await.len(), 1);
    trusting.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_mails_are_files_that_only_the_owner_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mail");
    let app = TestApp::with(|settings| {
        settings.smtp_url = None;
        settings.mail_folder = Some(path.clone());
    })
    .await;
    let ada = app.sign_up("ada@example.com").await;
    let mail = app.request_password_mail(&ada).await;
    let file = path.join(format!("{}.eml", mail.id));
    let text = eventually("the file exists", async || fs::read_to_string(&file).ok()).await;
    assert!(text.contains("To: ada@example.com\r\n"), "{text}");
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&file)), (0o700, 0o600));
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
    app.stop_and_check().await;
}
