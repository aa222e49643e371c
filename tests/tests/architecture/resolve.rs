//! Paths followed to the module that defines what they name, through imports and re-exports.

use super::modules::{Meaning, ModuleId, Program};

/// A meaning of a path.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) target: Target,
    /// The name by which the target's module knows it.
    pub(super) name: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Target {
    Module(ModuleId),
    /// An item that this module defines, or one that a macro writes there.
    Item(ModuleId),
    /// A name from a crate outside of the workspace.
    Foreign,
}

/// Names that are being looked up, so that an import which leads back to itself ends.
type Open = Vec<(ModuleId, String)>;

impl Program {
    /// Everything that a path in a module's code may mean; nothing for local variables, type parameters and names from
    /// outside of the workspace.
    pub(super) fn resolve(&self, module: ModuleId, path: &[String]) -> Vec<Found> {
        self.follow(module, path, &mut Vec::new())
    }

    fn follow(&self, module: ModuleId, path: &[String], open: &mut Open) -> Vec<Found> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < path.len() {
            let here = if at == 0 {
                Some(module)
            } else {
                found.iter().find_map(|found: &Found| match found.target {
                    Target::Module(module) => Some(module),
                    _ => None,
                })
            };
            // Behind a type stand its associated items and variants, which are where the type is.
            let Some(here) = here else { return found };
            let name = path[at].as_str();
            let one = |target| vec![Found { target, name: name.to_owned() }];
            found = match name {
                "self" => one(Target::Module(here)),
                "super" => match self.modules[here].parent {
                    Some(parent) => one(Target::Module(parent)),
                    None => return Vec::new(),
                },
                "crate" | "$crate" if at == 0 => one(Target::Module(self.modules[here].root)),
                "" => {
                    at += 1;
                    path.get(at).map_or_else(Vec::new, |name| self.library(name))
                }
                _ => self.find(here, name, at == 0, open),
            };
            if found.is_empty() {
                // A name that no item has, for instance one that a macro declares: the module is as far as it goes.
                return if at == 0 {
                    Vec::new()
                } else {
                    vec![Found { target: Target::Item(here), name: path.join("::") }]
                };
            }
            at += 1;
        }
        found
    }

    /// The meanings of a name in a module; `inside` means as the module's own code sees it.
    fn find(&self, module: ModuleId, name: &str, inside: bool, open: &mut Open) -> Vec<Found> {
        if open.iter().any(|(other, looked_up)| *other == module && looked_up == name) {
            return if inside { self.library(name) } else { Vec::new() };
        }
        open.push((module, name.to_owned()));
        let Scopes { names, globs } = self.scopes(module, inside);
        let mut found = Vec::new();
        for meaning in names.iter().filter_map(|names| names.get(name)).flatten() {
            match meaning {
                Meaning::Module(id) => found.push(Found { target: Target::Module(*id), name: name.to_owned() }),
                Meaning::Item(id) => found.push(Found { target: Target::Item(*id), name: name.to_owned() }),
                Meaning::Import(path) => match self.follow(module, path, open) {
                    imported if imported.is_empty() => {
                        found.push(Found { target: Target::Foreign, name: name.to_owned() })
                    }
                    imported => found.extend(imported),
                },
            }
        }
        if found.is_empty() {
            for glob in globs {
                for source in self.follow(module, glob, open) {
                    if let Target::Module(source) = source.target {
                        found.extend(self.find(source, name, false, open));
                    }
                }
            }
        }
        // `use name;` beside `macro_rules! name` imports what the module itself defines.
        if found.iter().any(|found| found.target != Target::Foreign) {
            found.retain(|found| found.target != Target::Foreign);
        }
        open.pop();
        if found.is_empty() && inside { self.library(name) } else { found }
    }

    fn scopes(&self, module: ModuleId, inside: bool) -> Scopes<'_> {
        let module = &self.modules[module];
        let mut scopes = Scopes { names: vec![&module.names], globs: module.globs.iter().collect() };
        if inside {
            scopes.names.push(&module.local);
            scopes.globs.extend(&module.local_globs);
        }
        scopes
    }

    /// The root of a crate of the workspace.
    fn library(&self, name: &str) -> Vec<Found> {
        let root = self.libraries.get(name);
        root.map(|&root| Found { target: Target::Module(root), name: name.to_owned() }).into_iter().collect()
    }
}

/// Where a name is looked for.
struct Scopes<'p> {
    names: Vec<&'p std::collections::BTreeMap<String, Vec<Meaning>>>,
    globs: Vec<&'p Vec<String>>,
}
