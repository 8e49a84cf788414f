use std::{
    error::Error,
    fmt::Write,
    time::{Duration, SystemTime},
};

use lettre::{
    Address, Message,
    message::{
        Attachment as AttachedPart, Mailbox, MultiPart,
        header::{ContentType, Header, HeaderName, HeaderValue},
    },
};
use sha2::{Digest, Sha256};
use values::Timestamp;

use crate::composition::ComposedMail;

/// Who sends mails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sender {
    pub(crate) from: Mailbox,
    pub(crate) reply_to: Option<Mailbox>,
}

/// A mail as the server gets it.
#[derive(Clone, Debug)]
pub(crate) struct OutgoingMail {
    /// Its name as a file.
    pub(crate) id: String,
    pub(crate) message: Message,
}

/// The mail cannot be sent to its address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CannotBuild {
    /// The address is malformed.
    #[error("the address is malformed: {0}")]
    Address(#[from] lettre::address::AddressError),
    /// A part is malformed.
    #[error("the mail cannot be built: {0}")]
    Message(#[from] lettre::error::Error),
    /// The media type of an attachment is malformed.
    #[error("the attachment cannot be built: {0}")]
    MediaType(#[from] lettre::message::header::ContentTypeErr),
}

impl Sender {
    /// Builds a mail. Its Message-ID follows from the key alone, so that servers and readers recognise a repetition.
    pub(crate) fn build(
        &self,
        (id, key): (String, &str),
        address: &str,
        composed: ComposedMail,
        now: Timestamp,
    ) -> Result<OutgoingMail, CannotBuild> {
        let recipient: Address = address.parse()?;
        let builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, recipient))
            .subject(composed.subject)
            .date(system_time(now))
            .message_id(Some(message_id(key, self.from.email.domain())))
            .header(AutoSubmitted);
        let builder = match &self.reply_to {
            Some(reply_to) => builder.reply_to(reply_to.clone()),
            None => builder,
        };
        let texts = MultiPart::alternative_plain_html(composed.text, composed.html);
        let message = if composed.attachments.is_empty() {
            builder.multipart(texts)?
        } else {
            let mut parts = MultiPart::mixed().multipart(texts);
            for attachment in composed.attachments {
                let media_type = ContentType::parse(attachment.media_type)?;
                parts = parts.singlepart(AttachedPart::new(attachment.name).body(attachment.content, media_type));
            }
            builder.multipart(parts)?
        };
        Ok(OutgoingMail { id, message })
    }
}

/// Returns the Message-ID of a mail: a hash of its key at the domain of the sender.
fn message_id(key: &str, domain: &str) -> String {
    let hash = Sha256::new()
        .chain_update(b"ticketing mail\0")
        .chain_update(key)
        .finalize();
    let hex = hash.iter().take(16).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    format!("<{hex}@{domain}>")
}

fn system_time(now: Timestamp) -> SystemTime {
    let since = Duration::from_millis(u64::try_from(now.millis()).unwrap_or_default());
    SystemTime::UNIX_EPOCH
        .checked_add(since)
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

/// `Auto-Submitted: auto-generated` (RFC 3834): no program answers it.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composition::Attachment;

    fn build(subject: &str, address: &str, attachments: Vec<Attachment>) -> Result<String, CannotBuild> {
        let sender = Sender {
            from: "Tickets <tickets@example.com>".parse().unwrap(),
            reply_to: Some("help@example.com".parse().unwrap()),
        };
        let composed = ComposedMail {
            subject: subject.to_owned(),
            text: "Grüße\n.\n\nFrom here".to_owned(),
            html: "<p>Grüße</p>".to_owned(),
            attachments,
        };
        let mail = sender.build(
            ("1".to_owned(), "order-confirmed 1"),
            address,
            composed,
            Timestamp::from_millis(1_800_000_000_000),
        )?;
        Ok(String::from_utf8(mail.message.formatted()).unwrap())
    }

    fn headers(mail: &str) -> Vec<&str> {
        mail.split("\r\n\r\n").next().unwrap().split("\r\n").collect()
    }

    #[test]
    fn a_mail_has_the_headers_of_an_automatic_mail() {
        let mail = build("Your order", "ada@example.org", Vec::new()).unwrap();
        let headers = headers(&mail);
        for expected in [
            "From: Tickets <tickets@example.com>",
            "Reply-To: help@example.com",
            "To: ada@example.org",
            "Subject: Your order",
            "Date: Fri, 15 Jan 2027 08:00:00 +0000",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        ] {
            assert!(headers.contains(&expected), "{expected}: {headers:#?}");
        }
        let id = headers
            .iter()
            .find(|header| header.starts_with("Message-ID: "))
            .unwrap();
        assert!(
            id.ends_with("@example.com>") && id.len() == "Message-ID: <@example.com>".len() + 32,
            "{id}"
        );
        assert_eq!(message_id("a", "b"), message_id("a", "b"));
        assert_ne!(message_id("a", "b"), message_id("c", "b"));
    }

    #[test]
    fn no_text_adds_a_header_or_a_recipient() {
        for subject in [
            "a\r\nBcc: mallory@example.org",
            "a\nBcc: mallory@example.org",
            "a\rBcc: mallory@example.org",
            "a\u{85}\u{2028}Bcc: mallory@example.org",
            "ü\r\n\r\nBcc: mallory@example.org",
        ] {
            let mail = build(subject, "ada@example.org", Vec::new()).unwrap();
            let injected = headers(&mail)
                .iter()
                .any(|header| header.to_lowercase().starts_with("bcc"));
            assert!(!injected && !mail.contains("\nBcc"), "{mail}");
        }
        for address in [
            "ada@example.org\r\nBcc: mallory@example.org",
            "ada@example.org, mallory@example.org",
            "Ada <ada@example.org>",
            "ada@example.org>\r\nRCPT TO:<mallory@example.org",
            "ada",
            "",
            "\"a\r\nb\"@example.org",
        ] {
            assert!(build("a", address, Vec::new()).is_err(), "{address}");
        }
    }

    #[test]
    fn an_attachment_has_its_name_and_type() {
        let attachment = Attachment {
            name: "tickets.pdf".to_owned(),
            media_type: "application/pdf",
            content: b"%PDF-".to_vec(),
        };
        let mail = build("a", "ada@example.org", vec![attachment]).unwrap();
        assert!(
            mail.contains("Content-Disposition: attachment; filename=\"tickets.pdf\""),
            "{mail}"
        );
        assert!(mail.contains("Content-Type: application/pdf"), "{mail}");
    }
}
