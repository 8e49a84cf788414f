use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The number of files that the process needs besides connections: databases, the broker, logs.
const OTHER_FILES: usize = 192;

/// The number of connections that are served at most unless configured: each needs some KiB of memory.
const DEFAULT_MAX_CONNECTIONS: usize = 4096;

/// The fewest connections of a server, however low the limit of files is.
const MIN_CONNECTIONS: usize = 16;

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

/// Returns the default of the maximum number of connections for each of so many servers in one process. It leaves files
/// for everything else.
pub fn default_max_connections(servers: usize) -> usize {
    let files = getrlimit(Resource::Nofile)
        .current
        .map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    connections_within(files) / servers.max(1)
}

fn connections_within(files: usize) -> usize {
    let others = OTHER_FILES.min(files / 2);
    (files - others).clamp(MIN_CONNECTIONS, DEFAULT_MAX_CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_everything_else() {
        let found: Vec<_> = [16, 128, 256, 1024, 1_048_576]
            .map(|files| (files, connections_within(files)))
            .into();
        assert_eq!(found, [(16, 16), (128, 64), (256, 128), (1024, 832), (1_048_576, 4096)]);
    }
}
