use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chassis::SecretArg;
use db::admin;
use events::{Account, AccountMail, AccountMailKind, Event, Order, OrderStatus, Ticket, Transfer, examples};
use notification::{Notification, Settings};
use passes::{CodeKey, CodeSecret};
use sealing::{EncryptionKeys, NONCE_BYTES};
use testkit::{ReceivedMail, RunningService, SmtpSink, TestEnv};
use values::{Clock, Timestamp, UserId};

/// The key that auth shares.
const MAIL_KEY: [u8; 32] = [1; 32];

/// The key that ticket shares.
const ADMISSION_KEY: [u8; 32] = [2; 32];

/// The service with an SMTP server, in an environment of its own, at a time that a test moves.
pub(crate) struct TestApp {
    pub(crate) env: TestEnv,
    pub(crate) sink: SmtpSink,
    pub(crate) service: RunningService,
    pub(crate) settings: Settings,
}

impl TestApp {
    /// Starts the service. Mails are sent one after the other.
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// Starts the service with other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let env = TestEnv::with_clock(Clock::manual(Clock::system().now())).await;
        let sink = SmtpSink::start().await;
        let mut settings = settings();
        settings.smtp_url = Some(smtp_url(&format!("smtp://{}", sink.address)));
        change(&mut settings);
        let service = env.start::<Notification>(settings.clone()).await;
        Self {
            env,
            sink,
            service,
            settings,
        }
    }

    /// Stops the service, and starts it again after `meanwhile`.
    pub(crate) async fn restart_after(mut self, meanwhile: impl AsyncFnOnce(&TestEnv)) -> Self {
        self.service.stop().await;
        meanwhile(&self.env).await;
        self.service = self.env.start::<Notification>(self.settings.clone()).await;
        self
    }

    /// Stops the service and checks its database.
    pub(crate) async fn stop_and_check(self) {
        self.service.stop().await;
        let database = self.env.database::<Notification>();
        let findings = admin::check(
            &database,
            &<Notification as chassis::Service>::SCHEMA,
            <Notification as chassis::Service>::INVARIANTS,
        );
        assert_eq!(findings.unwrap(), []);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.env.now()
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.env.clock.advance(by);
    }

    pub(crate) async fn auth(&self, event: Event) {
        self.env.publish("auth", event).await;
    }

    pub(crate) async fn ticket(&self, event: Event) {
        self.env.publish("ticket", event).await;
    }

    pub(crate) async fn order(&self, event: Event) {
        self.env.publish("order", event).await;
    }

    /// Returns an account with this address.
    pub(crate) fn account(&self, email: &str) -> Account {
        Account {
            email: Some(email.to_owned()),
            ..examples::account(self.now())
        }
    }

    /// Publishes a new account with this address.
    pub(crate) async fn sign_up(&self, email: &str) -> Account {
        let account = self.account(email);
        self.auth(Event::AccountCreated(account.clone())).await;
        account
    }

    /// Returns a mail about an account, with a link that can be used for an hour.
    pub(crate) fn account_mail(&self, account: &Account, kind: AccountMailKind) -> AccountMail {
        let mail = examples::account_mail(self.now(), account);
        AccountMail {
            kind,
            sealed_token: Some(seal(MAIL_KEY, &format!("account mail {}", mail.id), "secret-token")),
            expires_at: Some(self.now() + Duration::from_hours(1)),
            ..mail
        }
    }

    /// Publishes a mail about the password of an account.
    pub(crate) async fn request_password_mail(&self, account: &Account) -> AccountMail {
        let mail = AccountMail {
            sealed_token: None,
            expires_at: None,
            ..self.account_mail(account, AccountMailKind::PasswordChanged)
        };
        self.auth(Event::AccountMailRequested(mail.clone())).await;
        mail
    }

    /// Waits until everything that was published before is sent, and returns the mails without the one that proves it.
    pub(crate) async fn all_mails(&self) -> Vec<ReceivedMail> {
        // No mail about an account: those are sent before others.
        let address = format!("marker-{}@example.com", UserId::new(self.now()));
        let listing = self.listing();
        self.ticket(Event::TicketCreated(listing.clone())).await;
        self.ticket(Event::TransferOffered(self.offer(&address, &listing)))
            .await;
        let is_marker = |mail: &ReceivedMail| mail.recipients.contains(&address);
        let mut count = self.sink.mails().len();
        loop {
            let mails = self.sink.wait_for(count).await;
            if mails.iter().any(is_marker) {
                let is_test =
                    |mail: &ReceivedMail| !mail.recipients.iter().any(|address| address.starts_with("marker-"));
                return mails.into_iter().filter(is_test).collect();
            }
            count = mails.len() + 1;
        }
    }

    /// Returns a listing of an event.
    pub(crate) fn listing(&self) -> Ticket {
        Ticket {
            venue: Some("Waldbühne, Berlin".to_owned()),
            time_zone: Some("Europe/Berlin".to_owned()),
            starts_at: Some(self.now() + Duration::from_hours(240)),
            ..examples::ticket(self.now())
        }
    }

    /// Returns the offer of a ticket to this address.
    pub(crate) fn offer(&self, address: &str, listing: &Ticket) -> Transfer {
        let order = self.paid_order(&self.account("giver@example.com"), listing);
        let transfer = examples::transfer(self.now(), &examples::admission(self.now(), &order));
        Transfer {
            address: Some(address.to_owned()),
            sealed_token: Some(sealed_offer(transfer.id, "offer-token")),
            ..transfer
        }
    }

    /// Returns a paid order of two tickets.
    pub(crate) fn paid_order(&self, buyer: &Account, listing: &Ticket) -> Order {
        Order {
            version: 3,
            status: OrderStatus::Complete,
            buyer_id: buyer.id,
            seller_id: listing.seller_id,
            ticket_id: listing.id,
            quantity: 2,
            ..examples::order(self.now())
        }
    }

    /// Returns the admissions of an order.
    pub(crate) fn admissions(&self, order: &Order) -> Vec<events::Admission> {
        let admission = |number| {
            let admission = examples::admission(self.now(), order);
            events::Admission {
                number,
                sealed_code: sealed_code(order.ticket_id, admission.id),
                ..admission
            }
        };
        (1..=order.quantity).map(admission).collect()
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        smtp_connections: 1,
        mail_from: "Tickets <tickets@example.com>".parse().unwrap(),
        public_url: "https://tickets.example.com".parse().unwrap(),
        mail_key: Some(SecretArg::new(EncryptionKeys::new(MAIL_KEY))),
        admission_key: Some(SecretArg::new(EncryptionKeys::new(ADMISSION_KEY))),
        ..Settings::default()
    }
}

