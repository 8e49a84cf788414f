//! The mails of the development stack in a browser: a list, each mail, its attachments. They are the files that the notification
//! service writes without an SMTP server. What a mail contains is not trusted: its HTML is shown in a sandboxed frame without
//! scripts and without a network, and attachments are only downloaded.

mod folder;
mod headers;
mod mail;
mod pages;

pub(crate) use folder::MailFolder;
pub(crate) use pages::endpoint;
