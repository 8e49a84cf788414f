use std::fmt;

/// The maximum length of a path to return to, in bytes.
const MAX_BYTES: usize = 1024;

/// A path on our own site to which a person returns after signing in: never another site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ReturnPath(String);

impl ReturnPath {
    /// Accepts a path with its query; anything that a browser could take for another site, or that signs in or out, is home.
    pub(crate) fn parse(text: &str) -> Self {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
        let is_ours = text.starts_with('/')
            && !text.starts_with("//")
            && text.len() <= MAX_BYTES
            && text.bytes().all(is_plain)
            && !["/signin", "/signup", "/signout"].iter().any(|own| is_below(text, own));
        Self(if is_ours { text.to_owned() } else { "/".to_owned() })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the home page, which needs not be named.
    pub(crate) fn is_home(&self) -> bool {
        self.0 == "/"
    }
}

fn is_below(path: &str, own: &str) -> bool {
    path.strip_prefix(own)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

impl fmt::Display for ReturnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_returns_to_our_own_site_only() {
        for ours in ["/", "/events/1", "/orders?status=paid&a=%2F", "/signing", "/a//b"] {
            assert_eq!(ReturnPath::parse(ours).as_str(), ours);
        }
        for bad in [
            "",
            "events/1",
            "//attacker.example",
            "///attacker.example",
            "/\\attacker.example",
            "\\\\attacker.example",
            "/\t/attacker.example",
            "/\n/attacker.example",
            " /events",
            "/events 1",
            "/\u{e9}",
            "https://attacker.example/",
            "javascript:alert(1)",
            "/signin",
            "/signin?next=/",
            "/signout",
            "/signup#a",
            &format!("/{}", "a".repeat(MAX_BYTES)),
        ] {
            assert!(ReturnPath::parse(bad).is_home(), "{bad:?}");
        }
    }
}
