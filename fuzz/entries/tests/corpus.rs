//! Every entry over its committed seeds, whose names begin with what becomes of them: `accepted-` or `refused-`.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use deed_fuzz_entries::ENTRIES;

#[test]
fn every_seed_has_the_fate_that_its_name_says() {
    for (target, entry) in ENTRIES {
        let mut fates = BTreeSet::new();
        for seed in listed(&fuzz().join("corpus").join(target)) {
            let Some((fate @ ("accepted" | "refused"), _)) = seed.split_once('-') else { continue };
            let input = fs::read(fuzz().join("corpus").join(target).join(&seed)).unwrap();
            assert_eq!(entry(&input), fate == "accepted", "{target}/{seed}");
            fates.insert(fate.to_owned());
        }
        assert_eq!(fates.len(), 2, "{target} needs seeds of both kinds, and has {fates:?}");
    }
}

#[test]
fn every_seed_may_be_cut_off_anywhere() {
    for (target, entry) in ENTRIES {
        for seed in listed(&fuzz().join("corpus").join(target)) {
            let input = fs::read(fuzz().join("corpus").join(target).join(&seed)).unwrap();
            let step = input.len() / 512 + 1;
            for end in (0..input.len()).step_by(step) {
                entry(&input[..end]);
            }
        }
    }
}

#[test]
fn every_entry_has_its_target_and_its_seeds() {
    let named = ENTRIES.iter().map(|(name, _)| *name);
    // It is there, too, in a build without it.
    let entries: BTreeSet<_> = named.chain(["dtls_datagram"]).map(str::to_owned).collect();
    assert_eq!(listed(&fuzz().join("corpus")), entries);
    let files = entries.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(listed(&fuzz().join("targets")), files);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let paths = manifest.lines().filter_map(|line| line.strip_prefix("path = \"targets/")?.strip_suffix('"'));
    assert_eq!(paths.map(str::to_owned).collect::<BTreeSet<_>>(), files);
    for name in entries {
        let target = fs::read_to_string(fuzz().join("targets").join(format!("{name}.rs"))).unwrap();
        assert!(target.contains(&format!("deed_fuzz_entries::{name}(input)")), "{name}");
    }
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn listed(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
