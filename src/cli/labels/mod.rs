//! `deed labels`

mod out;
mod written;

use std::{borrow::Cow, collections::HashSet, path::PathBuf};

use clap::{ArgGroup, Args};
use deed_domain::{
    claims::{Failure, IssuedKey, NewKey},
    device::KeyEnd,
    ids::TenantId,
    metadata::{Actor, Caller, Transport},
    ports::{AppendError, DeviceIdentity, PageRequest},
};
use deed_labels::{Font, Format, Label, LabelError, Paper, Printing, Resolution, Size};
use deed_projections::{DeviceFilter, DeviceOrder, DeviceRow};

use self::{out::Out, written::Written};
use super::{
    exit::CliError,
    import,
    progress::Progress,
    shared::{Issuing, Location, runtime},
    tenant,
};
use crate::{
    config::{Loaded, base_url},
    label_font,
};

/// Keys that are made together.
const AT_ONCE: usize = 256;

/// Print labels: a QR code that leads to the claim page, the name, and a claim key in clear text
///
/// A key is made for each label and shown nowhere else; devices that a customer owns are left out. With --from, the labels
/// have the keys of a file that `deed import` has written, and no database is needed.
///
/// Nothing is made if a name cannot be printed. No server may run on a SQLite file meanwhile: a running one prints labels by
/// POST /api/devices/labels. Nodes on PostgreSQL may run.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("devices").required(true).args(["device", "all", "from"])))]
pub(super) struct Labels {
    /// The devices of these names
    #[arg(long, value_name = "NAME", num_args = 1..)]
    device: Vec<String>,

    /// All devices of the tenant that no customer owns; those too with --keys none
    #[arg(long)]
    all: bool,

    /// What `deed import` wrote: name, secretKey and expirationTime are printed; - reads the standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,

    /// Where the labels go: a new file that only its owner may read, or a pipe [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// pdf for sheets and rolls, svg or png for a picture of one label, zpl for label printers
    #[arg(long, value_name = "FORMAT", default_value = "pdf", value_parser = ["pdf", "svg", "png", "zpl"])]
    format: String,

    /// What a PDF is printed on: A4 sheets of 3 x 7 labels of 63.5 x 38.1 mm, Letter sheets of 3 x 10 labels of 2 5/8 x 1 in,
    /// or a label on each page
    #[arg(long, value_name = "PAPER", default_value = "a4", value_parser = ["a4", "letter", "label"])]
    paper: String,

    /// Width and height of a label in millimetres; sheets have their own
    #[arg(long, value_name = "WxH", default_value = "50x25", value_parser = size)]
    size: Size,

    /// Dots per inch of png and zpl: 203, 300 or 600
    #[arg(long, value_name = "DPI", default_value = "203", value_parser = resolution)]
    dpi: Resolution,

    /// Places of the first sheet that are used up
    #[arg(long, value_name = "N", default_value_t = 0)]
    skip: usize,

    /// new makes a key for each label; none prints labels without keys, of all devices
    #[arg(long, value_name = "KEYS", default_value = "new", value_parser = ["new", "none"], conflicts_with = "from")]
    keys: String,

    /// How long the keys can be claimed with: a number and m, h, d or w
    #[arg(long, value_name = "DURATION", default_value = "365d", value_parser = import::duration, conflicts_with = "from")]
    valid_for: i64,

    /// Whose devices they are, by title or id; not needed if there is one tenant only
    #[arg(long, value_name = "TENANT", conflicts_with = "from")]
    tenant: Option<String>,

    /// Where people reach the service: what the links begin with [default: server.base_url]
    #[arg(long, value_name = "URL", value_parser = base_url)]
    url: Option<String>,

    /// A TrueType font for pdf and png [default: labels.font]
    #[arg(long, value_name = "FILE")]
    font: Option<PathBuf>,

    #[command(flatten)]
    location: Location,
}

/// A file that is being printed.
struct Sink {
    out: Out,
    printing: Printing,
    bytes: Vec<u8>,
    base_url: String,
    progress: Progress,
    total: usize,
    done: usize,
    failed: usize,
}

