//! `deed import`, by the real binary.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use deed::{Server, deed, on_postgres, run, world::sign_in};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A data directory with the demo's tenant, and no server on it.
fn prepared() -> TempDir {
    let data = tempfile::tempdir().unwrap();
    drop(serve(data.path()));
    data
}

fn serve(data: &Path) -> Server {
    Server::start(deed(data).args(["serve", "--demo"]))
}

fn import(data: &Path, arguments: &[&str]) -> (i32, String, String) {
    run(deed(data).arg("import").args(arguments))
}

/// Writes a file beside the data, and gives its path.
fn file(data: &TempDir, name: &str, text: &str) -> String {
    let path = data.path().join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The cells of each label; the cells of these tests have no quotes.
fn labels(text: &str) -> Vec<Vec<&str>> {
    let mut lines = text.lines();
    let header = "name,type,label,secretKey,expirationTime,expires,accessToken,deviceId";
    assert_eq!(lines.next(), Some(header));
    lines.map(|line| line.split(',').collect()).collect()
}

#[tokio::test]
async fn what_the_labels_say_is_what_claims_the_devices() {
    let data = prepared();
    let devices = file(
        &data,
        "devices.csv",
        "Name,Type,Label,secret_key,expirationTime,accessToken,server:serial,gateway\n\
         P-1,sensor,first,,,,,\n\
         P-2,,,CHOSEN-1,2099-01-01T00:00:00Z,P2-TOKEN,007,true\n",
    );
    let out = data.path().join("labels.csv");
    let (status, printed, error) =
        import(data.path(), &[&devices, "--out", out.to_str().unwrap(), "--valid-for", "2d"]);
    assert_eq!((status, printed.as_str(), error.as_str()), (0, "", ""), "silent in a pipe");
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&out).unwrap();
    let [first, second] = &labels(&text)[..] else { panic!("{text}") };
    assert_eq!((first[0], first[1], first[2], first[3].len(), first[6].len()), ("P-1", "sensor", "first", 19, 20));
    assert_eq!(second[..4], ["P-2", "default", "", "CHOSEN-1"]);
    assert_eq!(second[4..7], ["4070908800000", "2099-01-01T00:00:00.000Z", "P2-TOKEN"]);
    let (status, checked, _) = run(deed(data.path()).arg("check"));
    assert_eq!(status, 0, "{checked}");

    let server = serve(data.path());
    let client = Client::new();
    let customer = sign_in(&client, &server.url, "customer@thingsboard.org", "customer").await;
    for label in [first, second] {
        let url = format!("{}/api/customer/device/{}/claim", server.url, label[0]);
        let claim = client.post(url).bearer_auth(&customer).json(&json!({"secretKey": label[3]}));
        let answer = claim.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let device: Value = answer.json().await.unwrap();
        assert_eq!(device["id"]["id"], label[7]);
        let state = client.get(format!("{}/api/v1/{}/claim", server.url, label[6])).send().await.unwrap();
        assert_eq!(state.status(), StatusCode::OK, "the token on the label is the device's");
    }
    // A database on a server is several processes' at once.
    if !on_postgres() {
        let (status, _, error) = import(data.path(), &[&devices]);
        assert_eq!(status, 73, "{error}");
        assert!(error.contains("in use by process") && error.contains("(deed serve --demo)"), "{error}");
    }
    let log = server.stop().1;
    assert!(!log.contains("CHOSEN-1") && !log.contains(first[3]), "{log}");
}

#[test]
fn an_import_that_was_cut_off_goes_on() {
    let data = prepared();
    let out = data.path().join("labels.csv");
    let out = out.to_str().unwrap();
    let some = file(&data, "some.csv", "name\nR-1\nR-2\n");
    assert_eq!(import(data.path(), &[&some, "--out", out]).0, 0);
    // The last label was being written when the machine stopped.
    let text = fs::read_to_string(out).unwrap();
    let cut = text.rfind("R-2").unwrap() + "R-2,def".len();
    fs::write(out, &text[..cut]).unwrap();

    let all = file(&data, "all.csv", &(1..=700).fold("name\n".to_owned(), |text, n| text + &format!("R-{n}\n")));
    let (status, printed, error) = import(data.path(), &[&all, "--out", out]);
    assert_eq!((status, printed.as_str()), (0, ""));
    assert!(error.contains("2 devices were there already and are left as they are"), "{error}");
    assert!(error.contains("1 of them are not in the output, so their keys are not known: R-2\n"), "{error}");
    let text = fs::read_to_string(out).unwrap();
    let (whole, torn): (Vec<_>, Vec<_>) = labels(&text).into_iter().partition(|label| label.len() == 8);
    assert_eq!((whole.len(), torn), (699, vec![vec!["R-2", "def"]]));
    let keys: BTreeSet<_> = whole.iter().map(|label| label[3]).collect();
    assert_eq!(keys.len(), 699, "no two keys are the same");
    // In the order of the file.
    assert!(whole.windows(2).all(|pair| pair[0][0][2..].parse::<u32>().unwrap() < pair[1][0][2..].parse().unwrap()));
}

