use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The number of files that the process needs besides connections: databases, the broker, logs.
const OTHER_FILES: usize = 192;

/// The fewest sockets of a server, however low the limit of files is.
const MIN_SOCKETS: usize = 8;

/// Raises the number of files that the process may open to what it may raise it to.
pub fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        tracing::warn!(%error, "limit of open files cannot be raised");
    }
}

/// Returns the number of sockets that each of so many servers in this process may open. It leaves files for everything
/// else.
pub(super) fn affordable_sockets(servers: usize) -> usize {
    let files = getrlimit(Resource::Nofile)
        .current
        .map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    sockets_within(files, servers)
}

fn sockets_within(files: usize, servers: usize) -> usize {
    let others = OTHER_FILES.min(files / 2);
    ((files - others) / servers.max(1)).max(MIN_SOCKETS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_leave_files_for_everything_else() {
        let found: Vec<_> = [16, 128, 256, 1024]
            .map(|files| (files, sockets_within(files, 1)))
            .into();
        assert_eq!(found, [(16, 8), (128, 64), (256, 128), (1024, 832)]);
        assert_eq!(sockets_within(1024, 6), 138);
    }
}
