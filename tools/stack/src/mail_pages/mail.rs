use mail_parser::{Address, DateTime, Message, MessageParser, MessagePart, MimeHeaders, PartType};

/// The most names of nested structures that a mail may contain. The parser's time grows with the square of multiparts, and a message
/// within a message costs it stack.
const MAX_NESTED: usize = 100;

/// What each nested structure needs the name of.
const NESTING: [&[u8]; 4] = [b"multipart", b"rfc822", b"global", b"digest"];

/// The most attachments that are listed.
const MAX_ATTACHMENTS: usize = 100;

/// The most characters of a header that are shown.
const MAX_HEADER_CHARS: usize = 500;

/// The most characters of the text part that are shown.
const MAX_TEXT_CHARS: usize = 200_000;

/// The headers that a list of mails shows.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Head {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) date: String,
}

/// A mail as its page shows it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Mail {
    pub(crate) head: Head,
    pub(crate) text: Option<String>,
    pub(crate) has_html: bool,
    pub(crate) attachments: Vec<Attachment>,
}

/// A mail with more nested structures than are parsed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NestedTooDeeply;

/// An attached file.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Attachment {
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) content: Vec<u8>,
}

impl Head {
    /// Reads the headers at the beginning of a file. What is malformed is empty.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let message = MessageParser::new().with_minimal_headers().parse_headers(bytes);
        message.map(|message| Self::of(&message)).unwrap_or_default()
    }

    fn of(message: &Message<'_>) -> Self {
        let date = message.date().filter(|date| date.is_valid());
        Self {
            from: addresses(message.from()),
            to: addresses(message.to()),
            subject: shown(message.subject().unwrap_or_default()),
            date: date.map(DateTime::to_rfc822).unwrap_or_default(),
        }
    }
}

impl Mail {
    /// Reads a mail. Malformed parts are text, or missing.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, NestedTooDeeply> {
        let Some(message) = parse(bytes)? else {
            return Ok(Self::default());
        };
        let text = message.text_bodies().find_map(|part| match &part.body {
            PartType::Text(text) => Some(text.chars().take(MAX_TEXT_CHARS).collect()),
            _ => None,
        });
        Ok(Self {
            head: Head::of(&message),
            text,
            has_html: html_of(&message).is_some(),
            attachments: message
                .attachments()
                .take(MAX_ATTACHMENTS)
                .map(Attachment::of)
                .collect(),
        })
    }

    /// Returns the HTML part of a mail, if it has one.
    pub(crate) fn html(bytes: &[u8]) -> Result<Option<String>, NestedTooDeeply> {
        let message = parse(bytes)?;
        Ok(message.as_ref().and_then(html_of).map(ToOwned::to_owned))
    }
}

impl Attachment {
    fn of(part: &MessagePart<'_>) -> Self {
        let media_type = part.content_type().map(|media_type| {
            let subtype = media_type.subtype().map(|subtype| format!("/{subtype}"));
            format!("{}{}", media_type.ctype(), subtype.unwrap_or_default())
        });
        Self {
            name: shown(part.attachment_name().unwrap_or("attachment")),
            media_type: shown(&media_type.unwrap_or_default()),
            content: part.contents().to_vec(),
        }
    }
}

/// Returns the mail; `None` if it has no headers at all.
fn parse(bytes: &[u8]) -> Result<Option<Message<'_>>, NestedTooDeeply> {
    let names = |name: &&[u8]| {
        bytes
            .windows(name.len())
            .filter(|part| part.eq_ignore_ascii_case(name))
            .count()
    };
    let nested: usize = NESTING.iter().map(names).sum();
    if nested > MAX_NESTED {
        return Err(NestedTooDeeply);
    }
    Ok(MessageParser::default().parse(bytes))
}

fn html_of<'m>(message: &'m Message<'_>) -> Option<&'m str> {
    message.html_bodies().find_map(|part| match &part.body {
        PartType::Html(html) => Some(html.as_ref()),
        _ => None,
    })
}

fn addresses(addresses: Option<&Address<'_>>) -> String {
    let listed =
        addresses
            .into_iter()
            .flat_map(Address::iter)
            .map(|address| match (address.name(), address.address()) {
                (Some(name), Some(address)) => format!("{name} <{address}>"),
                (name, address) => name.or(address).unwrap_or_default().to_owned(),
            });
    shown(&listed.take(20).collect::<Vec<_>>().join(", "))
}

