use chassis::{
    OperatorError,
    site::{Pages, Site, SiteContext},
};

use crate::{Settings, api_client::ApiClient, frame::App, pages};

/// The storefront.
#[derive(Debug)]
pub struct Storefront;

impl Site for Storefront {
    const NAME: &'static str = "storefront";
    const ABOUT: &'static str = "The storefront: pages for people who find, buy and sell tickets";
    const PORT: u16 = 4007;
    type Settings = Settings;

    async fn start(context: SiteContext, settings: Settings) -> Result<Pages, OperatorError> {
        let api = ApiClient::new(&context, &settings);
        let app = App::new(context, settings, api);
        Ok(pages::routes().build(app))
    }
}
