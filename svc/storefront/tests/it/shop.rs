use std::{fs, thread};

use serde_json::{Value, json};
use stack::{Settings, Stack};
use tempfile::TempDir;
use testkit::{Client, amqp_url};

use crate::browser::Browser;

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A marketplace of one test, with the storefront at its front door.
pub(crate) struct Shop {
    stack: Option<Stack>,
    folder: TempDir,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    /// Opens a marketplace with other settings.
    pub(crate) async fn open_with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::with_free_ports(folder.path().join("data"), amqp_url());
        settings.notification.mail_folder = Some(folder.path().join("mail"));
        change(&mut settings);
        let stack = Some(Stack::start(settings, |_| {}).await.unwrap());
        Self { stack, folder }
    }

    pub(crate) fn url(&self) -> String {
        self.stack.as_ref().unwrap().url()
    }

    /// Returns a browser without cookies.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.url())
    }

    /// Returns a client of the API.
    pub(crate) fn api(&self) -> Client {
        Client::new(self.url())
    }

    /// Waits for a mail to this address that links to a path below `path`, and returns the path of the link. Of several, the
    /// one that is none of `seen`.
    pub(crate) async fn link_in_mail(&self, email: &str, path: &str, seen: &[&str]) -> String {
        let folder = self.folder.path().join("mail");
        let start = format!("{}{path}", self.url());
        testkit::eventually(&format!("a mail to {email} links to {path}"), async || {
            let files = fs::read_dir(&folder).ok()?.filter_map(Result::ok);
            let mails = files.filter_map(|file| fs::read_to_string(file.path()).ok());
            // Quoted-printable (RFC 2045): lines are broken, and '=' is written as "=3D".
            let mails = mails.map(|mail| mail.replace("=\r\n", "").replace("=3D", "="));
            let to = format!("To: {email}\r\n");
            let links = mails.filter(|mail| mail.contains(&to)).filter_map(|mail| {
                let (_, rest) = mail.split_once(&start)?;
                let end = rest.find(|letter: char| letter.is_whitespace() || "\"<&".contains(letter));
                Some(format!("{path}{}", &rest[..end?]))
            });
            links.into_iter().find(|link| !seen.contains(&link.as_str()))
        })
        .await
    }

    /// Creates an account, and returns a client with its access token.
    pub(crate) async fn account(&self, email: &str) -> Client {
        let body = json!({"email": email, "password": PASSWORD});
        let reply = self.api().post("/api/v1/auth/signup", body).await.expect(201);
        self.api().bearer(&reply.text_at("/accessToken"))
    }

    /// Lists tickets with these fields, and returns the id.
    pub(crate) async fn list(&self, seller: &Client, fields: Value) -> String {
        let mut body = json!({"title": "The Lighthouse Keepers", "price": {"amount": 1999, "currency": "eur"}});
        body.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        seller.post("/api/v1/tickets", body).await.expect(201).text_at("/id")
    }

    /// Returns a connection to the database of a service.
    pub(crate) fn database(&self, service: &str) -> rusqlite::Connection {
        let path = self.folder.path().join(format!("data/{service}.db"));
        let conn = rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        conn.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
        conn
    }

    /// Returns a connection that keeps a service from writing until it is closed, or for five seconds.
    pub(crate) fn lock_database(&self, service: &str) -> rusqlite::Connection {
        let lock = self.database(service);
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        lock
    }

    /// Stops one service.
    pub(crate) async fn stop_service(&mut self, name: &str) {
        self.stack.as_mut().unwrap().stop_service(name).await;
    }

    /// Stops the marketplace.
    pub(crate) async fn close(mut self) {
        self.stack.take().unwrap().stop().await;
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let namespace = fs::read_to_string(self.folder.path().join("data/namespace")).unwrap();
        let delete = async move { stack::delete_namespace(&amqp_url(), &namespace.parse().unwrap()).await };
        let deleted = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(delete)
        });
        if let Ok(Err(error)) = deleted.join() {
            eprintln!("the broker still has the namespace of this test: {error}");
        }
    }
}
