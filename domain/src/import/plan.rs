//! What the lines of an import ask for.

use std::{borrow::Cow, collections::HashMap};

use serde_json::{Map, Value};

use super::{Column, Delimiter, Record, UnreadableTable, table::Records, typed};
use crate::{
    claims::{ClaimingChange, ClaimingData, DataChange, DeviceAttributes, SwitchChange, is_allowed},
    credentials::{InvalidCredentials, NewCredentials},
    device::{CLAIMING_ALLOWED, CLAIMING_DATA},
    ports::AttributeScope,
    texts::{InvalidText, check_name, check_text},
};

/// Most lines of a plan. What a line takes in memory is many times what it takes in the file.
const MOST_LINES: usize = 100_000;

/// The lines of a file that ask for a device, in the order of the file.
#[derive(Clone, Debug)]
pub struct ImportPlan {
    /// The lines.
    pub lines: Vec<PlannedLine>,
}

/// A line of a file.
#[derive(Clone, Debug)]
pub struct PlannedLine {
    /// The number of the line in the file; the first one is 1.
    pub number: usize,
    /// What it asks for.
    pub device: Result<ImportedDevice, LineError>,
}

/// A device as a line has it. An empty cell is the same as none, and leaves what a device has.
#[derive(Clone, Debug, Default)]
pub struct ImportedDevice {
    /// Unique among the tenant's devices.
    pub name: String,
    /// The name of its profile.
    pub device_type: Option<String>,
    /// A free text for people.
    pub label: Option<String>,
    /// Whether it is a gateway.
    pub gateway: Option<bool>,
    /// A description.
    pub description: Option<String>,
    /// What it authenticates with.
    pub credentials: Option<NewCredentials>,
    /// Its attributes, the claiming ones included.
    pub attributes: DeviceAttributes,
}

/// Why a line asks for no device. Shows no cell that could be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It names none.
    #[error("Device name should be specified!")]
    NoName,
    /// Its name, type or label cannot be one.
    #[error(transparent)]
    Text(#[from] InvalidText),
    /// Its credentials cannot be used.
    #[error(transparent)]
    Credentials(#[from] InvalidCredentials),
    /// It asks for something that is not served.
    #[error("Devices that speak LwM2M or SNMP are not supported!")]
    Unsupported,
    /// The line of that number names the same device.
    #[error("Line {0} has the same name")]
    Repeated(usize),
}

impl ImportPlan {
    /// Reads a file of at most 100,000 lines of devices. With `header`, its first line is left out; a line may have fewer
    /// cells than there are columns. Of lines that name the same device, the first one counts.
    ///
    /// # Errors
    /// [`UnreadableTable`] if the file as a whole cannot be used.
    pub fn read(text: &str, delimiter: Delimiter, header: bool, columns: &[Column]) -> Result<Self, UnreadableTable> {
        let mut records = Records::of(text, delimiter, columns.len()).peekable();
        if records.peek().is_none() {
            return Err(UnreadableTable::Empty);
        }
        let mut lines = Vec::new();
        let mut first_of_name: HashMap<String, usize> = HashMap::new();
        for (place, record) in records.enumerate() {
            let record = record?;
            if header && place == 0 {
                continue;
            }
            if lines.len() == MOST_LINES {
                return Err(UnreadableTable::TooManyLines(MOST_LINES));
            }
            let PlannedLine { number, device } = PlannedLine::read(&record, columns)?;
            let device = device.and_then(|device| match first_of_name.get(&device.name) {
                Some(first) => Err(LineError::Repeated(*first)),
                None => {
                    first_of_name.insert(device.name.clone(), number);
                    Ok(device)
                }
            });
            lines.push(PlannedLine { number, device });
        }
        Ok(Self { lines })
    }
}

impl PlannedLine {
    /// Reads one record.
    ///
    /// # Errors
    /// [`UnreadableTable::TooManyCells`].
    pub fn read(record: &Record<'_>, columns: &[Column]) -> Result<Self, UnreadableTable> {
        if record.cells.len() > columns.len() {
            return Err(UnreadableTable::TooManyCells(record.line));
        }
        Ok(Self { number: record.line, device: ImportedDevice::read(&record.cells, columns) })
    }
}

/// The cells that credentials are made of.
#[derive(Default)]
struct Credentials<'a> {
    token: Option<&'a str>,
    certificate: Option<&'a str>,
    /// Client id, user name, password.
    mqtt: [Option<&'a str>; 3],
}

impl Credentials<'_> {
    /// A token comes before MQTT credentials, and these before a certificate.
    fn read(&self) -> Result<Option<NewCredentials>, InvalidCredentials> {
        match (self.token, self.mqtt, self.certificate) {
            (Some(token), _, _) => NewCredentials::access_token(token).map(Some),
            (None, [None, None, None], Some(pem)) => NewCredentials::certificate(pem).map(Some),
            (None, [None, None, None], None) => Ok(None),
            (None, [client, user, password], _) => NewCredentials::mqtt_basic(client, user, password).map(Some),
        }
    }
}

