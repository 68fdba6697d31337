//! Finding devices by a part of their name or label.
//!
//! The index has, for every device, the words under which it is found: its tenant, and each three characters that follow
//! one another in a folded text, with two marks behind the end, so that each place of the text begins a word. SQLite's FTS5
//! keeps for each word the devices that have it. The words are made here, because its own tokenizers know neither tenants
//! nor texts of one or two characters.

use std::fmt::Write;

use deed_domain::{
    ids::TenantId,
    ports::{contains_folded, fold_case},
};
use rusqlite::{Connection, functions::FunctionFlags, params, types::ValueRef};

use crate::sqlite::error::SqlError;

/// The table, without a copy of the texts and without the places of the words in them.
pub(super) const DDL: &str = "CREATE VIRTUAL TABLE device_search
    USING fts5(words, tokenize = 'ascii', content = '', contentless_delete = 1, detail = none);";

/// Characters of a word.
const WORD: usize = 3;
/// Hexadecimal digits of a character in a word.
const DIGITS: usize = 6;
/// What stands behind the end of a text; no character has that number.
const END: u32 = 0x11_0000;
/// Most words of a searched text that the index is asked for; what it finds is compared in full.
const MOST_WORDS: usize = 32;

/// Adds a device.
pub(super) fn add(
    tx: &Connection,
    position: i64,
    tenant_id: TenantId,
    name: &str,
    label: Option<&str>,
) -> Result<(), SqlError> {
    let mut words = tenant_word(tenant_id);
    for text in [Some(name), label].into_iter().flatten() {
        let folded = fold_case(text);
        let numbers = digits(folded.chars().map(u32::from).chain([END; WORD - 1]));
        for start in (0..folded.chars().count()).map(|place| place * DIGITS) {
            words.push(' ');
            words.push_str(&numbers[start..start + WORD * DIGITS]);
        }
    }
    tx.prepare_cached("INSERT INTO device_search (rowid, words) VALUES (?1, ?2)")?.execute(params![position, words])?;
    Ok(())
}

/// Takes a device away.
pub(super) fn remove(tx: &Connection, position: i64) -> Result<(), SqlError> {
    tx.prepare_cached("DELETE FROM device_search WHERE rowid = ?1")?.execute([position])?;
    Ok(())
}

fn tenant_word(tenant_id: TenantId) -> String {
    format!("t{}", tenant_id.0.simple())
}

fn digits(numbers: impl Iterator<Item = u32>) -> String {
    numbers.fold(String::new(), |mut digits, number| {
        // Writing to a text does not fail.
        let _ = write!(digits, "{number:0DIGITS$x}");
        digits
    })
}

/// A text that is looked for.
pub(super) struct Searched {
    /// Its folded form, as the function `text_contains` takes it.
    pub(super) folded: String,
}

impl Searched {
    pub(super) fn new(text: &str) -> Self {
        Self { folded: fold_case(text) }
    }

    /// Whether the index finds exactly the devices with the text, and not also some with its words in other places.
    pub(super) fn is_exact(&self) -> bool {
        self.folded.chars().count() <= WORD
    }

    /// What FTS5 is asked for.
    pub(super) fn expression(&self, tenant_id: TenantId) -> String {
        let tenant = tenant_word(tenant_id);
        let numbers = digits(self.folded.chars().map(u32::from));
        let length = numbers.len() / DIGITS;
        if length < WORD {
            return format!("{tenant} AND \"{numbers}\"*");
        }
        let mut words: Vec<&str> = (0..=length - WORD)
            .map(|place| &numbers[place * DIGITS..(place + WORD) * DIGITS])
            .take(MOST_WORDS)
            .collect();
        words.sort_unstable();
        words.dedup();
        words.iter().fold(tenant, |expression, word| format!("{expression} AND \"{word}\""))
    }
}

/// Adds the function `text_contains(text, folded part)`; a text that is null contains nothing.
pub(in crate::sqlite) fn add_function(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("text_contains", 2, flags, |context| {
        Ok(match (context.get_raw(0), context.get_raw(1)) {
            (ValueRef::Text(text), ValueRef::Text(part)) => {
                let (text, part) = (String::from_utf8_lossy(text), String::from_utf8_lossy(part));
                contains_folded(&text, &part)
            }
            _ => false,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> String {
        Searched::new(text).expression(TenantId(uuid::Uuid::from_u128(0xa)))
    }

    const TENANT: &str = "t0000000000000000000000000000000a";

    #[test]
    fn short_texts_are_beginnings_of_words() {
        assert_eq!(expression("A"), format!("{TENANT} AND \"000061\"*"));
        assert_eq!(expression("aß"), format!("{TENANT} AND \"000061000073000073\""), "folded, it has three");
    }

    #[test]
    fn each_word_is_asked_for_once_and_not_too_many() {
        assert_eq!(expression("AAAA"), format!("{TENANT} AND \"000061000061000061\""));
        let long: String = ('a'..='z').cycle().take(26).chain('0'..='9').collect();
        assert_eq!(expression(&long).matches(" AND ").count(), MOST_WORDS);
    }
}
