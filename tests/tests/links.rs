//! Links between the documents and into the sources: each leads to a file or folder that exists.

use crate::workspace;
use pulldown_cmark::{Event, Parser, Tag};
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn links_lead_somewhere() {
    let documents = documents(&workspace::root());
    assert!(documents.len() > 20, "the documents of the project: {documents:?}");
    let broken: Vec<String> = documents.iter().flat_map(|path| broken(path)).collect();
    assert!(broken.is_empty(), "links that lead nowhere:\n{}\n", broken.join("\n"));
}

/// The Markdown files of the project.
fn documents(folder: &Path) -> Vec<PathBuf> {
    let mut documents = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("readable").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "book" {
            documents.extend(self::documents(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            documents.push(path);
        }
    }
    documents
}

/// The relative links of a document that lead nowhere, and the paths in its inline code that begin with `crates/`.
fn broken(document: &Path) -> Vec<String> {
    let text = fs::read_to_string(document).expect("readable");
    let (root, folder) = (workspace::root(), document.parent().expect("a file is in a folder"));
    let target = |event: Event<'_>| match event {
        Event::Start(Tag::Link { dest_url: to, .. } | Tag::Image { dest_url: to, .. }) => {
            let path = to.split(['#', '?']).next().unwrap_or_default();
            (!path.is_empty() && !to.contains("://") && !to.starts_with("mailto:")).then(|| folder.join(path))
        }
        Event::Code(code) => {
            let is_path = code.starts_with("crates/") && !code.contains([' ', '*', '…', '{']);
            is_path.then(|| root.join(&*code))
        }
        _ => None,
    };
    let missing = Parser::new(&text).filter_map(target).filter(|path| !path.exists());
    missing.map(|path| format!("{}: {}", document.display(), path.display())).collect()
}
