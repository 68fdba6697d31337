//! Files of devices.

use deed_domain::{
    device::{CLAIMING_ALLOWED, CLAIMING_DATA},
    import::{Column, Delimiter, ImportPlan},
    ports::AttributeScope,
};

const BYTE_ORDER_MARK: char = '\u{feff}';

/// A bulk import: a byte order mark before the file and one more end of line after it change nothing, the lines are in
/// the order of the file, and nothing that is shown of it holds a secret.
pub fn import(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let Some(plan) = plan(text) else { return false };
    let shown = format!("{plan:?}");
    if !text.starts_with(BYTE_ORDER_MARK) {
        assert_eq!(planned(&format!("{BYTE_ORDER_MARK}{text}")).as_ref(), Some(&shown), "the mark means nothing");
    }
    assert_eq!(planned(&format!("{text}\n")).as_ref(), Some(&shown), "one more end of line means nothing");
    assert!(plan.lines.is_sorted_by(|a, b| a.number < b.number));
    for device in plan.lines.iter().filter_map(|line| line.device.as_ref().ok()) {
        let shown = format!("{:?}", device.credentials);
        let secret = device.credentials.as_ref().map(|credentials| credentials.id().expose());
        assert!(secret.is_none_or(|secret| secret.len() < 24 || !shown.contains(secret)), "a token is not shown");
    }
    true
}

fn planned(text: &str) -> Option<String> {
    plan(text).map(|plan| format!("{plan:?}"))
}

fn plan(text: &str) -> Option<ImportPlan> {
    let attribute = |key: &str| Column::Attribute(AttributeScope::Server, key.to_owned());
    let columns = [
        Column::Name,
        Column::Type,
        Column::AccessToken,
        attribute(CLAIMING_DATA),
        attribute(CLAIMING_ALLOWED),
        attribute("plain"),
        Column::MqttUserName,
        Column::IsGateway,
    ];
    ImportPlan::read(text, Delimiter::COMMA, true, &columns).ok()
}
