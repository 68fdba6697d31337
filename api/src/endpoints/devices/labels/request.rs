//! Which labels are wanted, and how they are to look.

use std::{collections::HashSet, fmt::Display, hash::Hash, str::FromStr};

use deed_domain::{
    device::KeyEnd,
    ids::{DeviceId, ProfileId},
    time::{DAY, Timestamp},
};
use deed_labels::{Format, Paper, Resolution, Size};
use utoipa::{IntoParams, ToSchema};

use super::{super::listed::ClaimingState, MOST_DEVICES};
use crate::{
    error::ApiError,
    extract::{JsonObject, QueryParams, uuid},
};

/// How long a key on a label works unless somebody says otherwise, milliseconds.
const DEFAULT_DURATION: i64 = 365 * DAY;

/// The names of what is in [`LabelsParams`].
const KNOWN: [&str; 16] = [
    "format",
    "paper",
    "size",
    "dpi",
    "skip",
    "keys",
    "durationMs",
    "expirationTime",
    "deviceIds",
    "deviceName",
    "deviceNames",
    "all",
    "textSearch",
    "type",
    "deviceProfileId",
    "state",
];

/// What labels are asked for with, in the query of a GET and in the body of a POST under the same names.
#[derive(IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(as = LabelsRequest, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the request, which is read by `LabelsRequest::read`")]
pub(crate) struct LabelsParams {
    /// `pdf`, which is what counts without it, `svg` or `png`, which hold one label, or `zpl`.
    #[param(example = "pdf")]
    #[schema(example = "pdf")]
    format: Option<String>,
    /// What a PDF is printed on: `a4` (sheets of 3 × 7 labels, 63.5 × 38.1 mm; the default), `letter` (3 × 10 labels,
    /// 2⅝ × 1 in) or `label` (one on each page).
    #[param(example = "a4")]
    #[schema(example = "a4")]
    paper: Option<String>,
    /// Width and height of a label in millimetres, 20x20 to 210x297; 50x25 if it is missing. Sheets have their own.
    #[param(example = "50x25")]
    #[schema(example = "50x25")]
    size: Option<String>,
    /// Dots per inch of `png` and `zpl`: 203, which is what counts without it, 300 or 600.
    #[param(example = 203)]
    #[schema(example = 203)]
    dpi: Option<u16>,
    /// Places of the first sheet that are used up.
    skip: Option<usize>,
    /// `new` makes a key for each label, which is what counts without it; `none` prints labels without keys.
    keys: Option<String>,
    /// The keys work for so many milliseconds; 365 days if it is missing. Excludes `expirationTime`.
    #[param(rename = "durationMs", minimum = 1)]
    #[schema(minimum = 1)]
    duration_ms: Option<i64>,
    /// The keys work up to and including this millisecond since the epoch.
    #[param(rename = "expirationTime")]
    expiration_time: Option<i64>,
    /// The devices by their ids; in a query, and in a text, separated by commas.
    #[param(rename = "deviceIds", value_type = Option<String>)]
    device_ids: Option<Vec<uuid::Uuid>>,
    /// The one device of this name.
    #[param(rename = "deviceName")]
    device_name: Option<String>,
    /// The devices of these names, as a list; in a body alone.
    #[param(ignore)]
    device_names: Option<Vec<String>>,
    /// `true`: all devices of the tenant.
    all: Option<bool>,
    /// The devices with this text in name, label, type or the owner's title.
    #[param(rename = "textSearch")]
    text_search: Option<String>,
    /// The devices whose profile has this name.
    #[param(rename = "type")]
    #[schema(rename = "type")]
    device_type: Option<String>,
    /// The devices with this profile.
    #[param(rename = "deviceProfileId")]
    device_profile_id: Option<uuid::Uuid>,
    /// The devices with which it stands so: `owned`, `unowned`, or `open`, unowned with a key that claims it now or later.
    #[param(example = "unowned")]
    #[schema(example = "unowned")]
    state: Option<String>,
}

/// Labels to print.
#[derive(Debug, PartialEq)]
pub(super) struct LabelsRequest {
    pub(super) format: Format,
    /// Until when the new keys work; `None`: no keys are made.
    pub(super) keys: Option<KeyEnd>,
    pub(super) selection: Selection,
}

