//! No gradient without a check: the sources are read for every operation, function, kernel, layer and model, and each
//! must have an entry in its crate's registry. Then every entry is run.

use rungs_tensor::Rng;
use rungs_tensor::registry::{Entry, Kind};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const SEEDS: u64 = 3;

/// The registry of a crate, by the crate's folder.
fn registry(krate: &str) -> Vec<Entry> {
    match krate {
        "tensor" => rungs_tensor::registry::entries(),
        "layers" => rungs_layers::registry::entries(),
        "models" => rungs_models::registry::entries(),
        _ => Vec::new(), // whatever needs a check there is reported as missing
    }
}

#[test]
fn everything_with_a_gradient_has_a_check() {
    let mut missing = Vec::new();
    for krate in crates() {
        let found = Found::in_crate(&krate);
        let entries = registry(&krate);
        let mut covered: Vec<(Kind, String)> = entries.iter().map(|e| (e.kind, e.covers.to_string())).collect();
        // The operation whose gradient is wrong on purpose.
        covered.extend((krate == "tensor").then(|| (Kind::Op, "WrongSquare".to_owned())));
        for (kind, name) in found.checkable.iter().filter(|(kind, name)| !covered.contains(&(*kind, name.clone()))) {
            missing.push(format!("crates/{krate}: {name} ({kind:?}) has no entry in the registry"));
        }
        for (i, (kind, name)) in covered.iter().enumerate() {
            let exists = match kind {
                Kind::Op | Kind::Function | Kind::Kernel => found.checkable.contains(&(*kind, name.clone())),
                Kind::Layer | Kind::Model => found.types.contains(name), // a layer may have no parameters
            };
            if !exists {
                missing.push(format!("crates/{krate}: the registry covers {name} ({kind:?}), which does not exist"));
            }
            if covered[..i].contains(&(*kind, name.clone())) {
                missing.push(format!("crates/{krate}: the registry covers {name} ({kind:?}) twice"));
            }
        }
    }
    assert!(missing.is_empty(), "\n{}\n", missing.join("\n"));
}

