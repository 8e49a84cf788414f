use std::net::IpAddr;

use chassis::ClientAddress;
use poem::{FromRequest, Request, RequestBody, http::header};
use token::SignedIn;

use super::devices::DeviceCookie;
use crate::{
    domain::{DeviceTokens, Password, describe_user_agent},
    use_cases::Reauthentication,
};

/// The browser or program that has sent a request.
pub(super) struct Visitor {
    /// The network address.
    pub(super) client: IpAddr,
    /// What it sends to be recognised.
    pub(super) devices: DeviceTokens,
    /// What it is, as its user recognises it.
    pub(super) user_agent: Option<String>,
}

impl Visitor {
    /// Returns the signed-in user with the password that was stated again.
    pub(super) fn reauthentication(self, signed_in: SignedIn, password: String) -> Reauthentication {
        Reauthentication {
            signed_in,
            password: Password::from_typed(password),
            client: self.client,
            devices: self.devices,
        }
    }
}

impl<'a> FromRequest<'a> for Visitor {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let ClientAddress(client) = <ClientAddress as FromRequest>::from_request(request, body).await?;
        let DeviceCookie(devices) = <DeviceCookie as FromRequest>::from_request(request, body).await?;
        let sent = request.headers().get(header::USER_AGENT);
        Ok(Self {
            client,
            devices,
            user_agent: sent.and_then(|sent| describe_user_agent(sent.to_str().ok()?)),
        })
    }
}