/// The devices that get labels.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Selection {
    Ids(Vec<DeviceId>),
    Names(Vec<String>),
    /// All of the tenant that fit.
    Search(Search),
}

/// What devices have to be like; each of these that is there counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Search {
    pub(super) text: Option<String>,
    pub(super) device_type: Option<String>,
    pub(super) profile_id: Option<ProfileId>,
    pub(super) state: ClaimingState,
}

/// Named values of a request: a query or an object.
pub(super) trait Members {
    /// What all of them are called.
    fn names(&self) -> impl Iterator<Item = &str>;
    /// One value; an empty one is none.
    fn text(&self, name: &str) -> Result<Option<String>, ApiError>;
    /// Several; a text is one.
    fn texts(&self, name: &str) -> Result<Option<Vec<String>>, ApiError>;
}

impl Members for QueryParams {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.names()
    }

    fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        Ok(self.text(name).filter(|text| !text.is_empty()).map(str::to_owned))
    }

    fn texts(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        // Names may hold whatever stands between the names of a list, so that a query can name one device alone.
        let texts: Vec<_> =
            if name == "deviceNames" { Vec::new() } else { self.all(name).map(str::to_owned).collect() };
        Ok(Some(texts).filter(|texts| !texts.is_empty()))
    }
}

impl Members for JsonObject {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.names()
    }

    fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()))
    }

    fn texts(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        self.texts(name)
    }
}

impl LabelsRequest {
    pub(super) fn read(members: &impl Members) -> Result<Self, ApiError> {
        // A slip in `keys=none` would make keys.
        if let Some(name) = members.names().find(|name| !KNOWN.contains(name)) {
            return Err(ApiError::malformed(format!("{name:?} means nothing here")));
        }
        let format = format(members)?;
        let selection = Selection::read(members)?;
        Ok(Self { format, keys: keys(members)?, selection })
    }
}

impl Selection {
    fn read(members: &impl Members) -> Result<Self, ApiError> {
        let ids = members.texts("deviceIds")?.map(|ids| device_ids(&ids)).transpose()?;
        let name = members.text("deviceName")?.map(|name| vec![name]);
        let names = members.texts("deviceNames")?;
        let search = Some(Search::read(members)?).filter(|search| *search != Search::default());
        let all = match members.text("all")?.map(|word| word.to_ascii_lowercase()).as_deref() {
            None | Some("false") => None,
            Some("true") => Some(Search::default()),
            Some(_) => return Err(ApiError::malformed("'all' must be true or false")),
        };
        let ids = ids.map(|ids| once_each(ids).map(Self::Ids)).transpose()?;
        let named = |names: Vec<_>| once_each(names).map(Self::Names);
        let (name, names) = (name.map(named).transpose()?, names.map(named).transpose()?);
        let mut given = [ids, name, names, search.map(Self::Search), all.map(Self::Search)].into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(selection), None) => Ok(selection),
            (None, _) => Err(ApiError::malformed(
                "No devices are named: deviceIds, deviceName, or textSearch, type, deviceProfileId and state say which, or all=true",
            )),
            (Some(_), Some(_)) => {
                Err(ApiError::malformed("deviceIds, deviceName, deviceNames, a search and all exclude each other"))
            }
        }
    }
}

impl Search {
    fn read(members: &impl Members) -> Result<Self, ApiError> {
        Ok(Self {
            text: members.text("textSearch")?,
            device_type: members.text("type")?,
            profile_id: members.text("deviceProfileId")?.map(|id| uuid(&id)).transpose()?.map(ProfileId),
            state: ClaimingState::read(members.text("state")?.as_deref(), "'state'")?,
        })
    }
}

fn device_ids(texts: &[String]) -> Result<Vec<DeviceId>, ApiError> {
    let ids = texts.iter().flat_map(|ids| ids.split(',')).map(str::trim).filter(|id| !id.is_empty());
    ids.map(|id| uuid(id).map(DeviceId)).collect()
}

