use askama::Template;
use values::Language;

/// The parts of a mail that both its text and its HTML have.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) language: Language,
    pub(super) subject: String,
    pub(super) greeting: String,
    pub(super) paragraphs: Vec<String>,
    /// Label and value.
    pub(super) facts: Vec<(String, String)>,
    /// The label of the link and its URL.
    pub(super) action: Option<(String, String)>,
    pub(super) footer: String,
}

#[derive(Template)]
#[template(path = "mail.txt", escape = "none")]
struct TextPart<'a> {
    greeting: &'a str,
    paragraphs: &'a [String],
    facts: &'a [(String, String)],
    action: Option<&'a (String, String)>,
    footer: &'a str,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct HtmlPart<'a> {
    language: Language,
    subject: &'a str,
    greeting: &'a str,
    paragraphs: &'a [String],
    facts: &'a [(String, String)],
    action: Option<&'a (String, String)>,
    footer: &'a str,
}

impl Layout {
    /// Returns the plain text.
    pub(super) fn text(&self) -> Result<String, askama::Error> {
        TextPart {
            greeting: &self.greeting,
            paragraphs: &self.paragraphs,
            facts: &self.facts,
            action: self.action.as_ref(),
            footer: &self.footer,
        }
        .render()
    }

    /// Returns the HTML.
    pub(super) fn html(&self) -> Result<String, askama::Error> {
        HtmlPart {
            language: self.language,
            subject: &self.subject,
            greeting: &self.greeting,
            paragraphs: &self.paragraphs,
            facts: &self.facts,
            action: self.action.as_ref(),
            footer: &self.footer,
        }
        .render()
    }
}
