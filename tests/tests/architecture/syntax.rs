//! Questions to the syntax of one item: its name, its attributes, what it imports, the file of a module.

use super::modules::CrateSources;
use syn::{Attribute, Item, ItemMod, ItemUse, Meta, Path, UseTree};

/// One name that a `use` item imports, or all names of a path.
pub(super) struct Leaf {
    pub(super) path: Vec<String>,
    /// The name in the importing module; none for `as _` and for a glob.
    pub(super) name: Option<String>,
    pub(super) is_glob: bool,
    pub(super) line: usize,
}

/// Everything that a `use` item imports.
pub(super) fn leaves(import: &ItemUse) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    let start = if import.leading_colon.is_some() { vec![String::new()] } else { Vec::new() };
    add_leaves(&import.tree, start, &mut leaves);
    leaves
}

fn add_leaves(tree: &UseTree, mut path: Vec<String>, leaves: &mut Vec<Leaf>) {
    let mut add = |mut path: Vec<String>, ident: &syn::Ident, name: Option<&syn::Ident>| {
        if ident != "self" || path.is_empty() {
            path.push(ident.to_string());
        }
        let name = name.map_or_else(|| path.last().cloned(), |name| (name != "_").then(|| name.to_string()));
        leaves.push(Leaf { path, name, is_glob: false, line: ident.span().start().line });
    };
    match tree {
        UseTree::Path(part) => {
            path.push(part.ident.to_string());
            add_leaves(&part.tree, path, leaves);
        }
        UseTree::Name(part) => add(path, &part.ident, None),
        UseTree::Rename(part) => add(path, &part.ident, Some(&part.rename)),
        UseTree::Glob(part) => {
            let line = part.star_token.spans[0].start().line;
            leaves.push(Leaf { path, name: None, is_glob: true, line });
        }
        UseTree::Group(part) => {
            for tree in &part.items {
                add_leaves(tree, path.clone(), leaves);
            }
        }
    }
}

/// Segments of a path, and the line of its first one. A leading `::` is an empty segment.
pub(super) fn segments(path: &Path) -> (Vec<String>, usize) {
    let start = path.leading_colon.as_ref().map(|_| String::new());
    let line = path.segments.first().map_or(0, |segment| segment.ident.span().start().line);
    (start.into_iter().chain(path.segments.iter().map(|segment| segment.ident.to_string())).collect(), line)
}

/// Whether something is compiled for tests only.
pub(super) fn is_test_only(attributes: &[Attribute]) -> bool {
    let conditions = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    conditions.filter_map(|attribute| attribute.parse_args::<Meta>().ok()).any(|condition| requires_test(&condition))
}

fn requires_test(condition: &Meta) -> bool {
    let parts = |list: &syn::MetaList| {
        let parse = syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated;
        list.parse_args_with(parse).unwrap_or_default()
    };
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => parts(list).iter().any(requires_test),
        Meta::List(list) if list.path.is_ident("any") => parts(list).iter().all(requires_test),
        _ => false,
    }
}

pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The name by which a path can reach an item; macros, modules and imports are entered otherwise.
pub(super) fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// The file of a module that the file `parent` declares, inside of the modules `inline`.
pub(super) fn module_place(krate: &CrateSources, parent: &str, inline: &[String], module: &ItemMod) -> String {
    let stem = parent.strip_suffix(".rs").unwrap_or(parent);
    let (folder, last) = stem.rsplit_once('/').unwrap_or(("", stem));
    let folder = if ["lib", "main", "mod"].contains(&last) { folder } else { stem };
    let name = module.ident.to_string();
    let parts = [folder].into_iter().chain(inline.iter().map(String::as_str)).chain([name.as_str()]);
    let place = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
    let places = [format!("{place}.rs"), format!("{place}/mod.rs")];
    let found = places.into_iter().find(|place| krate.files.contains_key(place));
    found.unwrap_or_else(|| panic!("crates/{}/src/{parent}: no file for module {name}", krate.folder))
}