impl Labels {
    pub(super) fn run(self) -> Result<(), CliError> {
        let format = self.format()?;
        let Loaded { config, .. } = self.location.load(&[])?;
        let base_url = self.url.clone().or_else(|| config.server.base_url.clone()).ok_or_else(|| {
            CliError::Usage("where do people reach the service? --url or server.base_url has to say it".to_owned())
        })?;
        let font = label_font::read(self.font.as_deref().or(config.labels.font.as_deref()))?;
        if let Some(path) = &self.from {
            return self.print_written(&written::read(path)?, format, font, base_url);
        }
        runtime()?.block_on(async {
            let issuing = Issuing::open(&config, "labels").await?;
            let printed = self.print_new(&issuing, format, font, base_url).await;
            issuing.store.close().await;
            printed
        })
    }

    fn format(&self) -> Result<Format, CliError> {
        let paper = match self.paper.as_str() {
            "letter" => Paper::Letter { skip: self.skip },
            "label" => Paper::Single(self.size),
            _ => Paper::A4 { skip: self.skip },
        };
        if self.skip > 0 && self.skip >= paper.places() {
            return Err(CliError::Usage(format!("--skip must be less than {}, the labels on a sheet", paper.places())));
        }
        Ok(match self.format.as_str() {
            "svg" => Format::Svg(self.size),
            "png" => Format::Png(self.size, self.dpi),
            "zpl" => Format::Zpl(self.size, self.dpi),
            _ => Format::Pdf(paper),
        })
    }

    /// Labels with the keys of a file.
    fn print_written(&self, labels: &[Written], format: Format, font: Font, base_url: String) -> Result<(), CliError> {
        let refused = |written: &Written, why: LabelError| CliError::Usage(format!("{:?}: {why}", written.name));
        let label = |written: &Written, base_url: &str, out: &mut Vec<u8>, printing: &mut Printing| {
            let key = written.key.as_ref().map(|key| key.as_str());
            printing.add(&Label::new(base_url, &written.name, key, written.expires_at), out)
        };
        // Printed to nowhere first: nothing is to be written if one of them cannot be.
        let (mut nowhere, mut trial) = (Vec::new(), Printing::begin(format, font.clone(), &mut Vec::new()));
        for written in labels {
            label(written, &base_url, &mut nowhere, &mut trial).map_err(|why| refused(written, why))?;
            nowhere.clear();
        }
        let mut sink = self.sink(format, font, base_url, labels.len())?;
        for written in labels {
            let printed = label(written, &sink.base_url, &mut sink.bytes, &mut sink.printing);
            printed.map_err(|why| refused(written, why))?;
            sink.went_on()?;
        }
        sink.end()
    }

    /// Labels with new keys.
    async fn print_new(&self, issuing: &Issuing, format: Format, font: Font, base_url: String) -> Result<(), CliError> {
        let tenant_id = tenant::find(&*issuing.store, self.tenant.as_deref(), "--tenant").await?;
        let rows = self.devices(issuing, tenant_id).await?;
        let found = rows.len();
        let with_keys = self.keys != "none";
        let devices: Vec<_> = rows.into_iter().filter(|row| !with_keys || row.customer_id.is_none()).collect();
        if devices.is_empty() {
            let why = if found == 0 { "there are no devices" } else { "customers own all these devices" };
            return Err(CliError::NotFound(why.to_owned()));
        }
        let until = with_keys.then(|| issuing.store.time().now().plus(self.valid_for).0);
        let names = devices.iter().map(|row| row.name.as_str());
        format.check_batch(&font, &base_url, names, until).map_err(|why| CliError::Usage(why.to_string()))?;
        let left_out = found - devices.len();
        let mut sink = self.sink(format, font, base_url, devices.len())?;
        if left_out > 0 {
            sink.progress.tell(&format!("{left_out} devices are left out: customers own them"));
        }
        let mut devices = devices.into_iter().peekable();
        while devices.peek().is_some() {
            let keyed = devices.by_ref().take(AT_ONCE).map(|row| {
                let claims = issuing.claims.clone();
                let ends = KeyEnd::After(self.valid_for);
                let key = with_keys.then_some(NewKey { key: None, not_before: None, ends });
                let identity = DeviceIdentity::new(tenant_id, row.device_id);
                let issued = tokio::spawn(async move {
                    match key {
                        Some(key) => claims.add_key(&caller(), identity, key).await.map(Some),
                        None => Ok(None),
                    }
                });
                (row, issued)
            });
            for (row, issued) in keyed.collect::<Vec<_>>() {
                sink.add(&row, issued.await.map_err(|why| CliError::System(why.to_string()))?)?;
            }
        }
        sink.end()
    }