impl ImportedDevice {
    fn read(cells: &[Cow<'_, str>], columns: &[Column]) -> Result<Self, LineError> {
        let mut device = Self::default();
        let mut credentials = Credentials::default();
        for (column, cell) in columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            let text = || cell.clone().into_owned();
            match column {
                Column::Name => device.name = text(),
                Column::Type => device.device_type = Some(text()).filter(|name| !name.trim().is_empty()),
                Column::Label => device.label = Some(text()),
                Column::IsGateway => device.gateway = Some(cell.eq_ignore_ascii_case("true")),
                Column::Description => device.description = Some(text()),
                Column::AccessToken => credentials.token = Some(cell),
                Column::X509 => credentials.certificate = Some(cell),
                Column::MqttClientId => credentials.mqtt[0] = Some(cell),
                Column::MqttUserName => credentials.mqtt[1] = Some(cell),
                Column::MqttPassword => credentials.mqtt[2] = Some(cell),
                Column::Attribute(scope, key) => device.set_attribute(*scope, key, cell),
                Column::Ignored => {}
                Column::Unsupported => return Err(LineError::Unsupported),
            }
        }
        if device.name.trim().is_empty() {
            return Err(LineError::NoName);
        }
        check_name("name", &device.name)?;
        device.device_type.as_deref().map_or(Ok(()), |name| check_name("type", name))?;
        device.label.as_deref().map_or(Ok(()), |label| check_text("label", label))?;
        device.credentials = credentials.read()?;
        Ok(device)
    }

    fn set_attribute(&mut self, scope: AttributeScope, key: &str, cell: &str) {
        let ClaimingChange { switch, data } = &mut self.attributes.claiming;
        let plain = match (scope, key) {
            (AttributeScope::Server, CLAIMING_ALLOWED) => {
                let allowed = is_allowed(&typed(cell));
                *switch = Some(if allowed { SwitchChange::Allow } else { SwitchChange::Disallow });
                return;
            }
            (AttributeScope::Server, CLAIMING_DATA) => {
                let read = ClaimingData::parse_text(cell);
                *data = Some(read.map_or(DataChange::Undecodable, DataChange::Set));
                return;
            }
            (AttributeScope::Server, _) => &mut self.attributes.server,
            (AttributeScope::Shared, _) => &mut self.attributes.shared,
            // Those are the device's own.
            (AttributeScope::Client, _) => return,
        };
        // Of two columns for the same attribute the last one counts.
        plain.retain(|(known, _)| known != key);
        plain.push((key.to_owned(), typed(cell)));
    }

