use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use events::{AdmissionState, OrderStatus};
use sealing::{EncryptionKeys, NONCE_BYTES};
use values::{Language, MailId, Money, UserId};

use super::*;
use crate::domain::{Account, Admission, Details, Gathered, Mail, MailState, Sale};

const NOON: Timestamp = Timestamp::from_millis(1_811_800_800_000);

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(number: u32) -> T {
    format!("01a5dc5b-42c0-7c3e-9d2b-{number:012}").parse().unwrap()
}

fn composer() -> Composer {
    let keys = Keys {
        mail: EncryptionKeys::new([1; 32]),
        admission: EncryptionKeys::new([2; 32]),
    };
    Composer::new("https://tickets.example.com/".parse().unwrap(), keys)
}

fn seal(key: u8, purpose: &str, text: &str) -> String {
    let sealed = EncryptionKeys::new([key; 32]).seal(purpose.as_bytes(), text.as_bytes(), [3; NONCE_BYTES]);
    BASE64_URL_SAFE_NO_PAD.encode(sealed)
}

fn mail(kind: MailKind) -> Mail {
    let (mail_id, transfer): (MailId, _) = (id(1), id(6));
    let is_offer = kind == MailKind::TransferOffered;
    let has_event = kind >= MailKind::OrderConfirmed;
    let sealed_token = if is_offer {
        seal(2, &format!("transfer {transfer}"), "offer-token")
    } else {
        seal(1, &format!("account mail {mail_id}"), "mail-token")
    };
    let is_refund = matches!(
        kind,
        MailKind::RefundRequested | MailKind::RefundPaid | MailKind::RefundFailed | MailKind::RefundDeclined
    );
    let usd = |amount| Money {
        amount,
        currency: "usd".parse().unwrap(),
    };
    Mail {
        id: mail_id,
        key: "key".to_owned(),
        kind,
        state: MailState::Queued,
        account_id: (!is_offer).then(|| id(2)),
        address: (!has_event || is_offer).then(|| "ada@example.com".to_owned()),
        language: None,
        order_id: has_event.then(|| id(3)).filter(|_| !is_offer),
        ticket_id: has_event.then(|| id(4)),
        details: Details {
            sealed_token: kind.link_path().map(|_| sealed_token),
            amount: is_refund.then(|| usd(2500)),
            quantity: is_refund.then_some(1),
            transfer_id: is_offer.then_some(transfer),
            ..Details::default()
        },
        caused_at: NOON,
        created_at: NOON,
        expires_at: kind.link_path().map(|_| NOON + std::time::Duration::from_mins(30)),
        give_up_at: NOON + std::time::Duration::from_hours(24),
        attempts: 0,
        claimed_at: None,
        ended_at: None,
        reason: None,
    }
}

/// Returns the text of a QR code.
fn code(number: u32) -> String {
    let secret = passes::CodeSecret::new([number.try_into().unwrap(); 16]);
    passes::CodeKey::from_seed(&[5; 32])
        .sign(id(4), id(10 + number), secret)
        .text()
}

fn admission(number: u32, holder: UserId) -> Admission {
    Admission {
        id: id(10 + number),
        version: 1,
        order_id: id(3),
        ticket_id: id(4),
        number,
        of: 2,
        holder_id: holder,
        state: AdmissionState::Valid,
        sealed_code: seal(
            2,
            &format!("admission code {}", id::<values::AdmissionId>(10 + number)),
            &code(number),
        ),
    }
}