#[test]
fn every_check_passes_for_several_seeds() {
    let mut failures = Vec::new();
    for (krate, entry) in crates().iter().flat_map(|krate| registry(krate).into_iter().map(move |e| (krate, e))) {
        for seed in 0..SEEDS {
            if let Err(mismatch) = (entry.run)(&mut Rng::new(seed)) {
                failures.push(format!("crates/{krate}: {} with seed {seed}: {mismatch}", entry.covers));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

/// The folders of the workspace's crates.
fn crates() -> Vec<String> {
    let folders = fs::read_dir(crates_folder()).expect("the workspace has a folder of crates");
    let names = folders.map(|folder| folder.expect("readable").file_name().into_string().expect("a plain name"));
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn crates_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")
}

/// What the sources of a crate declare.
#[derive(Default)]
struct Found {
    /// Implementations of the traits that need a check, and types listed by `parameters!`.
    checkable: BTreeSet<(Kind, String)>,
    /// All structs and enums.
    types: BTreeSet<String>,
}

impl Found {
    /// Reads a crate as the compiler does: from its root along the `mod` declarations, so that a file compiled for
    /// tests only is left out.
    fn in_crate(krate: &str) -> Self {
        let mut found = Self::default();
        let folder = crates_folder().join(krate).join("src");
        let roots = ["lib.rs", "main.rs"].map(|root| folder.join(root));
        let mut files: Vec<PathBuf> = roots.into_iter().filter(|root| root.exists()).collect();
        while let Some(file) = files.pop() {
            let source = fs::read_to_string(&file).expect("a module's source is text");
            files.extend(found.read(&source, krate).into_iter().map(|module| module_file(&file, &module)));
        }
        found
    }

    /// Notes what a source declares and returns the modules that are files of their own.
    fn read(&mut self, source: &str, krate: &str) -> Vec<String> {
        let mut modules = Vec::new();
        let code = source_code(source);
        let words = without_tests(&words(&code));
        for (i, word) in words.iter().enumerate() {
            let next = words.get(i + 1).copied().unwrap_or_default();
            match *word {
                "struct" | "enum" => {
                    self.types.insert(next.to_string());
                }
                "mod" if words.get(i + 2) == Some(&";") => modules.push(next.to_string()),
                "impl" => self.checkable.extend(implementation(&words[i + 1..])),
                "arithmetic" | "operations" if next == "!" => {
                    self.checkable.extend(declared(Kind::Op, &words[i + 2..]))
                }
                "elementwise" if next == "!" => self.checkable.extend(declared(Kind::Function, &words[i + 2..])),
                "parameters" if next == "!" => {
                    let kind = if krate == "models" { Kind::Model } else { Kind::Layer };
                    let name = words.get(i + 3).copied().unwrap_or_default();
                    if name.starts_with(char::is_alphabetic) {
                        self.checkable.insert((kind, name.to_string()));
                    }
                }
                _ => {}
            }
        }
        modules
    }
}

/// What a macro declares block by block, `Name: … { … }`, from the words that follow its name.
fn declared<'a>(kind: Kind, words: &'a [&str]) -> impl Iterator<Item = (Kind, String)> + 'a {
    let mut depth = 0;
    let inside = words.iter().enumerate().take_while(move |(_, word)| {
        depth += match **word {
            "{" | "(" | "[" => 1,
            "}" | ")" | "]" => -1,
            _ => 0,
        };
        depth > 0
    });
    let is_type = |name: &str| name.starts_with(char::is_uppercase);
    let names = inside.filter(move |&(i, name)| is_type(name) && words.get(i + 1) == Some(&":"));
    names.filter(|&(i, _)| words.get(i + 2) != Some(&":")).map(move |(_, name)| (kind, (*name).to_string()))
}

/// The file of a module that `parent` declares.
fn module_file(parent: &Path, module: &str) -> PathBuf {
    let root = ["lib", "main", "mod"].contains(&parent.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default());
    let folder = if root { parent.with_file_name("") } else { parent.with_extension("") };
    let places = [folder.join(module).with_extension("rs"), folder.join(module).join("mod.rs")];
    let found = places.iter().find(|place| place.exists());
    found.unwrap_or_else(|| panic!("{}: no file for module {module}", parent.display())).clone()
}

/// The trait and type of an implementation, from the words that follow `impl`, if the trait needs a check.
fn implementation(words: &[&str]) -> Option<(Kind, String)> {
    let end = words.iter().position(|&word| word == "{")?;
    let header = &words[..end];
    let mut depth = 0;
    // The words outside of angle brackets: the trait's path, `for`, the type's path, and perhaps a where clause.
    let mut outside = Vec::new();
    for (i, &word) in header.iter().enumerate() {
        match word {
            "<" => depth += 1,
            ">" if i > 0 && header[i - 1] == "-" => {} // the arrow of a function type
            ">" => depth -= 1,
            _ if depth == 0 => outside.push(word),
            _ => {}
        }
    }
    let place = outside.iter().position(|&word| word == "for")?;
    let kind = match *outside[..place].last()? {
        "Op" => Kind::Op,
        "Function" => Kind::Function,
        "Kernel" => Kind::Kernel,
        _ => return None,
    };
    let path: Vec<&str> = outside[place + 1..].iter().copied().take_while(|&word| word != "where").collect();
    // What a macro implements is found where the macro is used.
    if path.contains(&"$") { None } else { Some((kind, (*path.last()?).to_string())) }
}

/// A source without comments, and with its string and character literals emptied.
fn source_code(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        let raw = rest.strip_prefix('r').map(|r| r.len() - r.trim_start_matches('#').len());
        let starts_word = !code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(marks) = raw.filter(|marks| starts_word && rest[1 + marks..].starts_with('"')) {
            let close = format!("\"{}", "#".repeat(marks));
            let start = 2 + marks;
            rest[start..].find(&close).map_or(rest.len(), |end| start + end + close.len())
        } else if next == '"' {
            1 + literal(&rest[1..], '"')
        } else if next == '\'' && (rest[1..].starts_with('\\') || rest[1..].chars().nth(1) == Some('\'')) {
            1 + literal(&rest[1..], '\'')
        } else {
            code.push(next);
            rest = &rest[next.len_utf8()..];
            continue;
        };
        code.push(' ');
        rest = &rest[length..];
    }
    code
}

/// The length of a literal's rest, closing quote included.
fn literal(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (i, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return i + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Identifiers and numbers as wholes, every other character by itself.
fn words(code: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = match rest.find(|c| !part_of_word(c)) {
            Some(0) => first.len_utf8(),
            Some(length) => length,
            None => rest.len(),
        };
        words.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    words
}

/// The words outside of items marked `#[cfg(test)]`.
fn without_tests<'a>(words: &[&'a str]) -> Vec<&'a str> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut rest = words;
    while let Some(word) = rest.first() {
        if rest.starts_with(&MARK) {
            let mut depth = 0;
            let end = rest.iter().skip(MARK.len()).position(|&word| {
                match word {
                    "{" | "(" | "[" => depth += 1,
                    "}" | ")" | "]" => depth -= 1,
                    _ => {}
                }
                depth == 0 && matches!(word, "}" | ";")
            });
            rest = &rest[end.map_or(rest.len(), |end| MARK.len() + end + 1)..];
        } else {
            kept.push(*word);
            rest = &rest[1..];
        }
    }
    kept
}

