//! The reference of every setting, generated into `docs/configuration.md`.

use std::fmt::Write;

use super::{sections, setting::Setting, unknown::WITHOUT_EFFECT};

const INTRODUCTION: &str = "\
# Configuration

<!-- Generated from the code by `deed config --reference`; a test fails when it is out of date. -->

`deed` is configured by one YAML file (`--config FILE` or `DEED_CONFIG`), by environment variables and by a few options
of the command line. The command line wins over the environment, the environment over the file, the file over
`secrets.yml` in the data directory, and that over the default. An empty variable counts as one that is not set.

Settings that ThingsBoard has keep ThingsBoard's names, so that the parts of its file that are about claiming, HTTP and tokens
can be taken over; the rest, which would have no effect here, has to go. Names may be nested or dotted, and `${NAME:default}` in a value is replaced by the environment variable. A setting's older names are
accepted too; its own name wins over them, with a warning where they differ.

Everything is checked before a port is opened. A name that is no setting, or a value that cannot be used, ends the
start with exit status 64 and a message that names it. `deed config` prints what is in effect and where it comes from,
secrets hidden.
";

/// The whole page.
pub(crate) fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    for section in sections() {
        page.push_str(&format!("\n## {}\n", section.about.trim()));
        section.settings.iter().for_each(|setting| describe(setting, &mut page));
    }
    page.push_str(
        "\n## Accepted without effect\n\nThese names of ThingsBoard's, and everything below them, are accepted in a file and change \
         nothing; each is mentioned in a warning.\n\n| name | why |\n|---|---|\n",
    );
    for (name, why) in WITHOUT_EFFECT {
        page.push_str(&format!("| `{name}` | {why} |\n"));
    }
    page
}

fn describe(setting: &Setting, page: &mut String) {
    let default = match (setting.default_note, setting.default) {
        (Some(note), _) => note.to_owned(),
        (None, default) => format!("`{default}`"),
    };
    // Writing to a text does not fail.
    let _ = write!(
        page,
        "\n### `{}`\n\n{}\n\n- value: {}\n- default: {default}\n- environment: `{}`\n",
        setting.key,
        setting.meaning.trim(),
        setting.kind,
        setting.variable,
    );
    if !setting.aliases.is_empty() {
        let aliases: Vec<_> = setting.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        let _ = writeln!(page, "- also known as: {}", aliases.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "whether to rewrite the page is the tester's choice")]
    fn the_committed_page_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
        if std::env::var_os("DEED_BLESS").is_some() {
            std::fs::write(path, reference()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == reference(),
            "docs/configuration.md is out of date; rewrite it with: DEED_BLESS=1 cargo test -p deed config"
        );
    }
}