/// The items in their order, each once.
fn once_each<T: Clone + Eq + Hash>(items: Vec<T>) -> Result<Vec<T>, ApiError> {
    if items.is_empty() {
        return Err(ApiError::malformed("The list of devices is empty"));
    }
    let mut seen = HashSet::with_capacity(items.len());
    let items: Vec<_> = items.into_iter().filter(|item| seen.insert(item.clone())).collect();
    if items.len() > MOST_DEVICES as usize { Err(too_many(items.len() as u64)) } else { Ok(items) }
}

pub(super) fn too_many(devices: u64) -> ApiError {
    ApiError::invalid(format!(
        "{devices} devices are too many for one request: at most {MOST_DEVICES} labels are printed"
    ))
}

fn format(members: &impl Members) -> Result<Format, ApiError> {
    let size = match members.text("size")? {
        None => Size::DEFAULT,
        Some(text) => Size::parse(&text).ok_or_else(|| {
            ApiError::malformed("'size' must be width and height in millimetres, from 20x20 to 210x297, such as 50x25")
        })?,
    };
    let resolution = match number(members, "dpi", 0, u16::MAX)? {
        None => Resolution::DEFAULT,
        Some(dpi) => Resolution::new(dpi).ok_or_else(|| ApiError::malformed("'dpi' must be 203, 300 or 600"))?,
    };
    let skip = number(members, "skip", 0, usize::MAX)?.unwrap_or(0);
    let paper = match members.text("paper")?.as_deref() {
        None | Some("a4") => Paper::A4 { skip },
        Some("letter") => Paper::Letter { skip },
        Some("label") => Paper::Single(size),
        Some(word) => return Err(ApiError::unknown("'paper'", word)),
    };
    if skip > 0 && skip >= paper.places() {
        return Err(ApiError::malformed("'skip' must be less than the labels on a sheet"));
    }
    match members.text("format")?.as_deref() {
        None | Some("pdf") => Ok(Format::Pdf(paper)),
        Some("svg") => Ok(Format::Svg(size)),
        Some("png") => Ok(Format::Png(size, resolution)),
        Some("zpl") => Ok(Format::Zpl(size, resolution)),
        Some(word) => Err(ApiError::unknown("'format'", word)),
    }
}

fn keys(members: &impl Members) -> Result<Option<KeyEnd>, ApiError> {
    let duration = number(members, "durationMs", 1, i64::MAX)?;
    let until = number(members, "expirationTime", i64::MIN, i64::MAX)?.map(Timestamp);
    let end = match (duration, until) {
        (Some(_), Some(_)) => return Err(ApiError::invalid("expirationTime and durationMs exclude each other")),
        (_, Some(until)) => KeyEnd::At(until),
        (duration, None) => KeyEnd::After(duration.unwrap_or(DEFAULT_DURATION)),
    };
    match members.text("keys")?.as_deref() {
        None | Some("new") => Ok(Some(end)),
        Some("none") => Ok(None),
        Some(word) => Err(ApiError::unknown("'keys'", word)),
    }
}

