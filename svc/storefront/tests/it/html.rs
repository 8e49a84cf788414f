use std::cell::RefCell;

use html5ever::{
    buffer_queue::BufferQueue,
    tendril::StrTendril,
    tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts},
};

/// Elements without an end tag.
const VOID: [&str; 8] = ["br", "hr", "img", "input", "link", "meta", "source", "wbr"];

/// Elements of SVG, whose end may be written in their start tag.
const SVG: [&str; 9] = [
    "svg", "path", "g", "circle", "rect", "line", "polyline", "text", "title",
];

/// A page as a parser reads it, strictly.
#[derive(Debug, Default)]
pub(crate) struct Html {
    pub(crate) elements: Vec<Element>,
    pub(crate) text: String,
    /// What a browser forgives, but should not have to.
    pub(crate) errors: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    /// The names of the elements around it.
    pub(crate) parents: Vec<String>,
    /// The text that follows its start, up to the next tag.
    pub(crate) text: String,
}

impl Element {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

#[derive(Default)]
struct Reader {
    html: RefCell<Html>,
    open: RefCell<Vec<String>>,
}

impl TokenSink for Reader {
    type Handle = ();

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) => self.tag(&tag, line),
            Token::CharacterTokens(text) => {
                let mut html = self.html.borrow_mut();
                html.text.push_str(&text);
                if let Some(last) = html.elements.last_mut() {
                    last.text.push_str(&text);
                }
            }
            Token::ParseError(error) => self.error(line, &error),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Reader {
    fn error(&self, line: u64, text: &str) {
        self.html.borrow_mut().errors.push(format!("line {line}: {text}"));
    }

    fn tag(&self, tag: &Tag, line: u64) {
        let name = tag.name.to_string();
        if tag.kind == TagKind::EndTag {
            let opened = self.open.borrow_mut().pop();
            if opened.as_deref() != Some(name.as_str()) {
                self.error(line, &format!("</{name}> ends {opened:?}"));
            }
            return;
        }
        if tag.self_closing && !SVG.contains(&name.as_str()) {
            self.error(line, &format!("<{name}/> is no element that ends itself"));
        }
        let attributes = tag
            .attrs
            .iter()
            .map(|attribute| (attribute.name.local.to_string(), attribute.value.to_string()));
        self.html.borrow_mut().elements.push(Element {
            name: name.clone(),
            attributes: attributes.collect(),
            parents: self.open.borrow().clone(),
            text: String::new(),
        });
        if !VOID.contains(&name.as_str()) && !tag.self_closing {
            self.open.borrow_mut().push(name);
        }
    }
}

impl Html {
    pub(crate) fn parse(text: &str) -> Self {
        let options = TokenizerOpts {
            exact_errors: true,
            ..TokenizerOpts::default()
        };
        let tokenizer = Tokenizer::new(Reader::default(), options);
        let input = BufferQueue::default();
        input.push_back(StrTendril::from(text));
        let _ = tokenizer.feed(&input);
        tokenizer.end();
        let open = tokenizer.sink.open.take();
        let mut html = tokenizer.sink.html.take();
        if !open.is_empty() {
            html.errors.push(format!("not ended: {open:?}"));
        }
        html.check_ids();
        html
    }

    fn check_ids(&mut self) {
        let mut ids: Vec<_> = self.elements.iter().filter_map(|element| element.get("id")).collect();
        ids.sort_unstable();
        let twice = ids.windows(2).filter(|pair| pair[0] == pair[1]);
        let twice: Vec<_> = twice.map(|pair| format!("the id {} exists twice", pair[0])).collect();
        self.errors.extend(twice);
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements.iter().filter(move |element| element.name == name)
    }

    /// Returns the title of the page.
    #[track_caller]
    pub(crate) fn title(&self) -> &str {
        self.all("title").next().unwrap().text.trim()
    }

    /// Returns the value of a field of a form.
    #[track_caller]
    pub(crate) fn value_of(&self, name: &str) -> String {
        let field = self.all("input").find(|input| input.get("name") == Some(name));
        let field = field.unwrap_or_else(|| panic!("no field {name}"));
        field.get("value").unwrap_or_default().to_owned()
    }

    /// Returns the fields that nothing labels.
    pub(crate) fn unlabelled(&self) -> Vec<&Element> {
        let is_field = |element: &&Element| {
            let is_hidden = matches!(element.get("type"), Some("hidden" | "submit"));
            ["input", "select", "textarea"].contains(&element.name.as_str()) && !is_hidden
        };
        let is_labelled = |element: &&Element| {
            element.get("aria-label").is_some()
                || element.parents.iter().any(|parent| parent == "label")
                || element
                    .get("id")
                    .is_some_and(|id| self.all("label").any(|label| label.get("for") == Some(id)))
        };
        self.elements
            .iter()
            .filter(is_field)
            .filter(|element| !is_labelled(element))
            .collect()
    }

    /// Returns the paths of our site that the page links to or loads.
    pub(crate) fn paths(&self) -> Vec<String> {
        let attributes = self
            .elements
            .iter()
            .flat_map(|element| [element.get("href"), element.get("src")]);
        let paths = attributes.flatten().filter(|path| path.starts_with('/'));
        paths.map(ToOwned::to_owned).collect()
    }
}

#[test]
fn what_browsers_forgive_is_found() {
    for (page, is_sound) in [
        ("<p>a<br>b</p>", true),
        ("<p id=\"a\">a</p><p id=\"a\">b</p>", false),
        ("<p>a", false),
        ("<div><p>a</div></p>", false),
        ("<p>a & b</p>", true),
        ("<p a=\"1\"b=\"2\">c</p>", false),
        ("<p a=\"1\" a=\"2\">c</p>", false),
        ("<div/>", false),
    ] {
        assert_eq!(Html::parse(page).errors.is_empty(), is_sound, "{page}");
    }
}
