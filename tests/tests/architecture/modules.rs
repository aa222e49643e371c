//! Modules of all crates and the names in each, found as the compiler finds them: from a crate's root along its `mod`
//! declarations. Code that is compiled for tests only is left out.

use super::syntax::{Leaf, attributes, is_test_only, leaves, module_place, name_of};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use syn::visit::{self, Visit};
use syn::{Item, Stmt};

/// Sources of one crate.
#[derive(Debug)]
pub(super) struct CrateSources {
    /// The crate's folder in `crates/`, by which messages name it.
    pub(super) folder: String,
    /// The name by which other crates import it.
    pub(super) library: String,
    /// The text of each file, by its path from `src`.
    pub(super) files: BTreeMap<String, String>,
}

/// An index into [`Program::files`].
pub(super) type FileId = usize;

/// An index into [`Program::modules`].
pub(super) type ModuleId = usize;

/// Every module of every crate.
#[derive(Default)]
pub(super) struct Program {
    pub(super) files: Vec<File>,
    pub(super) modules: Vec<Module>,
    /// The root module of each library, by the name that other crates import.
    pub(super) libraries: BTreeMap<String, ModuleId>,
    /// Modules that define a `macro_rules!` macro, whose name is in scope without any path, by crate root and name.
    pub(super) macros: BTreeMap<(ModuleId, String), ModuleId>,
    /// Files that are compiled for tests only, by crate folder and path from `src`.
    test_only: BTreeSet<(String, String)>,
}

/// A parsed source file.
pub(super) struct File {
    /// The crate's folder.
    pub(super) krate: String,
    /// The path from the crate's `src`.
    pub(super) path: String,
    pub(super) module: ModuleId,
    pub(super) syntax: Rc<syn::File>,
}

/// A module, be it a file or in line.
pub(super) struct Module {
    pub(super) file: FileId,
    pub(super) parent: Option<ModuleId>,
    pub(super) root: ModuleId,
    /// Items, child modules and imports by name. One name may mean several things: a module and a function, or one
    /// item under each of two `cfg` conditions.
    pub(super) names: BTreeMap<String, Vec<Meaning>>,
    /// Paths whose names are all imported.
    pub(super) globs: Vec<Vec<String>>,
    /// Names declared or imported inside function bodies, which the module's own code alone can use.
    pub(super) local: BTreeMap<String, Vec<Meaning>>,
    pub(super) local_globs: Vec<Vec<String>>,
}

#[derive(Clone, Debug)]
pub(super) enum Meaning {
    Module(ModuleId),
    /// An item, by the module that defines it: this one, or for an exported macro any other.
    Item(ModuleId),
    /// A path to look up from this module.
    Import(Vec<String>),
}

impl Program {
    pub(super) fn new(crates: &[CrateSources]) -> Self {
        let mut program = Self::default();
        for krate in crates {
            for root in ["lib.rs", "main.rs"].into_iter().filter(|&root| krate.files.contains_key(root)) {
                let module = program.file_module(krate, root.to_owned(), None);
                if root == "lib.rs" {
                    program.libraries.insert(krate.library.clone(), module);
                }
            }
        }
        program
    }

    /// Files of a crate to which no `mod` declaration leads, so that nothing is known of their arrows.
    pub(super) fn unread(&self, krate: &CrateSources) -> Vec<String> {
        let is_read = |path: &String| self.files.iter().any(|file| file.krate == krate.folder && file.path == *path);
        let is_test = |path: &String| {
            self.test_only.iter().filter(|(folder, _)| *folder == krate.folder).any(|(_, test)| {
                path == test || path.starts_with(&format!("{}/", test.trim_end_matches(".rs").trim_end_matches("/mod")))
            })
        };
        krate.files.keys().filter(|path| !is_read(path) && !is_test(path)).cloned().collect()
    }

    /// Parses a file and the files of its child modules.
    fn file_module(&mut self, krate: &CrateSources, path: String, parent: Option<ModuleId>) -> ModuleId {
        let source = &krate.files[&path];
        let syntax = syn::parse_file(source).unwrap_or_else(|e| {
            panic!("crates/{}/src/{path}:{}: {e}", krate.folder, e.span().start().line);
        });
        let module = self.add_module(self.files.len(), parent);
        let syntax = Rc::new(syntax);
        let file = File { krate: krate.folder.clone(), path: path.clone(), module, syntax: Rc::clone(&syntax) };
        self.files.push(file);
        self.declare(krate, &path, &[], module, &syntax.items);
        module
    }

