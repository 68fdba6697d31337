//! `secrets.yml`: the secrets that the service makes for itself on its first start, beside the database and not in it.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use deed_domain::{claim_key::PepperId, ports::Entropy};
use zeroize::Zeroizing;

use super::{Config, secret::Secret, sections::NamedPepper};

const PEPPER_BYTES: usize = 32;
const SIGNING_KEY_BYTES: usize = 64;

const HEADING: &str = "\
# Secrets of this installation, made on its first start. Keep a copy apart from the database's backups:
# without the pepper no stored claim key works, and with pepper and database together keys can be guessed.
";

/// The secrets in use.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    /// What claim keys are digested with, the current pepper first.
    pub(crate) peppers: Vec<NamedPepper>,
    /// What signs tokens.
    pub(crate) signing_key: Secret,
}

/// Why there are no secrets to start with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretsError {
    /// A new pepper would make every stored key useless.
    #[error(
        "security.peppers is not set, {} has no pepper either, and the database {} may hold claim keys that need one: \
         restore secrets.yml from its backup, or configure security.peppers",
        file.display(),
        database.display()
    )]
    PepperLost {
        /// Where a pepper was looked for.
        file: PathBuf,
        /// The database.
        database: PathBuf,
    },
    /// A pepper that active keys were digested with is not there.
    #[error(
        "active claim keys in the database need the pepper `{}`, which is none of those configured: {}",
        id.0,
        if *is_shared {
            "add it to security.peppers, the same on every node"
        } else {
            "restore secrets.yml from its backup, or add the pepper to security.peppers"
        }
    )]
    OtherPepper {
        /// The pepper that is not there.
        id: PepperId,
        /// Whether several nodes share the database.
        is_shared: bool,
    },
    /// Another node has another pepper under the same id.
    #[error(
        "the pepper `{}` is not the one that the database knows under this id: configure the same on every node, or give a new \
         pepper an id of its own; if nobody has the old one any more, `deed forget-pepper {0}`",
        id.0
    )]
    ChangedPepper {
        /// The pepper.
        id: PepperId,
    },
    /// The other nodes would refuse the keys that this one issues.
    #[error(
        "the pepper `{}` is the first of this node, for new keys, and the database does not know it: other nodes would refuse \
         such keys. Configure the same on every node; a new pepper first stands behind another one on all of them",
        id.0
    )]
    UnknownPepper {
        /// The pepper.
        id: PepperId,
    },
    /// They are not configured, and cannot be made, as all nodes have to have the same.
    #[error("{setting} has to be set, the same on every node: on PostgreSQL the service makes no secrets of its own")]
    NotConfigured {
        /// The setting.
        setting: &'static str,
    },
    /// The file cannot be written.
    #[error("{} cannot be written: {why}", file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// Why.
        why: io::Error,
    },
}

impl Secrets {
    /// The configured secrets; what is missing is made and written down. A pepper is made only for a database that is
    /// not there yet.
    ///
    /// # Errors
    /// [`SecretsError`].
    pub(crate) fn complete(config: &Config, entropy: &dyn Entropy) -> Result<Self, SecretsError> {
        let file = config.storage.secrets_file();
        let mut made = Zeroizing::new(String::new());
        let signing_key = config.jwt.signing_key.clone().unwrap_or_else(|| {
            let key = random(entropy, SIGNING_KEY_BYTES);
            note(&mut made, format_args!("security.jwt.tokenSigningKey: {}", *key.to_base64()));
            key
        });
        let peppers = match &config.peppers.peppers {
            Some(peppers) => peppers.clone(),
            None if config.storage.database_file().exists() => {
                return Err(SecretsError::PepperLost { file, database: config.storage.database_file() });
            }
            None => {
                let pepper = new_pepper(entropy);
                let secret = pepper.secret.to_base64();
                note(&mut made, format_args!("security.peppers: [{{id: {}, secret: {}}}]", pepper.id.0, *secret));
                vec![pepper]
            }
        };
        if !made.is_empty() {
            add(&file, &made).map_err(|why| SecretsError::Unwritable { file, why })?;
        }
        Ok(Self { peppers, signing_key })
    }
}