/// A whole number between these two.
fn number<T>(members: &impl Members, name: &str, least: T, most: T) -> Result<Option<T>, ApiError>
where
    T: FromStr + PartialOrd + Display,
{
    let Some(text) = members.text(name)? else { return Ok(None) };
    let number = text.parse().ok().filter(|number| (&least..=&most).contains(&number));
    number.map(Some).ok_or_else(|| ApiError::malformed(format!("'{name}' must be a whole number in its range")))
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    fn of_query(query: &str) -> Result<LabelsRequest, String> {
        LabelsRequest::read(&QueryParams::of(query)).map_err(|error| error.to_string())
    }

    fn of_body(body: &Value) -> Result<LabelsRequest, String> {
        let members = JsonObject::parse(&Bytes::from(body.to_string())).unwrap();
        LabelsRequest::read(&members).map_err(|error| error.to_string())
    }

    #[test]
    fn a_query_and_a_body_say_the_same() {
        let id = Uuid::from_u128(7);
        let asked = of_query(&format!("format=zpl&size=40x30&dpi=300&durationMs=5&deviceIds={id},,{id}")).unwrap();
        let body = json!({"format": "zpl", "size": "40x30", "dpi": 300, "durationMs": 5, "deviceIds": [id]});
        assert_eq!(Ok(&asked), of_body(&body).as_ref());
        let size = Size::new(40.0, 30.0).unwrap();
        assert_eq!(asked.format, Format::Zpl(size, Resolution::new(300).unwrap()));
        assert_eq!((asked.keys, asked.selection), (Some(KeyEnd::After(5)), Selection::Ids(vec![DeviceId(id)])));
    }

    #[test]
    fn sheets_of_a4_with_keys_for_a_year_are_what_counts_otherwise() {
        let asked = of_query("deviceName=D,1").unwrap();
        assert_eq!(asked.format, Format::Pdf(Paper::A4 { skip: 0 }));
        assert_eq!(asked.keys, Some(KeyEnd::After(365 * DAY)));
        assert_eq!(asked.selection, Selection::Names(vec!["D,1".to_owned()]));
        assert_eq!(of_query("deviceName=D&keys=none").unwrap().keys, None);
        assert_eq!(of_query("deviceName=D&expirationTime=9").unwrap().keys, Some(KeyEnd::At(Timestamp(9))));
        let letter = of_body(&json!({"deviceNames": ["A", "B", "A"], "paper": "letter", "skip": 29})).unwrap();
        assert_eq!(letter.format, Format::Pdf(Paper::Letter { skip: 29 }));
        assert_eq!(letter.selection, Selection::Names(vec!["A".to_owned(), "B".to_owned()]));
    }

    #[test]
    fn all_devices_are_asked_for_by_a_word_of_its_own() {
        let all = Ok(Selection::Search(Search::default()));
        assert_eq!(of_query("all=TRUE").map(|asked| asked.selection), all);
        assert_eq!(of_body(&json!({"all": true})).map(|asked| asked.selection), all);
        let search = Search { device_type: Some("t".into()), state: ClaimingState::Open, ..Search::default() };
        let asked = of_query("type=t&state=open&all=false").map(|asked| asked.selection);
        assert_eq!(asked, Ok(Selection::Search(search)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for query in [
            "",
            "deviceIds=",
            "deviceIds=x",
            "deviceName=",
            "deviceName=D&type=t",
            "deviceName=D&format=gif",
            "deviceName=D&paper=a5",
            "deviceName=D&size=10x10",
            "deviceName=D&dpi=72",
            "deviceName=D&skip=21",
            "deviceName=D&skip=-1",
            "deviceName=D&paper=label&skip=1",
            "deviceName=D&keys=old",
            "deviceName=D&durationMs=0",
            "deviceName=D&durationMs=1&expirationTime=1",
            "deviceProfileId=x",
            "all=yes",
            "deviceName=D&keyz=none",
            "all=true&deviceName=D",
            "state=ready",
            "state=",
        ] {
            assert!(of_query(query).is_err(), "{query}");
        }
        for body in [
            json!({}),
            json!({"deviceNames": []}),
            json!({"deviceNames": [{}]}),
            json!({"deviceIds": {}}),
            json!({"deviceName": "D", "dpi": 203.5}),
            json!({"deviceNames": (0..=MOST_DEVICES).map(|number| number.to_string()).collect::<Vec<_>>()}),
            json!({"all": 1}),
            json!({"deviceName": "D", "Keys": "none"}),
            json!({"all": false}),
            json!({"all": true, "state": "unowned"}),
        ] {
            assert!(of_body(&body).is_err(), "{body}");
        }
    }

    #[test]
    fn what_is_documented_is_known() {
        use utoipa::{
            PartialSchema,
            openapi::{RefOr, Schema},
        };

        let RefOr::T(Schema::Object(described)) = LabelsParams::schema() else { panic!("no object") };
        let described: HashSet<_> = described.properties.keys().map(String::as_str).collect();
        assert_eq!(described, HashSet::from(KNOWN));
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(
            name in "format|paper|size|dpi|skip|keys|durationMs|expirationTime|deviceIds|deviceName|deviceProfileId",
            value in "[-0-9a-zA-Z.,]{0,40}|[0-9]{1,3}x[0-9]{1,3}",
        ) {
            let _ = of_query(&format!("{name}={value}&type=t"));
            let _ = of_body(&json!({name.as_str(): value, "type": "t"}));
        }
    }
}
