//! Pages for people, and the files that they are made of (`docs/protocol.md`, pages). They are compiled in, and are not in the
//! OpenAPI document.
//!
//! All of them stand in `api/web/`: plain HTML, CSS and ES modules, which are served as they are written. Pages of this
//! service have addresses without a directory, so that what they refer to (`web/…`, `api/…`) is found behind any prefix.

mod asset;
mod headers;
mod link;

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode, header::ACCEPT},
    response::{Redirect, Response},
    routing::get,
};

pub(crate) use self::{asset::Asset, headers::Policy, link::followed};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file and where it is served.
struct File {
    path: &'static str,
    asset: Asset,
}

const fn file(path: &'static str, kind: &'static str, text: &'static str, policy: Policy) -> File {
    File { path, asset: Asset::new(kind, Bytes::from_static(text.as_bytes()), policy) }
}

static FILES: [File; 74] = [
    file("/", HTML, include_str!("../../web/index.html"), Policy::Page),
    file("/devices", HTML, include_str!("../../web/devices.html"), Policy::Page),
    file("/web/devices.js", SCRIPT, include_str!("../../web/devices.js"), Policy::Page),
    file("/web/own-devices.js", SCRIPT, include_str!("../../web/own-devices.js"), Policy::Page),
    file("/web/tenant-devices.js", SCRIPT, include_str!("../../web/tenant-devices.js"), Policy::Page),
    file("/web/device-dialog.js", SCRIPT, include_str!("../../web/device-dialog.js"), Policy::Page),
    file("/web/keys.js", SCRIPT, include_str!("../../web/keys.js"), Policy::Page),
    file("/web/listing.js", SCRIPT, include_str!("../../web/listing.js"), Policy::Page),
    file("/import", HTML, include_str!("../../web/import.html"), Policy::Page),
    file("/web/import.js", SCRIPT, include_str!("../../web/import.js"), Policy::Page),
    file("/web/import-columns.js", SCRIPT, include_str!("../../web/import-columns.js"), Policy::Page),
    file("/web/import-run.js", SCRIPT, include_str!("../../web/import-run.js"), Policy::Page),
    file("/web/importing.js", SCRIPT, include_str!("../../web/importing.js"), Policy::Page),
    file("/web/columns.js", SCRIPT, include_str!("../../web/columns.js"), Policy::Page),
    file("/web/csv.js", SCRIPT, include_str!("../../web/csv.js"), Policy::Page),
    file("/web/save.js", SCRIPT, include_str!("../../web/save.js"), Policy::Page),
    file("/web/handover.js", SCRIPT, include_str!("../../web/handover.js"), Policy::Page),
    file("/web/words.js", SCRIPT, include_str!("../../web/words.js"), Policy::Page),
    file("/web/devices.css", CSS, include_str!("../../web/devices.css"), Policy::Page),
    file("/labels", HTML, include_str!("../../web/labels.html"), Policy::Page),
    file("/web/labels.js", SCRIPT, include_str!("../../web/labels.js"), Policy::Page),
    file("/web/label-format.js", SCRIPT, include_str!("../../web/label-format.js"), Policy::Page),
    file("/web/label-print.js", SCRIPT, include_str!("../../web/label-print.js"), Policy::Page),
    file("/api-docs", HTML, include_str!("../../web/api-docs.html"), Policy::Page),
    file("/web/api-docs.js", SCRIPT, include_str!("../../web/api-docs.js"), Policy::Page),
    file("/web/api-docs.css", CSS, include_str!("../../web/api-docs.css"), Policy::Page),
    file("/web/schema.js", SCRIPT, include_str!("../../web/schema.js"), Policy::Page),
    file("/device", HTML, include_str!("../../web/device.html"), Policy::Page),
    file("/web/device.js", SCRIPT, include_str!("../../web/device.js"), Policy::Page),
    file("/web/find.js", SCRIPT, include_str!("../../web/find.js"), Policy::Page),
    file("/web/state.js", SCRIPT, include_str!("../../web/state.js"), Policy::Page),
    file("/feed", HTML, include_str!("../../web/feed.html"), Policy::Page),
    file("/web/feed.js", SCRIPT, include_str!("../../web/feed.js"), Policy::Page),
    file("/web/events.js", SCRIPT, include_str!("../../web/events.js"), Policy::Page),
    file("/web/names.js", SCRIPT, include_str!("../../web/names.js"), Policy::Page),
    file("/web/history.js", SCRIPT, include_str!("../../web/history.js"), Policy::Page),
    file("/web/record.css", CSS, include_str!("../../web/record.css"), Policy::Page),
    file("/web/index.js", SCRIPT, include_str!("../../web/index.js"), Policy::Page),
    file("/claim", HTML, include_str!("../../web/claim.html"), Policy::Page),
    file("/web/claim.js", SCRIPT, include_str!("../../web/claim.js"), Policy::Page),
    file("/web/base.css", CSS, include_str!("../../web/base.css"), Policy::Page),
    file("/web/icon.svg", SVG, include_str!("../../web/icon.svg"), Policy::Page),
    file("/web/dom.js", SCRIPT, include_str!("../../web/dom.js"), Policy::Page),
    file("/web/session.js", SCRIPT, include_str!("../../web/session.js"), Policy::Page),
    file("/web/tab.js", SCRIPT, include_str!("../../web/tab.js"), Policy::Page),
    file("/web/api.js", SCRIPT, include_str!("../../web/api.js"), Policy::Page),
    file("/web/page.js", SCRIPT, include_str!("../../web/page.js"), Policy::Page),
    file("/web/sign-in.js", SCRIPT, include_str!("../../web/sign-in.js"), Policy::Page),
    file("/widget/client.js", SCRIPT, include_str!("../../web/widget/client.js"), Policy::Widget),
    file("/widget/camera.js", SCRIPT, include_str!("../../web/widget/camera.js"), Policy::Widget),
    file("/widget/claim-device.js", SCRIPT, include_str!("../../web/widget/claim-device.js"), Policy::Widget),
    file("/widget/content.js", SCRIPT, include_str!("../../web/widget/content.js"), Policy::Widget),
    file("/widget/countdown.js", SCRIPT, include_str!("../../web/widget/countdown.js"), Policy::Widget),
    file("/widget/darkness.js", SCRIPT, include_str!("../../web/widget/darkness.js"), Policy::Widget),
    file("/widget/device-claiming.js", SCRIPT, include_str!("../../web/widget/device-claiming.js"), Policy::Widget),
    file("/widget/elements.js", SCRIPT, include_str!("../../web/widget/elements.js"), Policy::Widget),
    file("/widget/entry.js", SCRIPT, include_str!("../../web/widget/entry.js"), Policy::Widget),
    file("/widget/key.js", SCRIPT, include_str!("../../web/widget/key.js"), Policy::Widget),
    file("/widget/login.js", SCRIPT, include_str!("../../web/widget/login.js"), Policy::Widget),
    file("/widget/outcome.js", SCRIPT, include_str!("../../web/widget/outcome.js"), Policy::Widget),
    file("/widget/parts.js", SCRIPT, include_str!("../../web/widget/parts.js"), Policy::Widget),
    file("/widget/qr-code.js", SCRIPT, include_str!("../../web/widget/qr-code.js"), Policy::Widget),
    file("/widget/qr-reader.js", SCRIPT, include_str!("../../web/widget/qr-reader.js"), Policy::Widget),
    file("/widget/reed-solomon.js", SCRIPT, include_str!("../../web/widget/reed-solomon.js"), Policy::Widget),
    file("/widget/scanner.js", SCRIPT, include_str!("../../web/widget/scanner.js"), Policy::Widget),
    file("/widget/settings.js", SCRIPT, include_str!("../../web/widget/settings.js"), Policy::Widget),
    file("/widget/sign-in-form.js", SCRIPT, include_str!("../../web/widget/sign-in-form.js"), Policy::Widget),
    file("/widget/style.js", SCRIPT, include_str!("../../web/widget/style.js"), Policy::Widget),
    file("/widget/texts-de.js", SCRIPT, include_str!("../../web/widget/texts-de.js"), Policy::Widget),
    file("/widget/texts.js", SCRIPT, include_str!("../../web/widget/texts.js"), Policy::Widget),
    file("/widget/view.js", SCRIPT, include_str!("../../web/widget/view.js"), Policy::Widget),
    file("/login/createPassword", HTML, include_str!("../../web/choose-password.html"), Policy::Letter),
    file("/login/resetPassword", HTML, include_str!("../../web/choose-password.html"), Policy::Letter),
    file("/login/choose-password.js", SCRIPT, include_str!("../../web/choose-password.js"), Policy::Letter),
];

/// The pages, and the files that they need.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.iter().fold(Router::new(), |router, file| {
        let router = router.route(file.path, get(async |headers: HeaderMap| file.asset.answer(&headers)));
        let name = &file.path[1..];
        if name.is_empty() || name.contains('/') {
            return router;
        }
        // As some write the links of labels. A browser takes along what stands behind the `#`.
        router.route(&format!("/{name}/"), get(async move || Redirect::permanent(&format!("../{name}"))))
    })
}

/// What a browser is shown instead of a page that is not there: the first one, from which all others are found. Nothing where
/// no page is asked for, or none could stand: what pages refer to is found from beside them.
pub(crate) fn instead_of(path: &str, headers: &HeaderMap) -> Option<Response> {
    let is_beside = !path.trim_start_matches('/').contains('/');
    let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let first = FILES.iter().find(|file| file.path == "/" && is_beside && accepts.contains("text/html"))?;
    let mut response = first.asset.answer(&HeaderMap::new());
    *response.status_mut() = StatusCode::NOT_FOUND;
    Some(response)
}

#[cfg(test)]
mod tests;