    /// The devices, each once.
    async fn devices(&self, issuing: &Issuing, tenant_id: TenantId) -> Result<Vec<DeviceRow>, CliError> {
        if self.all {
            // Read at once: what happens on other nodes meanwhile moves none from page to page.
            let (filter, sort) = (DeviceFilter::of_tenant(tenant_id), DeviceOrder::Creation);
            let all = PageRequest { page: 0, page_size: u32::MAX, text_search: None, sort, descending: false };
            return Ok(issuing.store.devices(&filter, &all).await?.rows);
        }
        let (mut rows, mut named) = (Vec::new(), HashSet::new());
        for name in self.device.iter().filter(|name| named.insert(name.as_str())) {
            let row = issuing.store.device_named(tenant_id, name).await?;
            rows.push(row.ok_or_else(|| CliError::NotFound(format!("there is no device {name:?}")))?);
        }
        Ok(rows)
    }

    /// Opens the output; what is not printed yet has made nothing.
    fn sink(&self, format: Format, font: Font, base_url: String, total: usize) -> Result<Sink, CliError> {
        if format.is_of_one() && total != 1 {
            return Err(CliError::Usage(format!("a picture holds one label, not {total}")));
        }
        let out = Out::open(self.out.as_deref())?;
        let mut bytes = Vec::new();
        let printing = Printing::begin(format, font, &mut bytes);
        let progress = Progress::counting("printing", "labels");
        Ok(Sink { out, printing, bytes, base_url, progress, total, done: 0, failed: 0 })
    }
}

impl Sink {
    /// Adds the label of a device, or its place if it got no key.
    fn add(&mut self, row: &DeviceRow, issued: Result<Option<IssuedKey>, Failure>) -> Result<(), CliError> {
        let why = match issued {
            Ok(issued) => {
                let key = issued.as_ref().and_then(|key| key.made.as_ref()).map(|key| key.expose());
                let label = Label::new(&self.base_url, &row.name, key, issued.as_ref().map(|key| key.expires_at.0));
                self.printing.add(&label, &mut self.bytes).err().map(|why| why.to_string())
            }
            Err(Failure::NotAppended(AppendError::Store(error))) => return Err(error.into()),
            Err(why) => Some(why.to_string()),
        };
        if let Some(why) = why {
            self.failed += 1;
            self.progress.tell(&format!("{:?}: {why}", row.name));
            self.printing.leave_out(&row.name, &why, &mut self.bytes);
        }
        self.went_on()
    }

    fn went_on(&mut self) -> Result<(), CliError> {
        self.done += 1;
        self.progress.report(self.done as u64, self.total as u64);
        self.out.write(&mut self.bytes)
    }

    fn end(mut self) -> Result<(), CliError> {
        self.printing.end(&mut self.bytes);
        self.out.write(&mut self.bytes)?;
        self.out.finish()?;
        match self.failed {
            0 => Ok(()),
            failed => Err(CliError::Unprinted { failed, total: self.total }),
        }
    }
}

fn caller() -> Caller {
    Caller {
        actor: Actor::System,
        transport: Transport::Cli,
        correlation_id: Cow::Borrowed("labels"),
        command_id: None,
    }
}

fn size(text: &str) -> Result<Size, String> {
    Size::parse(text).ok_or_else(|| "must be millimetres from 20x20 to 210x297, such as 50x25".to_owned())
}

fn resolution(text: &str) -> Result<Resolution, String> {
    text.parse().ok().and_then(Resolution::new).ok_or_else(|| "must be 203, 300 or 600".to_owned())
}