    /// What clients keep with the device: what they kept, with what the line says.
    pub fn additional_info(&self, stored: Option<Value>) -> Value {
        let mut info = match stored {
            Some(Value::Object(members)) => members,
            Some(_) | None => Map::new(),
        };
        if let Some(gateway) = self.gateway {
            info.insert("gateway".to_owned(), gateway.into());
        }
        if let Some(description) = &self.description {
            info.insert("description".to_owned(), description.as_str().into());
        }
        Value::Object(info)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{device::KeySlot, ports::CredentialsKind};

    const SERVER: AttributeScope = AttributeScope::Server;

    fn lines(text: &str, columns: &[Column]) -> Vec<(usize, Result<ImportedDevice, LineError>)> {
        let plan = ImportPlan::read(text, Delimiter::COMMA, true, columns).unwrap();
        plan.lines.into_iter().map(|line| (line.number, line.device)).collect()
    }

    fn one(cells: &str, columns: &[Column]) -> Result<ImportedDevice, LineError> {
        lines(&format!("header\n{cells}\n"), columns).remove(0).1
    }

    fn named(column: Column) -> [Column; 2] {
        [Column::Name, column]
    }

    #[test]
    fn a_line_makes_a_device() {
        let columns = [
            Column::Name,
            Column::Type,
            Column::Label,
            Column::IsGateway,
            Column::Description,
            Column::Attribute(AttributeScope::Shared, "shared".into()),
            Column::Attribute(SERVER, "server".into()),
            Column::Ignored,
        ];
        let device = one("D,t, First ,TRUE,some text,1,s,5", &columns).unwrap();
        assert_eq!((device.name.as_str(), device.device_type.as_deref()), ("D", Some("t")));
        assert_eq!(device.label.as_deref(), Some(" First "));
        assert_eq!(device.additional_info(None), json!({"gateway": true, "description": "some text"}));
        assert_eq!(device.attributes.shared, [("shared".to_owned(), json!(1))]);
        assert_eq!(device.attributes.server, [("server".to_owned(), json!("s"))]);
        assert!(device.credentials.is_none() && device.attributes.claiming.is_empty());
    }

    #[test]
    fn empty_cells_say_nothing() {
        let columns = [Column::Name, Column::Type, Column::Label, Column::AccessToken];
        let device = one("D,,,", &columns).unwrap();
        assert_eq!((device.device_type.clone(), device.label.clone(), device.gateway), (None, None, None));
        let stored = json!({"gateway": true, "x": 1});
        assert_eq!(device.additional_info(Some(stored.clone())), stored);
        assert_eq!(one("D", &columns).unwrap().additional_info(None), json!({}));
    }

    #[test]
    fn a_line_without_a_name_is_an_error_of_that_line() {
        let numbers: Vec<_> = lines("h\n\n,x\nD,y\n", &named(Column::Label))
            .into_iter()
            .map(|(number, device)| (number, device.map(|device| device.name)))
            .collect();
        assert_eq!(numbers, [(3, Err(LineError::NoName)), (4, Ok("D".to_owned()))]);
        assert_eq!(one("x", &[Column::Label]).unwrap_err(), LineError::NoName);
    }

    #[test]
    fn claiming_attributes_are_commands() {
        let data = named(Column::Attribute(SERVER, CLAIMING_DATA.into()));
        let device = one(r#"D,"{""secretKey"":""k"",""expirationTime"":5}""#, &data).unwrap();
        let Some(DataChange::Set(data_set)) = device.attributes.claiming.data else { panic!("no key") };
        assert_eq!((data_set.key.expose(), data_set.form), ("k", KeySlot::AttributeText));
        let garbled = one("D,5", &data).unwrap().attributes.claiming.data;
        assert!(matches!(garbled, Some(DataChange::Undecodable)));
        let switch = |cell: &str| {
            let columns = named(Column::Attribute(SERVER, CLAIMING_ALLOWED.into()));
            one(&format!("D,{cell}"), &columns).unwrap().attributes.claiming.switch
        };
        assert_eq!((switch("True"), switch("no")), (Some(SwitchChange::Allow), Some(SwitchChange::Disallow)));
        let shared = named(Column::Attribute(AttributeScope::Shared, CLAIMING_DATA.into()));
        assert!(one("D,5", &shared).unwrap().attributes.claiming.is_empty());
    }

    #[test]
    fn credentials_of_every_kind() {
        let columns = [
            Column::Name,
            Column::AccessToken,
            Column::MqttClientId,
            Column::MqttUserName,
            Column::MqttPassword,
            Column::X509,
        ];
        let kind =
            |cells: &str| one(cells, &columns).map(|device| device.credentials.map(|credentials| credentials.kind()));
        assert_eq!(kind("D,t,c,u,p,MAcwADAAAwEA"), Ok(Some(CredentialsKind::AccessToken)));
        assert_eq!(kind("D,,,u,p,MAcwADAAAwEA"), Ok(Some(CredentialsKind::MqttBasic)));
        assert_eq!(kind("D,,,,,MAcwADAAAwEA"), Ok(Some(CredentialsKind::X509Certificate)));
        assert_eq!(kind("D,,,,,x"), Err(InvalidCredentials::NoCertificate.into()));
        assert_eq!(kind("D"), Ok(None));
        assert_eq!(kind("D,,c,,p"), Err(InvalidCredentials::PasswordWithoutUser.into()));
    }

    #[test]
    fn what_cannot_be_is_an_error_of_its_line() {
        assert_eq!(one("<b>x</b>", &[Column::Name]).unwrap_err(), InvalidText::Markup("name").into());
        assert_eq!(one("D,x", &named(Column::Unsupported)).unwrap_err(), LineError::Unsupported);
        assert!(one("D,", &named(Column::Unsupported)).is_ok());
    }

    #[test]
    fn a_file_that_makes_no_sense_is_refused_as_a_whole() {
        let read = |text, header| {
            ImportPlan::read(text, Delimiter::COMMA, header, &[Column::Name]).map(|plan| plan.lines.len())
        };
        assert_eq!(read("", true), Err(UnreadableTable::Empty));
        assert_eq!((read("name\n", true), read("D\n", false)), (Ok(0), Ok(1)));
        assert_eq!(read("a,b\nD\n\nD,x\n", true), Err(UnreadableTable::TooManyCells(4)));
        assert_eq!(read("a\nD\n\"E\n\",,\"x", true), Err(UnreadableTable::OpenQuote(4)));
        let many = "D\n".repeat(MOST_LINES);
        let (with_header, too_many) = (format!("name\n\n{many}\n"), format!("{many}D"));
        assert_eq!(read(&with_header, true), Ok(MOST_LINES));
        assert_eq!(read(&too_many, false), Err(UnreadableTable::TooManyLines(MOST_LINES)));
    }

    #[test]
    fn the_first_line_of_a_name_counts() {
        let columns = [Column::Name, Column::AccessToken];
        let told: Vec<_> = lines("h\nA,a\u{7}b\n\nA\nB\nA\na\nB\n", &columns)
            .into_iter()
            .map(|(number, device)| (number, device.map(|device| device.name).map_err(|why| why.to_string())))
            .collect();
        let same = |line| Err(format!("Line {line} has the same name"));
        let [a, b, small] = ["A", "B", "a"].map(|name| Ok(name.to_owned()));
        assert!(told[0].1.is_err(), "its token cannot be one, so it names nothing");
        assert_eq!(told[1..], [(4, a), (5, b), (6, same(4)), (7, small), (8, same(5))]);
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let columns = [Column::Name, Column::AccessToken, Column::Attribute(SERVER, CLAIMING_DATA.into())];
        let device = one(r#"D,S3CR3T,"{""secretKey"":""S3CR3T""}""#, &columns).unwrap();
        assert!(!format!("{device:?}").contains("S3CR3T"));
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(text in "[\",\r\na-c0-9{}:]{0,60}", header: bool) {
            let columns = [
                Column::Name,
                Column::AccessToken,
                Column::Attribute(SERVER, CLAIMING_DATA.into()),
                Column::Attribute(SERVER, "k".into()),
            ];
            let _ = ImportPlan::read(&text, Delimiter::COMMA, header, &columns);
        }
    }
}
