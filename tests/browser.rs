//! The pages in a real browser, Debian's Chromium: what people see and do, with the service behind it.
//!
//! Each file in `tests/browser/` is a program of its own, with a browser and a service of its own.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "browser/mod.rs"]
mod browser;
#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;

use self::{browser::drive, deed::world::serve};
use tempfile::TempDir;

#[test]
fn docs() {
    let data = TempDir::new().unwrap();
    drive(&serve(&data, &[]), "docs.mjs");
}

#[test]
fn pages() {
    let data = TempDir::new().unwrap();
    drive(&serve(&data, &[]), "pages.mjs");
}

#[test]
fn import() {
    let data = TempDir::new().unwrap();
    drive(&serve(&data, &[]), "import.mjs");
}

#[test]
fn claim() {
    let data = TempDir::new().unwrap();
    drive(&serve(&data, &[]), "claim.mjs");
}

#[test]
fn widget() {
    let data = TempDir::new().unwrap();
    drive(&serve(&data, &[]), "widget.mjs");
}

#[test]
fn scan() {
    let data = TempDir::new().unwrap();
    drive(&serve(&data, &[]), "scan.mjs");
}

#[test]
fn tenant() {
    let data = TempDir::new().unwrap();
    drive(&serve(&data, &[]), "tenant.mjs");
}

#[test]
fn audit() {
    let data = TempDir::new().unwrap();
    drive(&serve(&data, &[]), "audit.mjs");
}

#[test]
fn labels() {
    let data = TempDir::new().unwrap();
    drive(&serve(&data, &[]), "labels.mjs");
}