#[test]
fn the_reader_finds_what_is_there_and_nothing_else() {
    let source = r##"
        //! impl Op<E> for InAComment {}
        /* impl Op<E> for InABlock {} */
        const TEXT: &str = "impl Op<E> for InAString {}";
        const RAW: &str = r#"impl Op<E> for "InARawString" {}"#;
        const QUOTE: char = '"';
        impl<E: Element> Op<E> for Plain { fn f<'a>(&'a self) {} }
        impl<E: Element, F: Fn(E) -> E, const N: usize> crate::op::Op<E>
            for adapters::Adapted<F, N>
        where
            F: Clone,
        {
        }
        impl Function for Curve {}
        unsafe impl<E> Kernel<E> for Fast<E> {}
        impl<E: Element> Clone for Plain {}
        impl Plain { fn op(self: impl Op<f32>) {} }
        pub struct Plain;
        pub(crate) enum Choice { A }
        parameters!(Layer { weight, bias });
        $crate::parameters!(@field visit, path);
        #[cfg(test)]
        mod tests { impl Op<f32> for OnlyATest {} struct Hidden; }
        #[cfg(test)]
        mod testing;
        mod ordinary;
        #[cfg(test)]
        use something::{impl_for, Op};
        impl Function for AfterTests {}
        impl Function for $function {}
        elementwise! {
            Wave: y = wave(x; rate: f64) { value: x.sin(), slopes: [f(Real::ONE, A::B)], check: [any], }
            Ramp: y = ramp(a, b) { value: a, }
        }
        arithmetic! { Modulo: "modulo" = rem(a, b) { value: a % b, } }
    "##;
    let mut found = Found::default();
    assert_eq!(found.read(source, "layers"), ["ordinary"]);
    let checkable: Vec<(Kind, &str)> = found.checkable.iter().map(|(kind, name)| (*kind, name.as_str())).collect();
    let expected = [
        (Kind::Op, "Adapted"),
        (Kind::Op, "Modulo"),
        (Kind::Op, "Plain"),
        (Kind::Function, "AfterTests"),
        (Kind::Function, "Curve"),
        (Kind::Function, "Ramp"),
        (Kind::Function, "Wave"),
        (Kind::Kernel, "Fast"),
        (Kind::Layer, "Layer"),
    ];
    assert_eq!(checkable, expected);
    assert_eq!(found.types.iter().map(String::as_str).collect::<Vec<_>>(), ["Choice", "Plain"]);
}
