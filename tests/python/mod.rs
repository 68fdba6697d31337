//! The Python environment that `./task` makes from `tests/python/requirements.txt`.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A program of the environment, with nothing of the developer's own environment that Python would heed.
pub(crate) fn program(name: &str) -> Command {
    let path = environment().join("bin").join(name);
    assert!(path.exists(), "{} is not there: `./task test` makes the Python environment first", path.display());
    let mut command = Command::new(path);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("PYTHONPATH").env_remove("PYTHONHOME");
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1").env("NO_PROXY", "*");
    command
}

/// Runs it to its end and shows what it printed if it failed.
pub(crate) fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?} ended with {status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

/// Beside what cargo builds, and made for this repository alone.
fn environment() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("python")
}
