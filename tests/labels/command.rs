//! `deed labels`, by the real binary.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use reqwest::{Client, StatusCode};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    deed::{
        deed, on_postgres, run,
        world::{percent, serve, sign_in},
    },
    reader::links,
};

/// A data directory with the demo's tenant and two devices of ours, whose import's labels are in a file.
fn prepared() -> (TempDir, String) {
    let data = TempDir::new().unwrap();
    drop(serve(&data, &[]));
    let (devices, labels) = (data.path().join("devices.csv"), data.path().join("imported.csv"));
    fs::write(&devices, "name\nP 1\n温度計\n").unwrap();
    let (status, _, error) = run(deed(data.path()).arg("import").arg(devices).arg("--out").arg(&labels));
    assert_eq!(status, 0, "{error}");
    (data, labels.to_str().unwrap().to_owned())
}

fn print(data: &Path, arguments: &[&str]) -> (i32, String) {
    let (status, _, error) = run(deed(data).arg("labels").args(arguments));
    (status, error)
}

#[tokio::test]
async fn printed_labels_claim() {
    let (data, imported) = prepared();
    let out = |name: &str| data.path().join(name).to_str().unwrap().to_owned();
    let (new, old) = (out("new.pdf"), out("old.zpl"));
    let url = ["--url", "https://deed.example/here/"];
    let made = print(data.path(), &[&["--device", "P 1", "P 1", "--paper", "label", "--out", &new], &url[..]].concat());
    assert_eq!(made, (0, String::new()), "silent in a pipe");
    assert_eq!(fs::metadata(&new).unwrap().permissions().mode() & 0o777, 0o600);
    // Whatever script: a printer has fonts of its own.
    let from = [&["--from", &imported, "--format", "zpl", "--size", "60x40", "--out", &old], &url[..]].concat();
    assert_eq!(print(data.path(), &from), (0, String::new()));
    let labels = fs::read_to_string(&old).unwrap();
    let second = labels.split_inclusive("^XZ\n").nth(1).unwrap();

    let server = serve(&data, &[]);
    let client = Client::new();
    let customer = sign_in(&client, &server.url, "customer@thingsboard.org", "customer").await;
    let directory = TempDir::new().unwrap();
    for (format, label, name) in [("pdf", fs::read(&new).unwrap(), "P 1"), ("zpl", second.into(), "温度計")] {
        let read = links(directory.path(), format, &label);
        let [link] = &read[..] else { panic!("{format}: {read:?}") };
        assert_eq!((link.base.as_str(), link.name.as_str()), ("https://deed.example/here", name));
        let url = format!("{}/api/customer/device/{}/claim", server.url, percent(name));
        let claim = client.post(url).bearer_auth(&customer).json(&json!({"secretKey": link.key}));
        assert_eq!(claim.send().await.unwrap().status(), StatusCode::OK, "{format}");
    }
    // A database on a server is several processes' at once.
    if !on_postgres() {
        let (status, error) = print(data.path(), &[&["--all", "--out", &out("busy.pdf")], &url[..]].concat());
        assert!(status == 73 && error.contains("in use by process"), "{error}");
    }
    drop(server);
    let (status, error) = print(data.path(), &[&["--device", "P 1", "--out", &out("late.pdf")], &url[..]].concat());
    assert!(status == 1 && error.contains("customers own all these devices"), "{error}");
    assert!(!Path::new(&out("late.pdf")).exists());
}

#[test]
fn what_cannot_be_printed_is_told_before_anything_is_made() {
    let (data, imported) = prepared();
    let out = data.path().join("labels.pdf").to_str().unwrap().to_owned();
    let url = ["--url", "https://deed.example"];
    let told = |arguments: &[&str], expected: i32, words: &str| {
        let (status, error) = print(data.path(), &[arguments, &["--out", &out]].concat());
        assert!(status == expected && error.contains(words), "{arguments:?}: {status} {error}");
        assert!(!Path::new(&out).exists(), "{arguments:?}");
    };
    told(&["--all"], 64, "--url or server.base_url");
    told(&["--all", url[0], "deed.example"], 64, "http://");
    told(&[&["--device", "none"], &url[..]].concat(), 1, "there is no device \"none\"");
    told(&[&["--all"], &url[..]].concat(), 64, "\"温度計\": the font of labels cannot print it");
    told(&[&["--from", &imported], &url[..]].concat(), 64, "\"温度計\"");
    told(&[&["--all", "--format", "svg"], &url[..]].concat(), 64, "a picture holds one label");
    told(&[&["--device", "P 1", "--skip", "21"], &url[..]].concat(), 64, "--skip must be less than 21");
    told(&[&["--device", "P 1", "--font", &imported], &url[..]].concat(), 64, "is no TrueType font");
    told(&[&["--device", "P 1", "--size", "10x10"], &url[..]].concat(), 64, "20x20");
    told(&url, 64, "--device");
    // What is there already is left alone.
    fs::write(&out, "labels of yesterday").unwrap();
    let (status, error) = print(data.path(), &[&["--device", "P 1", "--out", &out], &url[..]].concat());
    assert!(status == 64 && error.contains("is there already"), "{error}");
    assert_eq!(fs::read_to_string(&out).unwrap(), "labels of yesterday");
}
