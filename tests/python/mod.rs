//! The Python environments that `./task` makes, each from one list in `tests/python/`.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A program of that environment, with nothing of the developer's own that Python would heed.
pub(crate) fn program(environment: &str, name: &str) -> Command {
    let mut command = Command::new(path(environment, name));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("PYTHONPATH").env_remove("PYTHONHOME");
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1").env("NO_PROXY", "*");
    command
}

/// Where that program is.
pub(crate) fn path(environment: &str, name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name(environment).join("bin").join(name);
    assert!(path.exists(), "{} is not there: `./task test` makes the Python environment first", path.display());
    path
}

/// Runs it to its end and shows what it printed if it failed.
pub(crate) fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?} ended with {status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}
