//! What the documents refer to is there, and so is what the code refers to in the documents.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut broken = Vec::new();
    for document in files("md") {
        let text = fs::read_to_string(&document).unwrap();
        for target in links(&prose(&text)) {
            if !leads_somewhere(&document, target) {
                broken.push(format!("{}: {target}", document.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n  {}", broken.join("\n  "));
}

#[test]
fn every_document_that_the_code_cites_exists() {
    let mut missing = BTreeSet::new();
    for source in ["rs", "toml", "sql"].into_iter().flat_map(files) {
        let text = fs::read_to_string(&source).unwrap();
        for (start, _) in text.match_indices("docs/") {
            let cited =
                text[start..].split(|c: char| !(c.is_ascii_alphanumeric() || "/._-".contains(c))).next().unwrap();
            let cited = cited.trim_end_matches('.');
            // An ADR may be cited by its number alone.
            let exists = root().join(cited).exists() || is_adr(cited);
            if !exists {
                missing.insert(format!("{}: {cited}", source.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(missing.is_empty(), "cited and not there:\n  {}", missing.into_iter().collect::<Vec<_>>().join("\n  "));
}

#[test]
fn every_section_of_the_protocol_that_the_code_cites_exists() {
    let protocol = fs::read_to_string(root().join("docs/protocol.md")).unwrap();
    let sections: BTreeSet<_> = headings(&protocol).map(str::to_lowercase).collect();
    // Put together here, or this line would be a citation.
    let marker = ["`docs/protocol.md`", ", "].concat();
    let mut missing = BTreeSet::new();
    for source in files("rs") {
        let text = fs::read_to_string(&source).unwrap();
        // A citation may be broken over two comment lines.
        let joined =
            text.lines().map(str::trim).collect::<Vec<_>>().join(" ").replace(" /// ", " ").replace(" //! ", " ");
        for citation in joined.split(&marker).skip(1) {
            let cited = citation.split([')', ',', ';', '.', ':']).next().unwrap().to_lowercase();
            for section in cited.split(" and ").map(str::trim).filter(|section| !sections.contains(*section)) {
                missing.insert(format!("{}: {section}", source.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(missing.is_empty(), "no such section:\n  {}", missing.into_iter().collect::<Vec<_>>().join("\n  "));
}

#[test]
fn every_test_that_is_named_as_proof_exists() {
    let page = fs::read_to_string(root().join("docs/compatibility.md")).unwrap();
    let named: Vec<_> = page.split('`').skip(1).step_by(2).filter_map(|code| code.split_once(".rs::")).collect();
    assert!(named.len() > 50, "the page has lost its proofs");
    let is_missing = |(file, test): &&(&str, &str)| {
        let source = fs::read_to_string(root().join(format!("{file}.rs"))).unwrap_or_default();
        !source.contains(&format!("fn {test}("))
    };
    let missing: Vec<_> = named.iter().filter(is_missing).map(|(file, test)| format!("{file}.rs::{test}")).collect();
    assert!(missing.is_empty(), "named in docs/compatibility.md and not there:\n  {}", missing.join("\n  "));
}

#[test]
fn every_decision_stands_in_the_index() {
    let index = fs::read_to_string(root().join("docs/adr/README.md")).unwrap();
    let unlisted: Vec<_> = fs::read_dir(root().join("docs/adr"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md" && !index.contains(&format!("]({name})")))
        .collect();
    assert!(unlisted.is_empty(), "not in docs/adr/README.md: {unlisted:?}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The repository's files of that kind.
fn files(extension: &str) -> Vec<PathBuf> {
    let skipped = ["target", ".git", "deed-demo", "artifacts", "corpus"];
    let mut found = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !skipped.iter().any(|name| path.ends_with(name)) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The text without its blocks of code.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

fn leads_somewhere(document: &Path, target: &str) -> bool {
    if target.starts_with("https://") || target.starts_with("http://") {
        return true;
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let file = if file.is_empty() { document.to_owned() } else { document.with_file_name("").join(file) };
    match anchor {
        None => file.exists(),
        Some(anchor) => fs::read_to_string(file)
            .is_ok_and(|text| headings(&text).any(|heading| heading.to_lowercase().replace(' ', "-") == anchor)),
    }
}

fn headings(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim())
}

fn is_adr(cited: &str) -> bool {
    let Some(number) = cited.strip_prefix("docs/adr/").filter(|number| number.len() == 4) else { return false };
    fs::read_dir(root().join("docs/adr"))
        .unwrap()
        .any(|entry| entry.unwrap().file_name().into_string().unwrap().starts_with(&format!("{number}-")))
}
