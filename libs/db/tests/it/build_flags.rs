//! The flags that SQLite is compiled with: those of `.cargo/config.toml`.

use rusqlite::Connection;

/// Without the flag, SQLite calls `fsync`, which also commits the time of each write to the journal of the file system.
#[test]
fn sqlite_is_built_to_write_the_log_with_fdatasync() {
    let flags = env!(
        "LIBSQLITE3_FLAGS",
        "cargo runs outside the repository, whose .cargo/config.toml has the flags"
    );
    assert!(
        flags.split_whitespace().any(|flag| flag == "-DHAVE_FDATASYNC=1"),
        "{flags}"
    );
}

/// Each counter costs a lock that all databases of the process share.
#[test]
fn sqlite_is_built_without_counters_of_its_memory() {
    let conn = Connection::open_in_memory().unwrap();
    let mut options = conn.prepare("PRAGMA compile_options").unwrap();
    let options: Vec<String> = options
        .query_map((), |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for option in ["DEFAULT_MEMSTATUS=0", "DISABLE_PAGECACHE_OVERFLOW_STATS"] {
        assert!(
            options.iter().any(|set| set == option),
            "{option} is not in {options:?}"
        );
    }
}
