use localization::{Text, Texts, TimeZone, date, date_time, format_money, format_number, offset_date_time, time};
use values::{Language, Money, Timestamp};

use crate::assets;

/// What the layout shows around every page, and what templates use: `page.text(…)`, `page.money(…)`.
pub(crate) struct Page {
    texts: Texts<'static>,
    /// In the language of the page.
    pub(crate) title: String,
    /// A sentence about the page, for search engines and previews.
    pub(crate) description: Option<String>,
    /// Path and query, without `lang`.
    pub(crate) path: String,
    pub(crate) is_signed_in: bool,
    /// The address of the site, without a slash at its end.
    pub(crate) public_url: String,
    /// How the page looks where somebody shares it.
    pub(crate) share: Option<Share>,
    /// Search engines leave it out.
    pub(crate) is_private: bool,
    /// JSON-LD for search engines (<https://schema.org>).
    pub(crate) structured_data: Option<String>,
    /// The modules of JavaScript that the page loads: `"countdown.js"`.
    pub(crate) scripts: Vec<&'static str>,
}

/// A preview (<https://ogp.me>).
pub(crate) struct Share {
    /// Of a picture, absolute.
    pub(crate) image: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
impl Page {
    pub(crate) fn new(texts: Texts<'static>, path: String, is_signed_in: bool, public_url: String) -> Self {
        Self {
            texts,
            title: String::new(),
            description: None,
            path,
            is_signed_in,
            public_url,
            share: None,
            is_private: true,
            structured_data: None,
            scripts: Vec::new(),
        }
    }

    /// Lets search engines show the page.
    pub(crate) const fn public(mut self) -> Self {
        self.is_private = false;
        self
    }

    /// Puts the name of an event in front of the title.
    pub(crate) fn about(mut self, event: &str) -> Self {
        self.title = format!("{event} · {}", self.title);
        self
    }

    /// Loads a module of JavaScript.
    pub(crate) fn with_script(mut self, name: &'static str) -> Self {
        self.scripts.push(name);
        self
    }

    /// Returns a text in the language of the page.
    pub(crate) fn text(&self, id: &'static str) -> Text<'static> {
        self.texts.text(id)
    }

    /// Returns the code of the language: `en`.
    pub(crate) fn lang(&self) -> &'static str {
        self.language().as_str()
    }

    pub(crate) const fn language(&self) -> Language {
        self.texts.language()
    }

    pub(crate) fn money(&self, money: &Money) -> String {
        format_money(self.language(), *money)
    }

    pub(crate) fn number(&self, number: impl TryInto<i64>) -> String {
        format_number(self.language(), number.try_into().unwrap_or(i64::MAX))
    }

    /// Returns date and time in the zone of a venue.
    pub(crate) fn date_time(&self, at: &Timestamp, zone: &TimeZone) -> String {
        date_time(self.language(), *at, zone)
    }

    pub(crate) fn date(&self, at: &Timestamp, zone: &TimeZone) -> String {
        date(self.language(), *at, zone)
    }

    pub(crate) fn time(&self, at: &Timestamp, zone: &TimeZone) -> String {
        time(self.language(), *at, zone)
    }

    /// Returns date and time for machines: the attribute of `<time datetime>`.
    pub(crate) fn machine_time(&self, at: &Timestamp, zone: &TimeZone) -> String {
        let _ = self;
        offset_date_time(*at, zone)
    }

    /// Returns the path of an asset: `/assets/style.0123456789abcdef.css`.
    pub(crate) fn asset(&self, name: &str) -> &'static str {
        let _ = self;
        assets::path(name)
    }

    /// Returns the path of this page in a language.
    pub(crate) fn in_language(&self, language: &str) -> String {
        let separator = if self.path.contains('?') { '&' } else { '?' };
        format!("{}{separator}lang={language}", self.path)
    }

    /// Returns the absolute address of this page.
    pub(crate) fn url(&self) -> String {
        format!("{}{}", self.public_url, self.path)
    }

    /// Whether the page is in a section of the site: its link in the header is marked.
    pub(crate) fn is_in(&self, section: &str) -> bool {
        let path = self.path.split('?').next().unwrap_or_default();
        path == section || path.strip_prefix(section).is_some_and(|rest| rest.starts_with('/'))
    }
}