impl Secrets {
    /// Those of a database that several nodes share: configured, as each of them has to have the same.
    ///
    /// # Errors
    /// [`SecretsError::NotConfigured`].
    pub(crate) fn of_all_nodes(config: &Config) -> Result<Self, SecretsError> {
        let missing = |setting| SecretsError::NotConfigured { setting };
        Ok(Self {
            peppers: config.peppers.peppers.clone().ok_or(missing("security.peppers"))?,
            signing_key: config.jwt.signing_key.clone().ok_or(missing("security.jwt.tokenSigningKey"))?,
        })
    }
}

fn note(made: &mut Zeroizing<String>, line: std::fmt::Arguments<'_>) {
    // Writing to a text does not fail.
    let _ = writeln!(made, "{line}");
}

/// The id is drawn as well, so that another installation's pepper is not taken for this one's.
fn new_pepper(entropy: &dyn Entropy) -> NamedPepper {
    let mut id = [0; 4];
    entropy.fill(&mut id);
    let id = PepperId(format!("p{:08x}", u32::from_be_bytes(id)));
    NamedPepper { id, secret: random(entropy, PEPPER_BYTES) }
}

fn random(entropy: &dyn Entropy, length: usize) -> Secret {
    let mut bytes = Zeroizing::new(vec![0; length]);
    entropy.fill(&mut bytes);
    Secret::new(bytes)
}

/// Puts the lines at the end of the file, so that either the old or the new content is there after a crash.
fn add(file: &Path, lines: &str) -> io::Result<()> {
    let before = match fs::read_to_string(file) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Zeroizing::new(HEADING.to_owned()),
        Err(error) => return Err(error),
    };
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unfinished = file.with_extension("yml.new");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut new = create_private(&unfinished)?;
    new.write_all(before.as_bytes())?;
    if !before.ends_with('\n') {
        new.write_all(b"\n")?;
    }
    new.write_all(lines.as_bytes())?;
    new.sync_all()?;
    fs::rename(&unfinished, file)?;
    File::open(directory)?.sync_all()
}

/// A new file that nobody else can read.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use deed_adapters::surroundings::OsEntropy;

    use super::*;
    use crate::config::{Inputs, load};

    fn start(data_dir: &Path) -> Result<Secrets, SecretsError> {
        let inputs = Inputs { command_line: vec![("dataDir", data_dir.display().to_string())], ..Inputs::default() };
        Secrets::complete(&load(inputs).unwrap().config, &OsEntropy)
    }

    #[test]
    fn the_first_start_makes_secrets_and_the_next_one_finds_them() {
        let directory = tempfile::tempdir().unwrap();
        let first = start(directory.path()).unwrap();
        let second = start(directory.path()).unwrap();
        assert_eq!(first.signing_key, second.signing_key);
        assert_eq!(first.peppers[0].secret, second.peppers[0].secret);
        assert_eq!(first.peppers[0].id, second.peppers[0].id);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(start(other.path()).unwrap().signing_key, first.signing_key);
    }

    #[test]
    #[cfg(unix)]
    fn nobody_else_can_read_them() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        start(directory.path()).unwrap();
        let mode = fs::metadata(directory.path().join("secrets.yml")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_database_without_its_pepper_says_so() {
        let directory = tempfile::tempdir().unwrap();
        start(directory.path()).unwrap();
        fs::write(directory.path().join("deed.db"), "").unwrap();
        fs::remove_file(directory.path().join("secrets.yml")).unwrap();
        assert!(matches!(start(directory.path()), Err(SecretsError::PepperLost { .. })));
    }

    #[test]
    fn what_is_missing_is_added_to_what_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secrets.yml");
        let first = start(directory.path()).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let peppers: Vec<_> = text.lines().filter(|line| !line.contains("tokenSigningKey")).collect();
        fs::write(&file, peppers.join("\n")).unwrap();
        let second = start(directory.path()).unwrap();
        assert_eq!(first.peppers[0].secret, second.peppers[0].secret);
        assert_ne!(first.signing_key, second.signing_key);
        assert_eq!(start(directory.path()).unwrap().signing_key, second.signing_key);
    }
}
