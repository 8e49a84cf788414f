use std::fs;

/// The start of the actor of a subcommand, before the name of the system user.
pub const OPERATOR: &str = "operator";

/// The login user of a process that no one has logged in to.
const NO_LOGIN: u32 = u32::MAX;

/// Returns the actor of a subcommand: `operator:` and the name of the system user. With `sudo` it is the user who has logged
/// in, if the system records that (`loginuid`, which only the superuser can set).
pub fn operator() -> String {
    let login = fs::read_to_string("/proc/self/loginuid").ok();
    let login = login.and_then(|id| id.trim().parse().ok()).filter(|id| *id != NO_LOGIN);
    let id = login.unwrap_or_else(|| rustix::process::getuid().as_raw());
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    match user_name(&users, id) {
        Some(name) => format!("{OPERATOR}:{name}"),
        None => format!("{OPERATOR}:uid-{id}"),
    }
}

/// Finds the name of a user in the lines of `/etc/passwd`.
fn user_name(users: &str, id: u32) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, user_id) = (fields.next()?, fields.nth(1)?);
        (user_id.parse() == Ok(id) && !name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_by_the_system() {
        let users = "root:x:0:0:root:/root:/bin/sh\n# comment\n\nada:x:1000:1000::/home/ada:/bin/sh\n:x:7:7::/:\n";
        assert_eq!(user_name(users, 0), Some("root"));
        assert_eq!(user_name(users, 1000), Some("ada"));
        for unknown in [1, 7, 100] {
            assert_eq!(user_name(users, unknown), None);
        }
        assert!(operator().starts_with("operator:"));
    }
}