    fn add_module(&mut self, file: FileId, parent: Option<ModuleId>) -> ModuleId {
        let id = self.modules.len();
        self.modules.push(Module {
            file,
            parent,
            root: parent.map_or(id, |parent| self.modules[parent].root),
            names: BTreeMap::new(),
            globs: Vec::new(),
            local: BTreeMap::new(),
            local_globs: Vec::new(),
        });
        id
    }

    /// Enters the names that items declare; `inline` are the modules in line between the file and the items.
    fn declare(&mut self, krate: &CrateSources, path: &str, inline: &[String], module: ModuleId, items: &[Item]) {
        for item in items {
            if is_test_only(attributes(item)) {
                // A file elsewhere, which `#[path]` names, is no source of the crate.
                if let Item::Mod(child) = item
                    && child.content.is_none()
                    && !child.attrs.iter().any(|attribute| attribute.path().is_ident("path"))
                {
                    self.test_only.insert((krate.folder.clone(), module_place(krate, path, inline, child)));
                }
                continue;
            }
            match item {
                Item::Mod(child) => {
                    let name = child.ident.to_string();
                    let id = match &child.content {
                        Some((_, items)) => {
                            let id = self
                                .child(module, &name)
                                .unwrap_or_else(|| self.add_module(self.modules[module].file, Some(module)));
                            let inline = [inline, std::slice::from_ref(&name)].concat();
                            self.declare(krate, path, &inline, id, items);
                            id
                        }
                        None => self.file_module(krate, module_place(krate, path, inline, child), Some(module)),
                    };
                    self.add_name(module, name, Meaning::Module(id));
                }
                Item::Use(import) => {
                    for leaf in leaves(import) {
                        let module = &mut self.modules[module];
                        enter(&mut module.names, &mut module.globs, leaf);
                    }
                }
                Item::Macro(definition) => {
                    if let Some(name) = &definition.ident {
                        let (name, root) = (name.to_string(), self.modules[module].root);
                        self.macros.insert((root, name.clone()), module);
                        self.add_name(module, name.clone(), Meaning::Item(module));
                        if definition.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export")) {
                            self.add_name(root, name, Meaning::Item(module));
                        }
                    }
                }
                _ => {
                    if let Some(name) = name_of(item) {
                        self.add_name(module, name, Meaning::Item(module));
                    }
                    Bodies { id: module, module: &mut self.modules[module] }.visit_item(item);
                }
            }
        }
    }

    fn add_name(&mut self, module: ModuleId, name: String, meaning: Meaning) {
        self.modules[module].names.entry(name).or_default().push(meaning);
    }

    /// The module in line that is declared by this name.
    pub(super) fn child(&self, module: ModuleId, name: &str) -> Option<ModuleId> {
        let file = self.modules[module].file;
        self.modules[module].names.get(name)?.iter().find_map(|meaning| match meaning {
            Meaning::Module(id) if self.modules[*id].file == file => Some(*id),
            _ => None,
        })
    }

    /// Whether a module is another one or lies below it.
    pub(super) fn is_within(&self, module: ModuleId, above: ModuleId) -> bool {
        module == above || self.modules[module].parent.is_some_and(|parent| self.is_within(parent, above))
    }
}

/// Enters what one part of a `use` item imports.
fn enter(names: &mut BTreeMap<String, Vec<Meaning>>, globs: &mut Vec<Vec<String>>, leaf: Leaf) {
    if leaf.is_glob {
        globs.push(leaf.path);
    } else if let Some(name) = leaf.name {
        names.entry(name).or_default().push(Meaning::Import(leaf.path));
    }
}

/// Names declared inside function bodies. They are kept for the whole module: which of its functions a name belongs to
/// makes no difference to the files it can lead to.
struct Bodies<'m> {
    id: ModuleId,
    module: &'m mut Module,
}

impl<'ast> Visit<'ast> for Bodies<'_> {
    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if let Stmt::Item(item) = statement {
            if let Item::Use(import) = item {
                for leaf in leaves(import) {
                    enter(&mut self.module.local, &mut self.module.local_globs, leaf);
                }
            } else if let Some(name) = name_of(item) {
                self.module.local.entry(name).or_default().push(Meaning::Item(self.id));
            }
        }
        visit::visit_stmt(self, statement);
    }
}
