//! How long pages of the device list take, with many devices of one tenant.

use hdrhistogram::Histogram;
use hyper::StatusCode;

use crate::{Failure, client::Connection, phase, seed, server::Server};

/// How often each page is asked for, over one connection.
const TIMES: usize = 51;
/// Rows on a page.
const PAGE_SIZE: usize = 10;

/// Prints the median of each kind of page with that many devices.
pub(crate) async fn measure(server: &mut Server, devices: usize) -> Result<(), Failure> {
    let started = phase::now();
    seed::devices(server.database(), devices).await?;
    let seeded = started.elapsed().as_secs_f64();
    server.start()?;
    let mut connection = Connection::open(&server.address()).await?;
    let body = r#"{"username":"tenant@thingsboard.org","password":"tenant"}"#.to_owned();
    let (status, answer) = connection.post("/api/auth/login", None, body).await?;
    let answer: serde_json::Value = serde_json::from_slice(&answer)?;
    let token = answer["token"].as_str().ok_or_else(|| format!("login: {status}"))?;
    println!("| list of {devices} devices | rows found | p50 ms | p99 ms |");
    println!("|---|---|---|---|");
    for (what, path) in lists(devices) {
        let mut times = Histogram::<u64>::new(3)?;
        let mut found = 0;
        for _ in 0..TIMES {
            let sent = phase::now();
            let (status, body) = connection.get_as(&path, token).await?;
            times.record(u64::try_from(sent.elapsed().as_micros())?)?;
            if status != StatusCode::OK {
                return Err(format!("{path}: {status}").into());
            }
            let page: serde_json::Value = serde_json::from_slice(&body)?;
            found = page["totalElements"].as_u64().unwrap_or_default();
        }
        #[expect(clippy::cast_precision_loss, reason = "times of a benchmark")]
        let milliseconds = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
        println!("| {what} | {found} | {:.2} | {:.2} |", milliseconds(0.5), milliseconds(0.99));
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
    let per_second = devices as f64 / seeded;
    let bytes = std::fs::metadata(server.database())?.len();
    println!(
        "\nregistered at {per_second:.0} devices per second, without HTTP; the database has {} MB, the server {} MB",
        bytes / 1_000_000,
        server.resident_mb()?
    );
    server.stop()
}

/// What is asked for, and its path.
fn lists(devices: usize) -> Vec<(String, String)> {
    let list = |list: &str, query: &str| format!("/api/tenant/{list}?pageSize={PAGE_SIZE}{query}");
    let last = devices.saturating_sub(1) / PAGE_SIZE;
    let mut lists = Vec::new();
    for (order, query) in [
        ("creation", ""),
        ("name", "&sortProperty=name"),
        ("name, descending", "&sortProperty=name&sortOrder=DESC"),
        ("type", "&sortProperty=type"),
        ("label", "&sortProperty=label"),
        ("owner's title", "&sortProperty=customerTitle"),
    ] {
        for (place, page) in [("first", 0), ("middle", last / 2), ("last", last)] {
            lists.push((format!("{place} page by {order}"), list("devices", &format!("&page={page}{query}"))));
        }
    }
    let middle = seed::name(devices / 2);
    let (rare, some) = (&middle[middle.len() - 6..], &middle[middle.len() - 7..middle.len() - 3]);
    for (what, text) in [
        ("a text that one device has", rare),
        ("a text that a thousandth has", some),
        ("a text of two characters", "42"),
        ("a text that nothing has", "nothing has it"),
        ("a text that every device has", "load-"),
    ] {
        for name in ["devices", "deviceInfos"] {
            let text = text.replace(' ', "%20");
            lists.push((format!("{what}, in {name}"), list(name, &format!("&page=0&textSearch={text}"))));
        }
    }
    lists.push((
        "a thousandth, sorted by name".into(),
        list("devices", &format!("&page=0&sortProperty=name&textSearch={some}")),
    ));
    lists.push((
        "infos of devices without an owner".into(),
        format!("/api/deviceInfos/all?pageSize={PAGE_SIZE}&page=0"),
    ));
    lists.push(("of one type, first page".into(), list("devices", "&page=0&type=default")));
    lists
}
