//! The pages: a file for each, with its handlers and the views of its templates.

mod account;
mod check_in;
mod crawlers;
mod developers;
mod event;
mod files;
mod home;
mod mails;
mod orders;
mod parts;
mod sell;
mod sign_in;
mod sign_out;
mod sign_up;
mod tickets;
mod transfers;

use crate::frame::{Routes, get, post};

/// Returns the paths of all pages.
pub(crate) fn routes() -> Routes {
    let routes = orders::add_routes(Routes::default());
    let routes = account::add_routes(mails::add_routes(routes));
    let routes = tickets::add_routes(routes);
    let routes = check_in::add_routes(routes);
    sell::add_routes(routes)
        .at("/", get(home::show))
        .at("/events/{id}", get(event::show))
        .at("/events/{id}/live", get(event::live::show))
        .at("/developers", get(developers::show))
        .at("/robots.txt", get(crawlers::robots))
        .at("/sitemap.xml", get(crawlers::sitemap))
        .at("/manifest.webmanifest", get(crawlers::manifest))
        .at("/favicon.ico", get(files::favicon))
        .at("/signin", get(sign_in::show).post(sign_in::submit))
        .at("/signin/code", get(sign_in::code::show).post(sign_in::code::submit))
        .at("/signup", get(sign_up::show).post(sign_up::submit))
        .at("/signout", post(sign_out::submit))
        .at("/transfers/{token}", get(transfers::show).post(transfers::submit))
        .at("/assets/{name}", get(files::asset))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_form_but_that_of_signing_out_is_returned_to_after_signing_in() {
        let routes = super::routes();
        let posted = routes.allowed().filter(|(_, allowed)| *allowed == "POST");
        assert_eq!(posted.map(|(path, _)| path).collect::<Vec<_>>(), ["/signout"]);
    }
}
