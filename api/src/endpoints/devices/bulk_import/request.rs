//! What is to be imported, and what its columns mean.

use deed_domain::attributes::check_key;
use deed_domain::import::{Column, Delimiter, ImportPlan, UnreadableTable};
use utoipa::ToSchema;

use crate::{error::ApiError, extract::JsonObject};

/// An import. Further members mean nothing.
#[derive(Debug, ToSchema)]
#[schema(as = BulkImportRequest, rename_all = "camelCase")]
pub(crate) struct BulkImport {
    /// Comma-separated values (RFC 4180).
    #[schema(
        example = "name,type,key\nD-1,default,\"{\"\"secretKey\"\":\"\"k\"\",\"\"expirationTime\"\":1893456000000}\"\n"
    )]
    pub(super) file: String,
    /// What the columns mean.
    pub(super) mapping: Mapping,
}

/// How the file is to be read.
#[derive(Debug, ToSchema)]
#[schema(as = BulkImportMapping, rename_all = "camelCase")]
pub(crate) struct Mapping {
    /// The columns from left to right. A line may have fewer cells.
    #[schema(value_type = Vec<ColumnJson>)]
    columns: Vec<Column>,
    /// What stands between two cells, one character; a comma if it is missing.
    #[schema(value_type = Option<String>, example = ",")]
    delimiter: Delimiter,
    /// Whether devices that are there are updated; if not, they are left as they are.
    #[schema(value_type = Option<bool>)]
    pub(super) update: bool,
    /// Whether the first line holds the names of the columns and no device.
    #[schema(value_type = Option<bool>)]
    header: bool,
}

/// A column.
#[derive(Debug, ToSchema)]
#[schema(as = BulkImportColumn, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the request; columns are read by `column`")]
pub(crate) struct ColumnJson {
    /// `NAME`, `TYPE`, `LABEL`, `SERVER_ATTRIBUTE`, `SHARED_ATTRIBUTE`, `ACCESS_TOKEN`, `X509`, `MQTT_CLIENT_ID`,
    /// `MQTT_USER_NAME`, `MQTT_PASSWORD`, `IS_GATEWAY` or `DESCRIPTION`. `TIMESERIES`, `ROUTING_KEY` and `SECRET` mean
    /// nothing, `LWM2M_…` and `SNMP_…` are errors of the lines that have a value there.
    #[schema(rename = "type", example = "SERVER_ATTRIBUTE")]
    kind: String,
    /// The attribute's key; a column without one means nothing.
    #[schema(example = "claimingData")]
    key: Option<String>,
}

impl BulkImport {
    pub(super) fn read(members: &JsonObject) -> Result<Self, ApiError> {
        let missing = |name: &str| ApiError::malformed(format!("Member '{name}' is missing"));
        let mapping = members.nested("mapping")?.ok_or_else(|| missing("mapping"))?;
        let columns = mapping.list("columns")?.ok_or_else(|| missing("mapping.columns"))?;
        let delimiter = mapping.text("delimiter")?;
        Ok(Self {
            file: members.text("file")?.ok_or_else(|| missing("file"))?,
            mapping: Mapping {
                columns: (1..)
                    .zip(&columns)
                    .map(|(number, members)| column(number, members))
                    .collect::<Result<_, _>>()?,
                delimiter: delimiter
                    .map_or(Ok(Delimiter::COMMA), |text| Delimiter::parse(&text))
                    .map_err(unreadable)?,
                update: mapping.flag("update")?.unwrap_or(false),
                header: mapping.flag("header")?.unwrap_or(false),
            },
        })
    }
}

fn column(number: usize, members: &JsonObject) -> Result<Column, ApiError> {
    let kind = members.text("type")?.unwrap_or_default();
    let key = members.text("key")?;
    let unknown = || ApiError::unknown(&format!("Member 'mapping.columns': the type of column {number}"), &kind);
    let column = Column::of(&kind, key.as_deref()).ok_or_else(unknown)?;
    if let Column::Attribute(_, key) = &column {
        check_key(key)?;
    }
    Ok(column)
}

impl Mapping {
    /// What the lines of the file ask for.
    pub(super) fn plan(&self, file: &str) -> Result<ImportPlan, ApiError> {
        ImportPlan::read(file, self.delimiter, self.header, &self.columns).map_err(unreadable)
    }
}

fn unreadable(error: UnreadableTable) -> ApiError {
    ApiError::malformed(error.to_string())
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use serde_json::{Value, json};

    use super::*;

    fn read(body: &Value) -> Result<(usize, bool), String> {
        let read = JsonObject::parse(&Bytes::from(body.to_string())).and_then(|members| {
            let request = BulkImport::read(&members)?;
            Ok((request.mapping.plan(&request.file)?.lines.len(), request.mapping.update))
        });
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn a_comma_is_the_default_and_nothing_is_updated_unless_it_is_said() {
        let request = json!({"file": "a,b\nc,d", "mapping": {"columns": [{"type": "NAME"}, {"type": "LABEL"}]}});
        assert_eq!(read(&request), Ok((2, false)));
        let flags = json!({"columns": [{"type": "NAME"}], "delimiter": ";", "update": "true", "header": true, "x": 1});
        assert_eq!(read(&json!({"file": "a;\nb", "mapping": flags})), Ok((1, true)));
    }

    #[test]
    fn what_makes_no_import_is_refused() {
        let name = json!([{"type": "NAME"}]);
        for (body, message) in [
            (json!({"file": "x"}), "Member 'mapping' is missing"),
            (json!({"mapping": {"columns": name}}), "Member 'file' is missing"),
            (json!({"file": "x", "mapping": {}}), "Member 'mapping.columns' is missing"),
            (
                json!({"file": "x", "mapping": {"columns": [{"type": "NAME"}, {"type": "NOTHING"}]}}),
                "Member 'mapping.columns': the type of column 2 cannot be 'NOTHING'",
            ),
            (
                json!({"file": "x", "mapping": {"columns": [5]}}),
                "JSON parse error: member 'columns' must be a list of objects",
            ),
            (json!({"file": "", "mapping": {"columns": name}}), "The file is empty"),
            (json!({"file": "a\nb,c", "mapping": {"columns": name}}), "Line 2: there are more cells than columns"),
            (json!({"file": "\"a", "mapping": {"columns": name}}), "Line 1: a quoted cell is not closed"),
            (
                json!({"file": "x", "mapping": {"columns": name, "delimiter": ";;"}}),
                "The delimiter must be one character, other than a quote or the end of a line",
            ),
            (
                json!({"file": "x", "mapping": {"columns": [{"type": "SERVER_ATTRIBUTE", "key": "<b>"}]}}),
                "Validation error: key is malformed",
            ),
        ] {
            assert_eq!(read(&body).unwrap_err(), message, "{body}");
        }
    }
}
