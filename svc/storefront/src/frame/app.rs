use std::sync::Arc;

use chassis::site::SiteContext;
use values::Clock;

use super::{Slots, feeds::Feeds, page_cache::PageCache};
use crate::{Settings, api_client::ApiClient};

/// The maximum number of exports that are sent at the same time: each is many calls of services.
const MAX_EXPORTS: u32 = 4;

/// The maximum number of exports for the narrowest network of a client.
const MAX_EXPORTS_OF_NETWORK: u32 = 1;

/// What all visits share.
pub(crate) struct App {
    pub(crate) api: Arc<ApiClient>,
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    /// The address of the pages, without a slash at its end.
    pub(crate) public_url: String,
    /// Pages that everybody sees alike.
    pub(crate) cache: PageCache,
    /// What is on sale now.
    pub(crate) feeds: Arc<Feeds>,
    /// Those of the exports that are being sent.
    pub(super) exports: Arc<Slots>,
}

impl App {
    pub(crate) fn new(context: SiteContext, settings: Settings, api: Arc<ApiClient>) -> Arc<Self> {
        let feeds = Feeds::new(&context, Arc::clone(&api));
        Arc::new(Self {
            api,
            clock: context.clock,
            public_url: settings.public_url.as_str().trim_end_matches('/').to_owned(),
            settings,
            cache: PageCache::new(),
            feeds,
            exports: Slots::new(MAX_EXPORTS, MAX_EXPORTS_OF_NETWORK),
        })
    }
}
