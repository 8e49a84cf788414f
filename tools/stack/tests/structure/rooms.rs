//! The rooms of a service: which modules it has, and which of them may import which.

use std::path::{Path, PathBuf};

use stack::SITES;

use crate::modules::{Import, ModulePath, Modules};

/// The modules at the root of every service. A small service leaves some of them out.
const ROOMS: [&str; 10] = [
    "api",
    "command",
    "domain",
    "events",
    "jobs",
    "metrics",
    "service",
    "settings",
    "store",
    "use_cases",
];

/// Modules that one service has beside its rooms, each with the reason.
const EXTRA_ROOMS: [(&str, &str, &str); 7] = [
    (
        "auth",
        "keys",
        "the signing keys in memory, shared by operations and jobs",
    ),
    (
        "auth",
        "passwords",
        "hashing: a bounded queue for a bounded number of processors",
    ),
    ("payment", "stripe", "the client of Stripe's HTTP API"),
    (
        "notification",
        "composition",
        "the texts of mails: subject, text and HTML, with the tickets",
    ),
    ("notification", "smtp", "delivery: to an SMTP server, or to a folder"),
    ("payment", "model", "what tools/model explores"),
    ("order", "model", "what tools/model explores"),
];

/// Crates for SQL, HTTP and messages: no part of a domain.
const NOT_IN_A_DOMAIN: [&str; 9] = [
    "bus",
    "chassis",
    "db",
    "idempotency",
    "lapin",
    "poem",
    "poem_openapi",
    "reqwest",
    "rusqlite",
];

/// The modules at the root of a site.
const SITE_ROOMS: [&str; 9] = [
    "api_client",
    "assets",
    "forms",
    "frame",
    "pages",
    "service",
    "session",
    "settings",
    "texts",
];

/// What each room of a site may import besides itself.
const SITE_IMPORTS: [(&str, &[&str]); 9] = [
    ("api_client", &["settings"]),
    ("assets", &[]),
    ("forms", &[]),
    (
        "frame",
        &["api_client", "assets", "forms", "session", "settings", "texts"],
    ),
    ("pages", &["api_client", "assets", "forms", "frame", "session"]),
    ("service", &["api_client", "frame", "pages", "settings"]),
    ("session", &["api_client"]),
    ("settings", &[]),
    ("texts", &[]),
];

fn services() -> Vec<(String, Modules)> {
    let mut folders = folders();
    folders.retain(|(name, _)| !SITES.contains(&name.as_str()));
    folders
}

fn sites() -> Vec<(String, Modules)> {
    let mut folders = folders();
    folders.retain(|(name, _)| SITES.contains(&name.as_str()));
    folders
}

fn folders() -> Vec<(String, Modules)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../svc");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    let read = |folder: PathBuf| {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        (name, Modules::read(&folder.join("src")))
    };
    folders.into_iter().map(read).collect()
}

fn room(module: &ModulePath) -> &str {
    module.first().map_or("", String::as_str)
}

/// Fails with every import between files of a service that `is_forbidden`.
fn assert_no_import(rule: &str, is_forbidden: impl Fn(&Modules, &Import) -> bool) {
    let mut found = Vec::new();
    for (service, modules) in services() {
        for import in modules.imports() {
            if is_forbidden(&modules, &import) {
                found.push(format!(
                    "{service}: {} imports {}",
                    import.from.join("::"),
                    import.item.join("::")
                ));
            }
        }
    }
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

#[test]
fn every_service_has_the_same_rooms() {
    for (service, modules) in services() {
        for module in modules.top_level() {
            let is_extra = EXTRA_ROOMS
                .iter()
                .any(|(owner, name, _)| *owner == service && *name == module);
            assert!(ROOMS.contains(&module) || is_extra, "{service}: what is {module}?");
        }
    }
}

#[test]
fn a_domain_imports_no_other_room() {
    assert_no_import("domain is self-contained", |_, import| {
        room(&import.from) == "domain" && room(&import.to) != "domain"
    });
}

#[test]
fn a_domain_has_no_sql_http_or_clock() {
    let mut found = Vec::new();
    for (service, modules) in services() {
        for (module, paths) in modules.external() {
            let is_forbidden = |path: &&Vec<String>| {
                NOT_IN_A_DOMAIN.contains(&path[0].as_str())
                    || (path[0] == "values" && path.contains(&"Clock".to_owned()))
            };
            if room(module) == "domain" {
                let module = module.join("::");
                found.extend(
                    paths
                        .iter()
                        .filter(is_forbidden)
                        .map(|path| format!("{service}: {module}: {}", path.join("::"))),
                );
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_store_imports_nothing_but_the_domain() {
    assert_no_import("store is SQL", |_, import| {
        room(&import.from) == "store" && !["store", "domain"].contains(&room(&import.to))
    });
}

#[test]
fn an_api_writes_through_use_cases_alone() {
    assert_no_import("api writes through use cases", |modules, import| {
        room(&import.from) == "api" && room(&import.to) == "store" && modules.writers().contains(&import.item)
    });
}

#[test]
fn every_room_of_a_site_imports_what_it_may() {
    let mut found = Vec::new();
    for (site, modules) in sites() {
        for module in modules.top_level() {
            assert!(SITE_ROOMS.contains(&module), "{site}: what is {module}?");
        }
        for import in modules.imports() {
            let (from, to) = (room(&import.from), room(&import.to));
            let allowed = SITE_IMPORTS.iter().find(|(name, _)| *name == from);
            let is_allowed = from == to || allowed.is_none_or(|(_, allowed)| allowed.contains(&to));
            if !is_allowed {
                let (from, item) = (import.from.join("::"), import.item.join("::"));
                found.push(format!("{site}: {from} imports {item}"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_page_imports_no_other_page() {
    let mut found = Vec::new();
    for (site, modules) in sites() {
        for import in modules.imports() {
            // Pages of one folder may share what is in it, and `parts` has what several pages show.
            let is_of_pages = room(&import.from) == "pages" && room(&import.to) == "pages";
            let (from, to) = (import.from.get(1), import.to.get(1));
            let is_shared = to.is_some_and(|to| to == "parts");
            if is_of_pages && from.is_some() && from != to && !is_shared {
                let (from, item) = (import.from.join("::"), import.item.join("::"));
                found.push(format!("{site}: {from} imports {item}"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let mut found = Vec::new();
    for (service, modules) in folders() {
        for circle in modules.circles() {
            let names: Vec<_> = circle.iter().map(|module| module.join("::")).collect();
            found.push(format!("{service}: {}", names.join(", ")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_reader_of_imports_finds_what_these_rules_are_about() {
    let all = services();
    let (_, order) = all.iter().find(|(name, _)| name == "order").unwrap();
    let imports = order.imports();
    let has = |from: &str, to: &str| {
        imports
            .iter()
            .any(|import| room(&import.from) == from && room(&import.to) == to)
    };
    assert!(has("use_cases", "store") && has("store", "domain") && has("api", "use_cases"));
    assert!(!order.writers().is_empty());
}
