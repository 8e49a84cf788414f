use std::io;

use askama::Template;
use poem::{Endpoint, IntoResponse, Request, Response, Route, endpoint::make, get, http::StatusCode};
use serde::Deserialize;

use super::{
    folder::{Content, Entry, MAX_MAIL_BYTES, MailFolder},
    headers,
    mail::{Head, Mail, NestedTooDeeply},
};

/// The mails on one page of the list.
const PAGE_MAILS: usize = 50;

const STYLE: &str = include_str!("../../templates/mails/style.css");

/// Before the HTML of a mail, in which a second document type has no effect: its links open in another tab.
const HTML_HEAD: &str = "<!doctype html><meta charset=\"utf-8\"><base target=\"_blank\">";

/// Returns the endpoint of all pages.
pub(crate) fn endpoint(folder: &MailFolder) -> impl Endpoint<Output = Response> + 'static + use<> {
    let with = |handler: fn(&MailFolder, &Requested) -> Result<Response, Failure>| {
        let folder = folder.clone();
        get(make(move |request: Request| {
            let folder = folder.clone();
            async move { Ok::<_, poem::Error>(respond(folder, &request, handler).await) }
        }))
    };
    let pages = Route::new()
        .at("/", with(list))
        .at("/style.css", with(|_, _| Ok(headers::stylesheet(STYLE))))
        .at("/mails/:name", with(show))
        .at("/mails/:name/html", with(html))
        .at("/mails/:name/source", with(source))
        .at("/mails/:name/attachments/:number", with(attachment));
    OfThisMachine(pages)
}

/// Responds to requests that name this machine.
struct OfThisMachine<E>(E);

impl<E: Endpoint> Endpoint for OfThisMachine<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        if !headers::is_for_this_machine(&request) {
            return Ok(Failure::Misdirected.into_response());
        }
        Ok(match self.0.call(request).await {
            Ok(response) => response.into_response(),
            Err(error) if error.status() == StatusCode::NOT_FOUND => Failure::NotFound.into_response(),
            Err(error) => error.into_response(),
        })
    }
}

/// What a request asks for.
#[derive(Default)]
struct Requested {
    name: String,
    number: usize,
    page: usize,
}

#[derive(Deserialize)]
struct PageQuery {
    page: Option<usize>,
}

impl Requested {
    fn of(request: &Request) -> Self {
        let (name, number) = match request.path_params::<(String, usize)>() {
            Ok(both) => both,
            Err(_) => (request.path_params().unwrap_or_default(), usize::MAX),
        };
        let query = request.params::<PageQuery>().ok().and_then(|query| query.page);
        Self {
            name,
            number,
            page: query.unwrap_or(1).max(1),
        }
    }
}

/// A page that cannot be shown.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Failure {
    NotFound,
    Misdirected,
    /// Of a mail that is too large, or nested too deeply: what a person can do.
    Unreadable(String),
    Unexpected(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            _ => Self::Unexpected(error.to_string()),
        }
    }
}

impl From<NestedTooDeeply> for Failure {
    fn from(_: NestedTooDeeply) -> Self {
        Self::Unreadable("This mail has too many nested parts to be shown.".to_owned())
    }
}

impl Failure {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "There is no such mail.".to_owned()),
            Self::Misdirected => (
                StatusCode::MISDIRECTED_REQUEST,
                "These pages are at 127.0.0.1 and at localhost.".to_owned(),
            ),
            Self::Unreadable(message) => (StatusCode::UNPROCESSABLE_ENTITY, message),
            Self::Unexpected(message) => (StatusCode::INTERNAL_SERVER_ERROR, message),
        };
        rendered(status, &ErrorPage { message })
    }
}

/// Reads files on a thread that may wait for the disk.
async fn respond(
    folder: MailFolder,
    request: &Request,
    handler: fn(&MailFolder, &Requested) -> Result<Response, Failure>,
) -> Response {
    let requested = Requested::of(request);
    let response = tokio::task::spawn_blocking(move || handler(&folder, &requested)).await;
    let response = response.unwrap_or_else(|ended| Err(Failure::Unexpected(ended.to_string())));
    response.unwrap_or_else(Failure::into_response)
}

#[derive(Template)]
#[template(path = "mails/list.html")]
struct ListPage {
    mails: Vec<(Entry, Head)>,
    count: usize,
    newer: Option<usize>,
    older: Option<usize>,
}

#[derive(Template)]
#[template(path = "mails/mail.html")]
struct MailPage {
    name: String,
    mail: Mail,
}

#[derive(Template)]
#[template(path = "mails/error.html")]
struct ErrorPage {
    message: String,
}

fn rendered(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => headers::page(status, html),
        Err(error) => headers::page(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

fn list(folder: &MailFolder, requested: &Requested) -> Result<Response, Failure> {
    let entries = folder.entries()?;
    let (count, page) = (entries.len(), requested.page);
    let first = page.saturating_sub(1).saturating_mul(PAGE_MAILS);
    let older = (first.saturating_add(PAGE_MAILS) < count).then(|| page + 1);
    let mails = entries.into_iter().skip(first).take(PAGE_MAILS).map(|entry| {
        let head = folder.head(&entry.name).map(|head| Head::parse(&head));
        (entry, head.unwrap_or_default())
    });
    let page = ListPage {
        mails: mails.collect(),
        count,
        newer: page.checked_sub(1).filter(|newer| *newer > 0),
        older,
    };
    Ok(rendered(StatusCode::OK, &page))
}

fn show(folder: &MailFolder, requested: &Requested) -> Result<Response, Failure> {
    let mail = parsed(folder, &requested.name)?;
    let name = requested.name.clone();
    Ok(rendered(StatusCode::OK, &MailPage { name, mail }))
}

fn html(folder: &MailFolder, requested: &Requested) -> Result<Response, Failure> {
    let html = Mail::html(&content(folder, &requested.name)?)?.ok_or(Failure::NotFound)?;
    Ok(headers::mail(format!("{HTML_HEAD}{html}")))
}

fn source(folder: &MailFolder, requested: &Requested) -> Result<Response, Failure> {
    let content = content(folder, &requested.name)?;
    Ok(headers::download(&requested.name, content))
}

fn attachment(folder: &MailFolder, requested: &Requested) -> Result<Response, Failure> {
    let mail = parsed(folder, &requested.name)?;
    let attachment = mail
        .attachments
        .into_iter()
        .nth(requested.number)
        .ok_or(Failure::NotFound)?;
    Ok(headers::download(&attachment.name, attachment.content))
}

fn parsed(folder: &MailFolder, name: &str) -> Result<Mail, Failure> {
    Ok(Mail::parse(&content(folder, name)?)?)
}

fn content(folder: &MailFolder, name: &str) -> Result<Vec<u8>, Failure> {
    match folder.read(name)? {
        Content::Whole(content) => Ok(content),
        Content::TooLarge(path) => Err(Failure::Unreadable(format!(
            "This mail has more than {} MiB, which is too large to be shown. It is the file {}.",
            MAX_MAIL_BYTES / 1024 / 1024,
            path.display()
        ))),
    }
}
