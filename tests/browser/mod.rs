//! Node and the packages that `./task` installs for it, by the lists in `tests/browser/`.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::deed::{MARK, Server};

/// Runs the tests of that file in `tests/browser/` against the server. All of them have to pass, and none may be left out.
pub(crate) fn drive(server: &Server, file: &str) {
    let mut driving = program();
    driving
        .args(["--test", "--test-reporter=tap", "--test-timeout=300000"])
        .arg(format!("tests/browser/{file}"))
        .env("DEED_URL", &server.url)
        .env("DEED_PROGRAM", env!("CARGO_BIN_EXE_deed"));
    let Output { status, stdout, stderr } = driving.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    let counted = |what: &str| {
        let start = format!("# {what} ");
        stdout.lines().find_map(|line| line.strip_prefix(&start)).and_then(|count| count.parse::<usize>().ok())
    };
    let counts = ["pass", "fail", "cancelled", "skipped", "todo"].map(counted);
    let passed = counts[0].is_some_and(|count| count > 0) && counts[1..] == [Some(0); 4];
    assert!(status.success() && passed, "{file}: {status}, {counts:?}\n{stdout}\n{stderr}");
}

/// Node, in which the packages of `tests/browser/package.json` can be found by `DEED_BROWSER`. Keys that a test makes up have
/// `DEED_MARK` in them.
pub(crate) fn program() -> Command {
    let mut command = Command::new("node");
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("DEED_BROWSER", path())
        .env("DEED_MARK", MARK)
        .env_remove("NODE_OPTIONS");
    command
}

/// Where the packages are.
fn path() -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("browser");
    assert!(path.join("node_modules").exists(), "{} is not there: `./task test` makes it first", path.display());
    path
}