/// Returns a header as one line of bounded length.
fn shown(text: &str) -> String {
    let visible = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    visible.take(MAX_HEADER_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_html_and_attachments_are_read() {
        let mail = "From: Tickets <tickets@example.com>\r\nTo: ada@example.org\r\nSubject: =?utf-8?B?R3LDvMOfZQ==?=\r\n\
            Date: Fri, 15 Jan 2027 08:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n\
            --a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
            --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGrüße\r\n\
            --b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Grüße</p>\r\n--b--\r\n\
            --a\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"tickets.pdf\"\r\n\
            Content-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--a--\r\n";
        let head = Head {
            from: "Tickets <tickets@example.com>".to_owned(),
            to: "ada@example.org".to_owned(),
            subject: "Grüße".to_owned(),
            date: "Fri, 15 Jan 2027 08:00:00 +0000".to_owned(),
        };
        assert_eq!(Head::parse(mail.as_bytes()), head);
        let read = Mail::parse(mail.as_bytes()).unwrap();
        assert_eq!(read.head, head);
        assert_eq!(read.text.unwrap().trim(), "Grüße");
        assert_eq!(Mail::html(mail.as_bytes()).unwrap().unwrap().trim(), "<p>Grüße</p>");
        let attachment = Attachment {
            name: "tickets.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            content: b"%PDF-".to_vec(),
        };
        assert_eq!(read.attachments, [attachment]);
    }

    #[test]
    fn broken_mails_show_what_can_be_read() {
        for bytes in [
            &b""[..],
            b"\0\xff\xfe",
            b"\r\n\r\n",
            b"Subject: a\r\nContent-Type: multipart/mixed\r\n\r\nno boundary",
            b"Subject: a\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
            b"Subject: a\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!",
            b"Subject: a\r\nContent-Type: text/html; charset=nothing\r\n\r\n\xff<p>",
            b"Subject: =?utf-8?B?!!!?=\r\nDate: never\r\nTo: <<<>>>\r\n\r\n",
        ] {
            let mail = Mail::parse(bytes).unwrap();
            assert!(mail.attachments.len() <= 1, "{mail:?}");
            assert!(mail.head.date.is_empty(), "{mail:?}");
            let _ = Head::parse(bytes);
        }
        let injected = Head::parse(b"Subject: =?utf-8?Q?a=0D=0AX:_b=07?=\r\n\r\n");
        assert_eq!(injected.subject, "a  X: b ");
        let long = format!("Subject: {}\r\n\r\n{}", "a".repeat(60_000), "b".repeat(300_000));
        assert_eq!(Head::parse(long.as_bytes()).subject.len(), MAX_HEADER_CHARS);
        assert_eq!(
            Mail::parse(long.as_bytes()).unwrap().text.unwrap().len(),
            MAX_TEXT_CHARS
        );
    }

    #[test]
    fn a_mail_that_is_nested_without_end_is_not_parsed() {
        for nested in [
            "Content-Type: message/rfc822\n\n",
            "Content-Type: Message/Global\n\n",
            "Content-Type: multipart/digest; boundary=a\n\n--a\n\n",
            "Content-Type: multipart/mixed; boundary=missing\n\n",
        ] {
            assert_eq!(
                Mail::parse(nested.repeat(100_000).as_bytes()),
                Err(NestedTooDeeply),
                "{nested}"
            );
            assert_eq!(
                Mail::html(nested.repeat(100_000).as_bytes()),
                Err(NestedTooDeeply),
                "{nested}"
            );
            assert!(Mail::parse(nested.repeat(10).as_bytes()).is_ok(), "{nested}");
        }
    }

    #[test]
    fn attachments_are_bounded_in_number() {
        let parts = "--b\nContent-Type: application/x\n\nx\n".repeat(100_000);
        let mail = format!("Content-Type: multipart/mixed; boundary=b\n\n{parts}");
        assert_eq!(Mail::parse(mail.as_bytes()).unwrap().attachments.len(), MAX_ATTACHMENTS);
    }
}
