//! Every place in the sources where a file names something that another file defines.

use super::modules::{FileId, ModuleId, Program};
use super::resolve::{Found, Target};
use super::syntax::{attributes, is_test_only, leaves, segments};
use super::token_paths;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, ItemMod, ItemUse, Macro, Path, Visibility};

/// A name from another file.
#[derive(Clone, Debug)]
pub(super) struct Mention {
    pub(super) from: FileId,
    /// The file that defines the name.
    pub(super) to: FileId,
    pub(super) name: String,
    pub(super) line: usize,
}

/// All mentions in all crates.
pub(super) fn mentions(program: &Program) -> Vec<Mention> {
    let mut reader = Reader { program, module: 0, mentions: Vec::new() };
    for file in &program.files {
        reader.module = file.module;
        reader.visit_file(&file.syntax);
    }
    reader.mentions
}

struct Reader<'p> {
    program: &'p Program,
    /// The module whose code is being read.
    module: ModuleId,
    mentions: Vec<Mention>,
}

impl Reader<'_> {
    /// Notes what a path leads to. Re-exporting what lies below is a facade, on which nothing depends.
    fn note(&mut self, path: &[String], line: usize, is_facade: bool) {
        let module = self.module;
        let mut found = self.program.resolve(module, path);
        if path.len() > 1 {
            // A path through a crate is a dependency on that crate, wherever the path may end.
            found.extend(
                self.program.resolve(module, &path[..1]).into_iter().filter(
                    |Found { target, .. }| matches!(target, Target::Module(first) if self.is_other_crate(*first)),
                ),
            );
        }
        for Found { target, name } in found {
            match target {
                Target::Item(defined) if is_facade && self.program.is_within(defined, module) => {}
                Target::Item(defined) => self.add(defined, name, line),
                // A module is not yet a name in it, unless it is a crate.
                Target::Module(named) if self.is_other_crate(named) => self.add(named, name, line),
                Target::Module(_) | Target::Foreign => {}
            }
        }
    }

    fn note_macro(&mut self, path: &[String], line: usize) {
        let [name] = path else { return self.note(path, line, false) };
        let found = self.program.resolve(self.module, path);
        if found.is_empty() {
            // Neither declared nor imported here: `macro_rules!` of a module further up.
            let root = self.program.modules[self.module].root;
            if let Some(&defined) = self.program.macros.get(&(root, name.clone())) {
                self.add(defined, format!("{name}!"), line);
            }
        } else {
            self.note(path, line, false);
        }
    }

    fn add(&mut self, defined: ModuleId, name: String, line: usize) {
        let [from, to] = [self.module, defined].map(|module| self.program.modules[module].file);
        if from != to {
            self.mentions.push(Mention { from, to, name, line });
        }
    }

    fn is_other_crate(&self, module: ModuleId) -> bool {
        self.program.modules[module].root != self.program.modules[self.module].root
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test_only(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes: &[Attribute] = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            _ => &[],
        };
        if !is_test_only(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let outer = self.module;
        if item.content.is_some() {
            self.module = self.program.child(outer, &item.ident.to_string()).unwrap_or(outer);
            visit::visit_item_mod(self, item);
            self.module = outer;
        }
    }

    fn visit_item_use(&mut self, import: &'ast ItemUse) {
        let is_reexport = !matches!(import.vis, Visibility::Inherited);
        for leaf in leaves(import) {
            self.note(&leaf.path, leaf.line, is_reexport);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let (path_segments, line) = segments(path);
        self.note(&path_segments, line, false);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        let (path, line) = segments(&invocation.path);
        self.note_macro(&path, line);
        for path in token_paths::paths(invocation.tokens.clone()) {
            if path.is_macro {
                self.note_macro(&path.segments, path.line);
            } else {
                self.note(&path.segments, path.line, false);
            }
        }
    }

    /// Attributes and visibilities name modules without using anything of theirs.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}