#[test]
fn labels_that_nobody_reads_end_the_import() {
    let data = prepared();
    // More labels than a pipe holds, so that the import waits for its reader before it is done.
    let text = (1..=3_000).fold("name\n".to_owned(), |text, n| text + &format!("L-{n}\n"));
    let all = file(&data, "all.csv", &text);
    let mut command = deed(data.path());
    let mut child = command.args(["import", &all]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("name,") && lines.next().unwrap().unwrap().starts_with("L-1,"));
    drop(lines);
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(74), "{error}");
    assert!(error.contains("deed: the labels cannot be written: Broken pipe"), "{error}");
    assert!(error.contains("POST /api/devices/{deviceId}/claim-keys"), "{error}");
    let told = error.lines().find_map(|line| line.split_once(" devices were made that are not in the output"));
    let unlabelled: usize = told.unwrap().0.parse().unwrap();
    assert!((1..=64).contains(&unlabelled), "{error}");
    let named = error.lines().find_map(|line| line.split_once("their keys are not known: ")).unwrap().1;
    assert_eq!(named.split(", ").filter(|name| name.starts_with("L-")).count(), unlabelled, "each is named: {error}");

    let out = data.path().join("labels.csv");
    let (status, _, again) = import(data.path(), &[&all, "--out", out.to_str().unwrap()]);
    let there = again.lines().find_map(|line| line.split_once(" devices were there already"));
    let there: usize = there.unwrap().0.parse().unwrap();
    assert!(status == 0 && there >= unlabelled && there < 1_500, "{again}");
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_is_made_where_not_even_the_header_can_be_written() {
    let data = prepared();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let good = file(&data, "good.csv", "name\nM-1\n");
    let ended = deed(data.path()).args(["import", &good]).stdout(full).output().unwrap();
    let error = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(74), "{error}");
    assert!(error.contains("No space left on device") && error.contains("; no device was made"), "{error}");
    let (status, printed, error) = import(data.path(), &[&good, "--out", "/dev/full"]);
    assert_eq!((status, printed.as_str()), (74, ""), "{error}");
    assert!(error.contains("No space left on device") && error.contains("; no device was made"), "{error}");
    assert_eq!(labels(&import(data.path(), &[&good]).1).len(), 1);
}

#[test]
#[cfg(target_os = "linux")]
fn labels_go_to_devices_and_pipes_too() {
    let data = prepared();
    let before = fs::metadata("/dev/null").unwrap().permissions().mode();
    let devices = |name: &str| file(&data, &format!("{name}.csv"), &format!("name\n{name}-1\n{name}-2\n"));
    let imported = import(data.path(), &[&devices("X"), "--out", "/dev/null"]);
    assert_eq!(imported, (0, String::new(), String::new()));
    assert_eq!(fs::metadata("/dev/null").unwrap().permissions().mode(), before, "it is nobody's own");
    let (status, printed, error) = import(data.path(), &[&devices("Y"), "--out", "/dev/stdout"]);
    assert_eq!((status, labels(&printed).len(), error.as_str()), (0, 2, ""));

    let pipe = data.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut command = deed(data.path());
    command.args(["import", &devices("Z"), "--out", pipe.to_str().unwrap()]).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let text = fs::read_to_string(&pipe).unwrap();
    assert_eq!((labels(&text).len(), child.wait_with_output().unwrap().status.code()), (2, Some(0)));
    let (status, _, error) = import(data.path(), &[&devices("A"), "--out", data.path().to_str().unwrap()]);
    assert_eq!(status, 74, "a directory is neither: {error}");
}