fn material(kind: MailKind, language: Language, title: &str) -> Material {
    let account = Account {
        id: id(2),
        version: 1,
        status: events::AccountStatus::Active,
        email: Some("ada@example.com".to_owned()),
        name: Some("Ada Lovelace".to_owned()),
        language,
        email_confirmed_at: None,
    };
    let listing = Listing {
        id: id(4),
        version: 1,
        title: title.to_owned(),
        venue: Some("Waldbühne, Berlin".to_owned()),
        time_zone: Some("Europe/Berlin".to_owned()),
        starts_at: Some(NOON + std::time::Duration::from_hours(240)),
        withdrawn_at: None,
    };
    let expired = kind == MailKind::OrderExpired;
    let sale = Sale {
        order_id: id(3),
        version: 3,
        status: if expired {
            OrderStatus::Cancelled
        } else {
            OrderStatus::Complete
        },
        cancel_reason: expired.then_some(events::CancelReason::Expired),
        buyer_id: id(2),
        ticket_id: id(4),
        quantity: 2,
        refunded: 0,
        total: Money {
            amount: 5000,
            currency: "usd".parse().unwrap(),
        },
    };
    let admissions = (1..=2).map(|number| admission(number, account.id));
    let admissions = if kind.has_tickets() {
        admissions.collect()
    } else {
        Vec::new()
    };
    let mut mail = mail(kind);
    let listing = mail.ticket_id.map(|_| listing);
    mail.language = mail.address.as_ref().map(|_| language);
    match Material::gather(mail, Some(account), listing, Some(sale), admissions, NOON) {
        Gathered::Ready(material) => *material,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_mail_has_a_subject_and_a_text_in_both_languages() {
    for language in Language::ALL {
        let mut texts = String::new();
        for kind in MailKind::ALL {
            let composed = composer()
                .compose(&material(*kind, *language, "An evening with Ada"))
                .unwrap();
            let parts = [
                &format!("=== {kind}: "),
                &composed.subject,
                "\n\n",
                &composed.text,
                "\n\n",
            ];
            texts.push_str(&parts.concat());
        }
        insta::assert_snapshot!(format!("texts_{language}"), texts);
    }
}

#[test]
fn a_mail_about_a_refund_of_free_tickets_names_no_money() {
    for (language, subject) in [
        (Language::English, "Refunded: An evening with Ada"),
        (Language::German, "Erstattet: An evening with Ada"),
    ] {
        let mut refund = material(MailKind::RefundPaid, language, "An evening with Ada");
        refund.mail.details.amount = Some(Money {
            amount: 0,
            currency: "usd".parse().unwrap(),
        });
        let composed = composer().compose(&refund).unwrap();
        assert_eq!(composed.subject, subject);
        for money in ["$", "card", "Kreditkarte", "\n\n\n"] {
            assert!(!composed.text.contains(money), "{money}: {}", composed.text);
        }
    }
}

#[test]
fn the_html_has_the_same_content_as_the_text() {
    for (kind, language) in [
        (MailKind::OrderConfirmed, Language::English),
        (MailKind::ResetPassword, Language::German),
    ] {
        let composed = composer()
            .compose(&material(kind, language, "An evening with Ada"))
            .unwrap();
        insta::assert_snapshot!(format!("html_{kind}_{language}"), composed.html);
    }
    for kind in MailKind::ALL {
        let composed = composer()
            .compose(&material(*kind, Language::German, "An evening with Ada"))
            .unwrap();
        for line in composed.text.lines().filter(|line| line.contains("https://")) {
            let url = line.split_once(": ").unwrap().1;
            assert!(composed.html.contains(&format!("href=\"{url}\"")), "{kind}: {url}");
        }
        assert!(!composed.text.contains("{$") && !composed.html.contains("{$"), "{kind}");
    }
}

#[test]
fn a_text_of_a_person_adds_neither_markup_nor_lines() {
    let title = "<script>alert(1)</script>\r\nBcc: x\n\n\"'&";
    for kind in MailKind::ALL.iter().filter(|kind| **kind >= MailKind::OrderConfirmed) {
        let composed = composer().compose(&material(*kind, Language::English, title)).unwrap();
        assert!(
            !composed.html.contains("<script") && !composed.html.contains("\"'&"),
            "{}",
            composed.html
        );
        assert!(!composed.subject.chars().any(char::is_control), "{}", composed.subject);
        assert!(
            composed.text.lines().all(|line| !line.starts_with("Bcc")),
            "{}",
            composed.text
        );
    }
}

#[test]
fn an_offer_has_no_text_of_another_user_because_its_recipient_may_be_a_stranger() {
    for language in Language::ALL {
        let mut offer = material(MailKind::TransferOffered, *language, "Your parcel waits");
        if let Some(listing) = &mut offer.listing {
            listing.venue = Some("Your parcel waits".to_owned());
        }
        let composed = composer().compose(&offer).unwrap();
        for text in [&composed.subject, &composed.text, &composed.html] {
            assert!(!text.contains("parcel"), "{text}");
        }
    }
}

#[test]
fn a_link_has_the_token_of_its_event_encoded_for_a_path() {
    let purpose = format!("account mail {}", id::<MailId>(1));
    let mut reset = material(MailKind::ResetPassword, Language::English, "");
    reset.mail.details.sealed_token = Some(seal(1, &purpose, "a/b?c#d e"));
    let text = composer().compose(&reset).unwrap().text;
    assert!(
        text.contains("https://tickets.example.com/reset/a%2Fb%3Fc%23d%20e"),
        "{text}"
    );

    reset.mail.details.sealed_token = Some(seal(2, &purpose, "token"));
    let error = composer().compose(&reset).unwrap_err().to_string();
    assert!(
        error.contains("encrypted with another key") && error.contains("--mail-key-file"),
        "{error}"
    );
    reset.mail.details.sealed_token = Some(seal(1, "account mail 01a5dc5b-42c0-7c3e-9d2b-000000000009", "token"));
    assert!(composer().compose(&reset).is_err(), "the token of another mail");
    reset.mail.details.sealed_token = Some("?".to_owned());
    assert!(composer().compose(&reset).is_err(), "malformed");
}

#[test]
fn the_tickets_of_an_order_are_attached_as_pages() {
    for kind in MailKind::ALL {
        let composed = composer()
            .compose(&material(*kind, Language::German, "An evening with Ada"))
            .unwrap();
        let names: Vec<_> = composed
            .attachments
            .iter()
            .map(|attachment| attachment.name.as_str())
            .collect();
        let expected: &[&str] = if kind.has_tickets() { &["tickets.pdf"] } else { &[] };
        assert_eq!(names, expected, "{kind}");
        assert!(
            composed
                .attachments
                .iter()
                .all(|attachment| attachment.content.starts_with(b"%PDF-"))
        );
    }
    let mut wrong = material(MailKind::OrderConfirmed, Language::English, "");
    wrong.admissions[0].sealed_code = seal(1, &format!("admission code {}", wrong.admissions[0].id), &code(1));
    let error = composer().compose(&wrong).unwrap_err().to_string();
    assert!(error.contains("the code of the event cannot be decrypted"), "{error}");
}
