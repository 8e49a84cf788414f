//! Stylesheet, scripts and pictures of the pages: part of the program, compressed once, under names that contain a hash of
//! their content, so that browsers keep them for ever.

use std::{collections::BTreeMap, io::Write, sync::LazyLock};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// The parts of the stylesheet, in their order. A part belongs to all pages, or to the pages of one section.
const STYLE: &[&str] = &[
    include_str!("../assets/css/tokens.css"),
    include_str!("../assets/css/base.css"),
    include_str!("../assets/css/components.css"),
    include_str!("../assets/css/events.css"),
    include_str!("../assets/css/orders.css"),
    include_str!("../assets/css/tickets.css"),
    include_str!("../assets/css/account.css"),
    include_str!("../assets/css/check-in.css"),
    include_str!("../assets/css/sell.css"),
];

/// The modules of JavaScript, by name: each after those that it loads. `'./name.js'` in a module is the file of that module.
const SCRIPTS: &[(&str, &str)] = &[
    ("availability.js", include_str!("../assets/js/availability.js")),
    ("checkout.js", include_str!("../assets/js/checkout.js")),
    ("order.js", include_str!("../assets/js/order.js")),
    ("jsqr.js", include_str!("../assets/js/vendor/jsqr.js")),
    ("scanner.js", include_str!("../assets/js/scanner.js")),
    ("door-codes.js", include_str!("../assets/js/door-codes.js")),
    ("door-vibration.js", include_str!("../assets/js/door-vibration.js")),
    ("check-in.js", include_str!("../assets/js/check-in.js")),
    ("door-store.js", include_str!("../assets/js/door-store.js")),
    ("door-offline.js", include_str!("../assets/js/door-offline.js")),
    ("door.js", include_str!("../assets/js/door.js")),
    ("door-worker.js", include_str!("../assets/js/door-worker.js")),
];

const ICON: &str = include_str!("../assets/icon.svg");

/// A file that is sent as it is or compressed.
pub(crate) struct Asset {
    path: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) plain: Bytes,
    pub(crate) gzip: Bytes,
}

static ASSETS: LazyLock<BTreeMap<&'static str, Asset>> = LazyLock::new(|| {
    let style = ("style.css", "text/css; charset=utf-8", STYLE.concat());
    let icon = ("icon.svg", "image/svg+xml", ICON.to_owned());
    let scripts = SCRIPTS
        .iter()
        .map(|(name, text)| (*name, "text/javascript; charset=utf-8", (*text).to_owned()));
    let mut assets = BTreeMap::new();
    for (name, content_type, text) in [style, icon].into_iter().chain(scripts) {
        let text = with_files(&text, &assets);
        assets.insert(name, Asset::new(name, content_type, text));
    }
    assets
});

/// Returns a module that names the files of the assets that it loads.
fn with_files(text: &str, assets: &BTreeMap<&'static str, Asset>) -> String {
    assets.iter().fold(text.to_owned(), |text, (name, asset)| {
        let file = asset.path.trim_start_matches("/assets/");
        text.replace(&format!("'./{name}'"), &format!("'./{file}'"))
    })
}

impl Asset {
    fn new(name: &str, content_type: &'static str, text: String) -> Self {
        let digest = Sha256::digest(&text);
        let hash = digest
            .iter()
            .take(8)
            .fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        // For the time of the process, like the rest of the asset.
        let path = Box::leak(format!("/assets/{stem}.{hash}.{extension}").into_boxed_str());
        Self {
            path,
            content_type,
            gzip: gzip(text.as_bytes()),
            plain: text.into(),
        }
    }
}

/// Compresses bytes.
pub(crate) fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.unwrap_or_default().into()
}

/// Returns the path of an asset.
///
/// # Panics
///
/// If there is no such asset: templates name those that exist.
pub(crate) fn path(name: &str) -> &'static str {
    match ASSETS.get(name) {
        Some(asset) => asset.path,
        None => panic!("no asset {name}"),
    }
}

/// Returns an asset by its name.
pub(crate) fn named(name: &str) -> Option<&'static Asset> {
    ASSETS.get(name)
}

/// Returns the asset at a path.
pub(crate) fn at(path: &str) -> Option<&'static Asset> {
    ASSETS.values().find(|asset| asset.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_loads_the_files_of_other_modules_by_their_hashes() {
        for (name, text) in SCRIPTS {
            let asset = ASSETS.get(name).unwrap();
            let sent = String::from_utf8(asset.plain.to_vec()).unwrap();
            for part in sent.split("'./").skip(1) {
                let file = part.split('\'').next().unwrap();
                assert!(at(&format!("/assets/{file}")).is_some(), "{name} loads {file}");
            }
            assert_eq!(sent.matches("'./").count(), text.matches("'./").count(), "{name}");
        }
    }
}