#[tokio::test]
async fn claiming_data_is_the_key_and_its_time() {
    let data = prepared();
    let devices = file(
        &data,
        "devices.csv",
        "name,server:claimingData\n\
         C-1,\"{\"\"secretKey\"\":\"\"CHOSEN-1\"\",\"\"expirationTime\"\":4070908800000}\"\n\
         C-2,\n\
         C-3,CHOSEN-3\n\
         C-4,\"{\"\"secretKey\"\":\"\"CHOSEN-4\"\"}\"\n\
         C-5,{}\n",
    );
    let (status, printed, error) = import(data.path(), &[&devices]);
    let [first, second] = &labels(&printed)[..] else { panic!("{printed}{error}") };
    assert_eq!((status, first[0], first[3], first[4]), (1, "C-1", "CHOSEN-1", "4070908800000"));
    assert_eq!((second[0], second[3].len()), ("C-2", 19), "an empty cell is the same as none");
    assert!(error.contains("line 4: the attribute claimingData must hold {\"secretKey\": "), "{error}");
    assert!(error.contains("line 6: claimingData has no key"), "{error}");
    assert!(error.contains("line 5: expirationTime has passed") && !error.contains("CHOSEN"), "{error}");

    for other in ["secretKey", "expirationTime"] {
        let both = file(&data, "both.csv", &format!("name,server:claimingData,{other}\nB-1,,\n"));
        let (status, printed, error) = import(data.path(), &[&both]);
        assert_eq!((status, printed.as_str()), (66, ""), "{error}");
        let told = format!("the columns \"server:claimingData\" and {other:?} both say what the claim key is");
        assert!(error.contains(&told), "{error}");
    }
    let server = serve(data.path());
    let client = Client::new();
    let customer = sign_in(&client, &server.url, "customer@thingsboard.org", "customer").await;
    let claim = client.post(format!("{}/api/customer/device/C-1/claim", server.url)).bearer_auth(&customer);
    assert_eq!(claim.json(&json!({"secretKey": "CHOSEN-1"})).send().await.unwrap().status(), StatusCode::OK);
}

#[test]
fn lines_that_fail_are_told_and_the_others_imported() {
    let data = prepared();
    let devices = "name,accessToken,expirationTime,claimingAllowed\nW-1,A1_DEMO_TOKEN,\n,,\nW-2,,5\nDemo-1,,\nW-3,,\nW-3,,\n\
        W-4,,,yes\n";
    let mut command = deed(data.path());
    command.args(["import", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(devices.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (printed, error) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1), "{error}");
    let names: Vec<_> = labels(&printed).into_iter().map(|label| label[0].to_owned()).collect();
    assert_eq!(names, ["W-3"]);
    for line in [
        "line 2: another device has the same credentials",
        "line 3: Device name should be specified!",
        "line 4: expirationTime has passed",
        "line 7: line 6 has the same name",
        "1 devices were there already and are left as they are",
        "line 8: claimingAllowed must be one of true, false, 1, 0",
        "deed: 5 of 7 lines were not imported",
    ] {
        assert!(error.lines().any(|told| told == line), "{line}\n{error}");
    }
}

#[test]
fn what_cannot_be_imported_changes_nothing() {
    let data = prepared();
    let good = file(&data, "good.csv", "name\nN-1\n");
    let other = file(&data, "other.txt", "something else\n");
    for (status, arguments, told) in [
        (66, vec![file(&data, "a.csv", "")], "is empty"),
        (66, vec![file(&data, "b.csv", "name,colour\nN-1,red\n")], "there is no column \"colour\""),
        (66, vec![file(&data, "c.csv", "name\nN-1,red\n")], "Line 2: there are more cells than columns"),
        (66, vec![file(&data, "d.csv", "name,Name\nN-1,N-2\n")], "two columns are called \"Name\""),
        (66, vec!["nowhere.csv".to_owned()], "nowhere.csv: "),
        (64, vec![good.clone(), "--valid-for".to_owned(), "soon".to_owned()], "90d"),
        (64, vec![good.clone(), "--out".to_owned(), other.clone()], "--out needs a new file"),
        (1, vec![good.clone(), "--tenant".to_owned(), "Nobody".to_owned()], "there is no tenant \"Nobody\""),
    ] {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let (ended, printed, error) = import(data.path(), &arguments);
        assert_eq!((ended, printed.as_str()), (status, ""), "{arguments:?}\n{error}");
        assert!(error.contains(told), "{arguments:?}\n{error}");
    }
    assert_eq!(fs::read_to_string(other).unwrap(), "something else\n");
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(import(empty.path(), &[&good]).0, 69);
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0, "nothing is made where nothing was");
    let (status, printed, error) = import(data.path(), &[&good, "--tenant", "Demo Tenant"]);
    assert_eq!((status, labels(&printed).len()), (0, 1), "{error}");
}

#[test]
fn help_lists_the_columns() {
    let (status, help, _) = run(Command::new(env!("CARGO_BIN_EXE_deed")).args(["import", "--help"]));
    assert_eq!(status, 0);
    assert!(help.contains("[default: the tenant's default profile]"), "{help}");
    for word in ["expirationTime", "accessToken", "server:KEY", "--valid-for", "--tenant", "--out"] {
        assert!(help.contains(word), "{word}\n{help}");
    }
}
