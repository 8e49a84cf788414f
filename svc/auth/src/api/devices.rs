use std::fmt::Display;

use input::TextRule;
use poem::{FromRequest, Request, RequestBody};

use super::app::App;
use crate::domain::DeviceTokens;

/// The cookie by which a browser is recognised. One that cannot be read, or comes twice, recognises no browser.
pub(super) struct DeviceCookie(pub(super) DeviceTokens);

impl<'a> FromRequest<'a> for DeviceCookie {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let name = request.data::<App>().map(|app| app.cookies().device_cookie());
        let sent = name.and_then(|name| token::cookie_value(request.headers(), name).ok().flatten());
        Ok(Self(sent.map(DeviceTokens::parse).unwrap_or_default()))
    }
}

/// The text that a program sends to be recognised: the `deviceToken` of a response.
pub(super) struct DeviceTokenRule;

impl TextRule for DeviceTokenRule {
    type Value = DeviceTokens;
    const MAX_CHARS: usize = DeviceTokens::MAX_CHARS;

    fn parse(text: String) -> Result<DeviceTokens, impl Display> {
        Ok::<_, &'static str>(DeviceTokens::parse(&text))
    }
}
