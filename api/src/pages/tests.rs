//! What is in `api/web` is served, and refers to nothing that is not.

use std::{collections::BTreeSet, fs, path::Path};

use axum::{
    body::{Body, to_bytes},
    http::{HeaderValue, Method, Request, Response, StatusCode, header::ACCEPT},
};
use tower::ServiceExt as _;

use super::{FILES, File, HTML, SCRIPT, SVG, instead_of, routes};

async fn ask(method: Method, path: &str) -> Response<Body> {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    routes::<()>().oneshot(request).await.unwrap()
}

async fn text(path: &str) -> String {
    let body = to_bytes(ask(Method::GET, path).await.into_body(), 1_000_000).await.unwrap();
    String::from_utf8(body.into()).unwrap()
}

fn paths() -> BTreeSet<&'static str> {
    FILES.iter().map(|file| file.path).collect()
}

#[tokio::test]
async fn every_file_of_the_folder_is_served_as_it_is() {
    let mut served = BTreeSet::new();
    for file in &FILES {
        let kind = Path::new(file.path).extension().map_or("html", |extension| extension.to_str().unwrap());
        let kind = if kind == "js" { "javascript" } else { kind };
        let answer = ask(Method::GET, file.path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{}", file.path);
        assert!(answer.headers()["content-type"].to_str().unwrap().contains(kind), "{}", file.path);
        served.insert(text(file.path).await);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    for path in files(&folder) {
        assert!(served.contains(&fs::read_to_string(&path).unwrap()), "{} is not served", path.display());
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn what_a_file_refers_to_is_served() {
    for File { path, .. } in &FILES {
        for target in targets(&text(path).await) {
            let target = resolved(path, &target);
            assert!(paths().contains(target.as_str()), "{path} refers to {target}");
        }
    }
}

/// What stands in `src="…"`, `href="…"`, `from "…"` and `import("…")`, and is no place of the page itself and no API.
fn targets(text: &str) -> Vec<String> {
    let after = |start: &str| {
        text.split(start).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect::<Vec<_>>()
    };
    let all = ["src=\"", "href=\"", "href: \"", "from \"", "import(\""].into_iter().flat_map(after);
    all.filter(|target| !target.starts_with('#') && !target.starts_with("api/")).collect()
}

/// Where that leads from that path. What scripts write as links is meant from the page, which has no directory.
fn resolved(from: &str, target: &str) -> String {
    let is_link_in_script = from.ends_with(".js") && !target.starts_with('.');
    let folder = if is_link_in_script { "" } else { from.rsplit_once('/').unwrap().0 };
    let mut parts: Vec<_> = folder.split('/').collect();
    for part in target.split(['#', '?']).next().unwrap().split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    parts.join("/")
}

#[tokio::test]
async fn the_policy_of_each_file() {
    for File { path, .. } in &FILES {
        let answer = ask(Method::GET, path).await;
        let header = |name: &str| answer.headers()[name].to_str().unwrap();
        let is_document = [HTML, SVG].contains(&header("content-type"));
        assert_eq!(answer.headers().contains_key("content-security-policy"), is_document, "{path}");
        if is_document {
            let policy = header("content-security-policy");
            for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "trusted-types 'none'"] {
                assert!(policy.split("; ").any(|known| known == part), "{part} in {policy}");
            }
            assert!(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains('*'), "{policy}");
        }
        assert_eq!(header("referrer-policy"), "no-referrer");
        let origins = if path.starts_with("/widget/") { "cross-origin" } else { "same-origin" };
        assert_eq!(header("cross-origin-resource-policy"), origins, "{path}");
    }
}

#[tokio::test]
async fn no_page_holds_a_script_or_a_style_or_leads_elsewhere() {
    for File { path, .. } in &FILES {
        let (answer, text) = (ask(Method::GET, path).await, text(path).await);
        let kind = answer.headers()["content-type"].to_str().unwrap();
        if kind == HTML {
            let opened = text.matches("<script").count();
            assert_eq!(opened, text.matches("<script type=\"module\" src=\"").count(), "{path}");
            for forbidden in ["<style", " style=", "://", "javascript:"] {
                assert!(!text.contains(forbidden), "{forbidden} in {path}");
            }
            for needed in
                ["<html lang=\"en\">", "<meta name=\"viewport\"", "rel=\"icon\"", "<noscript>", "id=\"outcome\""]
            {
                assert!(text.contains(needed), "{needed} in {path}");
            }
        }
        if kind == SCRIPT {
            for forbidden in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "localStorage",
                "document.cookie",
            ] {
                assert!(!text.contains(forbidden), "{forbidden} in {path}");
            }
            assert!(text.lines().count() <= 400, "{path} is to be taken apart");
        }
    }
}

#[tokio::test]
async fn a_slash_too_much_leads_to_the_page() {
    let answer = ask(Method::GET, "/claim/").await;
    assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(answer.headers()["location"], "../claim");
    assert_eq!(ask(Method::GET, "/web/base.css/").await.status(), StatusCode::NOT_FOUND);
}

#[test]
fn a_browser_is_shown_the_first_page_where_there_is_none() {
    let instead = |path, accept: &'static str| {
        let headers = [(ACCEPT, HeaderValue::from_static(accept))].into_iter().collect();
        instead_of(path, &headers).map(|answer| answer.status())
    };
    assert_eq!(instead("/nosuch", "text/html,*/*;q=0.8"), Some(StatusCode::NOT_FOUND));
    assert_eq!(instead("/nosuch", "*/*"), None);
    assert_eq!(instead("/api/nosuch", "text/html"), None);
}

#[tokio::test]
async fn other_methods_than_reading_are_not_known() {
    assert_eq!(ask(Method::POST, "/").await.status(), StatusCode::METHOD_NOT_ALLOWED);
    let answer = ask(Method::HEAD, "/").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(to_bytes(answer.into_body(), 10).await.unwrap().is_empty());
}

/// The Ingress of the documentation has a way to each of them.
#[test]
fn an_ingress_passes_all_of_them_on() {
    let manual = include_str!("../../../docs/operations/deploying.md");
    let ways = manual.lines().filter_map(|line| line.trim().strip_prefix("- {path: ")?.split_once(", pathType: "));
    let ways: Vec<_> = ways.collect();
    assert!(ways.len() > 5);
    let leads_to = |path: &str, (way, kind): &(&str, &str)| {
        path.strip_prefix(way)
            .is_some_and(|rest| rest.is_empty() || (kind.starts_with("Prefix") && rest.starts_with('/')))
    };
    for path in paths() {
        assert!(ways.iter().any(|way| leads_to(path, way)), "{path}");
    }
    for path in ["/metrics", "/health/ready"] {
        assert!(!ways.iter().any(|way| leads_to(path, way)), "{path}");
    }
}
