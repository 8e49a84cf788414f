//! What one source file imports and re-exports.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, File, FnArg, Item, ItemFn, ItemMod, ItemUse, Meta, Path, Type, UseTree, Visibility,
    visit::{self, Visit},
};

/// What one source file imports and re-exports.
#[derive(Default)]
pub(crate) struct Imports {
    /// Paths into the same crate, from its root.
    pub(crate) internal: BTreeSet<Vec<String>>,
    /// Paths into other crates.
    pub(crate) external: BTreeSet<Vec<String>>,
    /// Names that the file re-exports, with the paths that they stand for.
    pub(crate) re_exports: BTreeMap<String, Vec<String>>,
    /// Functions that take `&Tx`.
    pub(crate) writers: BTreeSet<String>,
}

/// Reads the imports of the file at `module`. Code under `#[cfg(test)]` does not count.
pub(crate) fn read_imports(module: &[String], file: &File) -> Imports {
    let children = file.items.iter().filter_map(|item| match item {
        Item::Mod(item) => Some(item.ident.to_string()),
        _ => None,
    });
    let mut reader = Reader {
        module,
        children: children.collect(),
        names: BTreeMap::new(),
        imports: Imports::default(),
    };
    for item in &file.items {
        if let Item::Use(item) = item
            && !is_for_tests(&item.attrs)
        {
            reader.read_use(item);
        }
    }
    reader.visit_file(file);
    reader.imports
}

struct Reader<'a> {
    module: &'a [String],
    children: BTreeSet<String>,
    /// Names that `use` brought into scope, with the paths that they stand for.
    names: BTreeMap<String, Vec<String>>,
    imports: Imports,
}

impl Reader<'_> {
    fn read_use(&mut self, item: &ItemUse) {
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut paths);
        let is_private = matches!(item.vis, Visibility::Inherited);
        for (name, path) in paths {
            match self.absolute(&path) {
                Some(path) if is_private => {
                    self.imports.internal.insert(path.clone());
                    self.names.insert(name, path);
                }
                Some(path) => {
                    if !path.starts_with(self.module) {
                        self.imports.internal.insert(path.clone());
                    }
                    self.imports.re_exports.insert(name, path);
                }
                None => {
                    self.imports.external.insert(path.clone());
                }
            }
        }
    }

    /// Returns the path from the crate's root, or `None` for a path into another crate.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let first = path.first()?;
        match first.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some(self.module.iter().chain(&path[1..]).cloned().collect()),
            "super" => {
                let ups = path.iter().take_while(|name| *name == "super").count();
                let parent = &self.module[..self.module.len().checked_sub(ups)?];
                Some(parent.iter().chain(&path[ups..]).cloned().collect())
            }
            child if self.children.contains(child) => Some(self.module.iter().chain(path).cloned().collect()),
            _ => None,
        }
    }

    fn read_path(&mut self, path: &[String]) {
        // The visibilities `pub(crate)` and `pub(super)` are paths, too.
        if path.len() < 2
            && path
                .first()
                .is_none_or(|name| ["crate", "self", "super"].contains(&name.as_str()))
        {
            return;
        }
        if let Some(path) = self.absolute(path) {
            self.imports.internal.insert(path);
        } else if let Some(stands_for) = path.first().and_then(|first| self.names.get(first)) {
            let path = stands_for.iter().chain(&path[1..]).cloned().collect();
            self.imports.internal.insert(path);
        } else if path.len() > 1 {
            self.imports.external.insert(path.to_vec());
        }
    }

    /// Reads the paths in a macro's arguments, which are not parsed.
    fn read_tokens(&mut self, tokens: TokenStream) {
        let mut path = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if colons == 2 || path.is_empty() => path.push(ident.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                    continue;
                }
                other => {
                    self.read_path(&std::mem::take(&mut path));
                    match other {
                        TokenTree::Ident(ident) => path.push(ident.to_string()),
                        TokenTree::Group(group) => self.read_tokens(group.stream()),
                        _ => {}
                    }
                }
            }
            colons = 0;
        }
        self.read_path(&path);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Enum(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            // Read before.
            Item::Use(_) => return,
            _ => return visit::visit_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        visit::visit_item_mod(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        let takes_tx = item.sig.inputs.iter().any(|input| match input {
            FnArg::Typed(argument) => is_tx(&argument.ty),
            FnArg::Receiver(_) => false,
        });
        if takes_tx {
            self.imports.writers.insert(item.sig.ident.to_string());
        }
        visit::visit_item_fn(self, item);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.read_path(&names);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.read_tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }
}

fn is_tx(argument: &Type) -> bool {
    let Type::Reference(reference) = argument else {
        return false;
    };
    matches!(&*reference.elem, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Tx"))
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string().contains("test"),
        _ => false,
    })
}

/// Returns each name that a `use` brings into scope, with its path. A glob stands for its module.
fn flatten(tree: &UseTree, prefix: &mut Vec<String>, paths: &mut Vec<(String, Vec<String>)>) {
    let with = |prefix: &[String], name: String| -> Vec<String> {
        if name == "self" {
            prefix.to_vec()
        } else {
            prefix.iter().cloned().chain([name]).collect()
        }
    };
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, paths);
            prefix.pop();
        }
        UseTree::Name(name) => {
            let path = with(prefix, name.ident.to_string());
            paths.push((path.last().cloned().unwrap_or_default(), path));
        }
        UseTree::Rename(rename) => {
            paths.push((rename.rename.to_string(), with(prefix, rename.ident.to_string())));
        }
        UseTree::Glob(_) => paths.push(("*".to_owned(), prefix.clone())),
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, prefix, paths);
            }
        }
    }
}