pub(crate) fn smtp_url(url: &str) -> SecretArg<notification::SmtpUrlFlag> {
    SecretArg::new(url.parse().unwrap())
}

fn sealed_code(ticket: values::TicketId, admission: values::AdmissionId) -> String {
    let secret = CodeSecret::new([9; 16]);
    let code = CodeKey::from_seed(&[5; 32]).sign(ticket, admission, secret).text();
    seal(ADMISSION_KEY, &format!("admission code {admission}"), &code)
}

/// Returns the token of an offer, encrypted as the ticket service does.
pub(crate) fn sealed_offer(transfer: values::TransferId, token: &str) -> String {
    seal(ADMISSION_KEY, &format!("transfer {transfer}"), token)
}

fn seal(key: [u8; 32], purpose: &str, text: &str) -> String {
    let sealed = EncryptionKeys::new(key).seal(purpose.as_bytes(), text.as_bytes(), [3; NONCE_BYTES]);
    BASE64_URL_SAFE_NO_PAD.encode(sealed)
}

/// Returns the recipients of mails, one each.
pub(crate) fn recipients(mails: &[ReceivedMail]) -> Vec<&str> {
    mails.iter().map(|mail| mail.recipients[0].as_str()).collect()
}

/// Returns the subjects of mails.
pub(crate) fn subjects(mails: &[ReceivedMail]) -> Vec<&str> {
    mails.iter().map(|mail| mail.header("Subject").unwrap()).collect()
}
