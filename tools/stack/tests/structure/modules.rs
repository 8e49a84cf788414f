//! The module graph of a crate, read from its sources.
//!
//! A node is a file. A file that only declares and re-exports modules (`mod.rs`, `lib.rs`) is looked through: an import
//! of `store::hold` counts as an import of the file that defines `hold`. Code under `#[cfg(test)]` does not count.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::imports::{Imports, read_imports};

/// `["store", "orders"]`; the crate's root is empty.
pub(crate) type ModulePath = Vec<String>;

/// One import: from which file, which item.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Import {
    pub(crate) from: ModulePath,
    /// The file that the path leads to.
    pub(crate) to: ModulePath,
    /// The path as resolved, with the item's name.
    pub(crate) item: Vec<String>,
}

/// The modules of one crate.
pub(crate) struct Modules {
    files: BTreeMap<ModulePath, Imports>,
}

/// Files that serve tests, and are compiled for them only.
const TEST_FILES: [&str; 2] = ["tests", "test_support"];

impl Modules {
    /// Reads every source file below `src`, except `main.rs` and the tests.
    pub(crate) fn read(src: &Path) -> Self {
        let mut files = BTreeMap::new();
        for file in rust_files(src) {
            let path = module_path(src, &file);
            if path.iter().any(|name| TEST_FILES.contains(&name.as_str())) || path == ["main"] {
                continue;
            }
            let source = fs::read_to_string(&file).unwrap();
            let syntax = syn::parse_file(&source).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            files.insert(path.clone(), read_imports(&path, &syntax));
        }
        Self { files }
    }

    /// Returns the names of the modules at the crate's root.
    pub(crate) fn top_level(&self) -> BTreeSet<&str> {
        self.files
            .keys()
            .filter_map(|path| path.first())
            .map(String::as_str)
            .collect()
    }

    /// Returns every file with what it imports from outside the crate.
    pub(crate) fn external(&self) -> impl Iterator<Item = (&ModulePath, &BTreeSet<Vec<String>>)> {
        self.files.iter().map(|(path, imports)| (path, &imports.external))
    }

    /// Returns the functions of each file that take `&Tx`: those that write.
    pub(crate) fn writers(&self) -> BTreeSet<Vec<String>> {
        let named = |(path, imports): (&ModulePath, &Imports)| -> Vec<Vec<String>> {
            let join = |name: &String| path.iter().chain([name]).cloned().collect();
            imports.writers.iter().map(join).collect()
        };
        self.files.iter().flat_map(named).collect()
    }

    /// Returns every import between two files of the crate.
    pub(crate) fn imports(&self) -> BTreeSet<Import> {
        let mut all = BTreeSet::new();
        for (from, imports) in &self.files {
            for path in &imports.internal {
                for item in self.resolve(from, path) {
                    let to = self.file_of(&item);
                    if to != *from {
                        all.insert(Import {
                            from: from.clone(),
                            to,
                            item,
                        });
                    }
                }
            }
        }
        all
    }

    /// Returns the circles: groups of files that import each other, directly or through others.
    pub(crate) fn circles(&self) -> Vec<Vec<ModulePath>> {
        let mut edges: BTreeMap<ModulePath, BTreeSet<ModulePath>> = BTreeMap::new();
        for import in self.imports() {
            edges.entry(import.from).or_default().insert(import.to);
        }
        let reachable: BTreeMap<_, _> = edges.keys().map(|from| (from.clone(), reach(from, &edges))).collect();
        let mut circles = BTreeSet::new();
        for (from, targets) in &reachable {
            if targets.contains(from) {
                let returns = |to: &&ModulePath| reachable.get(*to).is_some_and(|back| back.contains(from));
                circles.insert(targets.iter().filter(returns).cloned().collect::<Vec<_>>());
            }
        }
        circles.into_iter().collect()
    }

    /// Follows re-exports until the path leads to an item of a file. A glob leads to the module.
    fn resolve(&self, from: &[String], path: &[String]) -> Vec<Vec<String>> {
        let mut current = vec![path.to_vec()];
        for _ in 0..8 {
            let mut next = Vec::new();
            for path in &current {
                match self.re_export(from, path) {
                    Some(target) => next.push(target),
                    None => next.push(path.clone()),
                }
            }
            if next == current {
                break;
            }
            current = next;
        }
        current
    }

    fn re_export(&self, from: &[String], path: &[String]) -> Option<Vec<String>> {
        for length in (1..=path.len()).rev() {
            let (module, name) = (&path[..length - 1], &path[length - 1]);
            if self.files.contains_key(&path[..length]) {
                return None;
            }
            let Some(imports) = self.files.get(module) else {
                continue;
            };
            // Within the re-exporting file itself, the name is its own import.
            if module == from && length == 1 && !imports.re_exports.contains_key(name) {
                return None;
            }
            if let Some(target) = imports.re_exports.get(name) {
                return Some(target.iter().chain(&path[length..]).cloned().collect());
            }
        }
        None
    }

    /// Returns the longest part of `path` that is a file.
    fn file_of(&self, path: &[String]) -> ModulePath {
        let lengths = (0..=path.len()).rev();
        let file = lengths
            .map(|length| &path[..length])
            .find(|part| self.files.contains_key(*part));
        file.unwrap_or_default().to_vec()
    }
}

fn reach(from: &ModulePath, edges: &BTreeMap<ModulePath, BTreeSet<ModulePath>>) -> BTreeSet<ModulePath> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from.clone()]);
    while let Some(module) = open.pop() {
        for target in edges.get(&module).into_iter().flatten() {
            if reached.insert(target.clone()) {
                open.push(target.clone());
            }
        }
    }
    reached
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn module_path(src: &Path, file: &Path) -> ModulePath {
    let relative = file.strip_prefix(src).unwrap().with_extension("");
    let mut path: ModulePath = relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if path.last().is_some_and(|last| last == "mod") || path == ["lib"] {
        path.pop();
    }
    path
}
