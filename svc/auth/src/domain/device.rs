use std::time::Duration;

use values::{SessionId, Timestamp, UserId};

use super::refresh_token::RefreshKey;

/// The time for which a browser is recognised after it has signed in: the longest lifetime of a cookie
/// (<https://httpwg.org/http-extensions/draft-ietf-httpbis-rfc6265bis.html#section-5.6.1>).
pub(crate) const DEVICE_LIFETIME: Duration = Duration::from_hours(400 * 24);

/// The number of accounts whose users one browser is recognised for.
const MAX_DEVICES: usize = 4;

/// Separates the tokens of one browser. It is allowed in a cookie, and occurs in no token.
const SEPARATOR: char = '~';

/// What a browser sends to be recognised: a token for each account that it has signed in to, the newest first. Whether one
/// of them is authentic depends on the account.
#[derive(Clone, Default, Debug)]
pub(crate) struct DeviceTokens(Vec<String>);

impl DeviceTokens {
    /// The maximum number of characters of a text that [`parse`](Self::parse) is given.
    pub(crate) const MAX_CHARS: usize = 500;

    /// Parses what a client has sent. Anything else than tokens is left out.
    pub(crate) fn parse(sent: &str) -> Self {
        let is_token = |text: &&str| {
            let characters = text
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || "-_.".contains(char));
            text.len() < 120 && characters && text.contains('.')
        };
        let tokens = sent.split(SEPARATOR).filter(is_token).take(MAX_DEVICES);
        Self(tokens.map(ToOwned::to_owned).collect())
    }

    /// Returns the session in which this browser has signed in to the account before, if that was not too long ago.
    pub(crate) fn recognise(&self, user_id: UserId, now: Timestamp, key: &RefreshKey) -> Option<SessionId> {
        let mut sessions = self.0.iter().filter_map(|token| key.recognise_device(token, user_id));
        let is_recent = |id: &SessionId| id.created_at().is_some_and(|at| at.until(now) < DEVICE_LIFETIME);
        sessions.find(is_recent)
    }

    /// Returns the text for a browser that has signed in to the account in this session: its token and those of other
    /// accounts.
    pub(crate) fn with(&self, session_id: SessionId, user_id: UserId, key: &RefreshKey) -> String {
        let others = self
            .0
            .iter()
            .filter(|token| key.recognise_device(token, user_id).is_none());
        let own = key.device_token(session_id, user_id);
        others.take(MAX_DEVICES - 1).fold(own, |mut all, token| {
            all.push(SEPARATOR);
            all.push_str(token);
            all
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn a_browser_is_recognised_for_the_accounts_that_it_has_signed_in_to() {
        let key = RefreshKey::new([1; 32]);
        let users: Vec<_> = (0..6).map(|_| UserId::new(NOW)).collect();
        let mut text = "nonsense~~.~<script>~".to_owned();
        let mut sessions = Vec::new();
        for user in &users {
            let session = SessionId::new(NOW);
            text = DeviceTokens::parse(&text).with(session, *user, &key);
            sessions.push(session);
            assert!(text.len() <= DeviceTokens::MAX_CHARS, "{}", text.len());
        }
        let sent = DeviceTokens::parse(&text);
        let recognised = |user: &UserId, now| sent.recognise(*user, now, &key);
        for (number, user) in users.iter().enumerate() {
            let expected = (number >= 2).then_some(sessions[number]);
            assert_eq!(recognised(user, NOW), expected, "the four newest: {number}");
        }
        assert_eq!(recognised(&users[5], NOW + DEVICE_LIFETIME), None);
        assert_eq!(recognised(&UserId::new(NOW), NOW), None);
        let other = RefreshKey::new([2; 32]);
        assert_eq!(sent.recognise(users[5], NOW, &other), None);
    }

    #[test]
    fn a_browser_has_one_token_for_an_account() {
        let (key, user) = (RefreshKey::new([1; 32]), UserId::new(NOW));
        let first = DeviceTokens::default().with(SessionId::new(NOW), user, &key);
        let newest = SessionId::new(NOW);
        let second = DeviceTokens::parse(&first).with(newest, user, &key);
        assert_eq!(second, key.device_token(newest, user));
    }

    #[test]
    fn a_refresh_token_is_no_device_token() {
        let (key, user, session) = (RefreshKey::new([1; 32]), UserId::new(NOW), SessionId::new(NOW));
        let sent = DeviceTokens::parse(key.token(session, 0).as_str());
        assert_eq!(sent.recognise(user, NOW, &key), None);
        assert_eq!(key.recognise(&key.device_token(session, user)), None);
    }
}
