//! The examples of the README and of the first start work word for word: their commands run against a service that has just
//! been made, and print what stands there. `DEED_BLESS=1` writes what they print into the page.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use regex::Regex;

#[expect(dead_code, reason = "each test program uses a part of it")]
mod python;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const FIRST_START: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations/first-start.md");
/// The page says so, too.
const DEVICE_CLIENT_WARNS: [&str; 2] = [
    "Waiting for connection to be established before sending data to ThingsBoard!",
    "Cannot retrieve service configuration, session will use default configuration.",
];
const DEED: &str = env!("CARGO_BIN_EXE_deed");

#[test]
fn the_readmes_examples_do_what_they_say() {
    let directory = tempfile::tempdir().unwrap();
    let sections =
        [("## A tour in five minutes", 8), ("## The same over MQTT and CoAP", 3), ("## The same in Python", 7)];
    for (heading, least) in sections {
        examples(README, heading, least, &Service::start(&directory.path().join(heading), &["--demo"]));
    }
}

#[test]
fn the_first_start_leads_to_the_first_claim() {
    let directory = tempfile::tempdir().unwrap();
    examples(FIRST_START, "## To the first claim", 6, &Service::start(&directory.path().join("data"), &[]));
}

/// Runs the examples of a section of that page; there are at least so many.
fn examples(path: &str, heading: &str, least: usize, service: &Service) {
    let page = fs::read_to_string(path).unwrap();
    let steps = steps(&page, heading);
    assert!(steps.len() >= least, "{heading} has lost its steps");
    let printed = service.run(&steps);

    #[expect(clippy::disallowed_methods, reason = "whether to rewrite the page is asked by the environment")]
    if std::env::var_os("DEED_BLESS").is_some() {
        fs::write(path, blessed(&page, &steps, &printed)).unwrap();
    } else {
        assert_shown(&steps, &printed);
    }
}

fn assert_shown(steps: &[Step], printed: &[String]) {
    for (step, printed) in steps.iter().zip(printed) {
        assert_eq!(
            masked(&step.shown),
            masked(printed),
            "`./task bless` rewrites the page; the step was:\n{}",
            step.commands
        );
    }
}

/// Some commands, and what they are said to print.
struct Step {
    language: Language,
    commands: String,
    shown: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Shell,
    Python,
}

/// The blocks of commands of a section, each with the block of output that follows it, if one does.
fn steps(readme: &str, heading: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (kind, text) in blocks(section(readme, heading)) {
        let language = match kind {
            "sh" => Language::Shell,
            "python" => Language::Python,
            "text" => {
                text.clone_into(&mut steps.last_mut().expect("output follows commands").shown);
                continue;
            }
            other => panic!("{heading} has blocks of sh, python and text, not of {other:?}"),
        };
        steps.push(Step { language, commands: text.to_owned(), shown: String::new() });
    }
    steps
}

fn section<'a>(readme: &'a str, heading: &str) -> &'a str {
    let (_, after) = readme.split_once(heading).expect("the page has this section");
    after.split_once("\n## ").map_or(after, |(section, _)| section)
}

/// Every fenced block: its language and its content.
fn blocks(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'))
}

/// The page with the output that was printed.
fn blessed(page: &str, steps: &[Step], printed: &[String]) -> String {
    let mut blessed = page.to_owned();
    for (step, printed) in steps.iter().zip(printed) {
        let old = format!("{}```\n\n```text\n{}```", step.commands, step.shown);
        let new = format!("{}```\n\n```text\n{printed}```", step.commands);
        if blessed.contains(&old) {
            blessed = blessed.replacen(&old, &new, 1);
        } else {
            assert!(printed.is_empty(), "prints something and shows nothing:\n{}", step.commands);
        }
    }
    blessed
}

/// What differs from run to run, replaced: ids, tokens, keys that are made, times.
fn masked(text: &str) -> String {
    let masks = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>"),
        (r"key …[0-9a-f]{8}", "key <id>"),
        (r#""secretKey":"[2-9A-HJ-NP-Z]{4}(-[2-9A-HJ-NP-Z]{4}){3}""#, r#""secretKey":"<key>""#),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "<time>"),
        (r"\b\d{13}\b", "<time>"),
        (r"Secret key: [0-9a-f]{16}\b", "Secret key: <key>"),
    ];
    masks.iter().fold(text.to_owned(), |text, (pattern, mask)| {
        Regex::new(pattern).unwrap().replace_all(&text, *mask).into_owned()
    })
}

/// A service of its own, on a port of its own.
struct Service {
    process: Child,
    address: String,
    mqtt_port: String,
    coap: String,
    data_dir: String,
    /// The operator's, if it was printed.
    password: String,
}

impl Service {
    fn start(directory: &Path, arguments: &[&str]) -> Self {
        let data_dir = directory.to_str().unwrap().replace(' ', "-");
        let mut process = Command::new(DEED)
            .args(["serve", "--data-dir", &data_dir])
            .args(arguments)
            .env("HTTP_BIND_PORT", "0")
            .env("MQTT_BIND_PORT", "0")
            .env("COAP_BIND_PORT", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the demo starts");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (mut password, mut mqtt_port, mut coap) = (String::new(), String::new(), String::new());
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            if let Some((_, printed)) = line.split_once(" with the password ") {
                printed.clone_into(&mut password);
            }
            if let Some(address) = line.strip_prefix("Devices speak MQTT at ") {
                address.rsplit_once(':').unwrap().1.clone_into(&mut mqtt_port);
            }
            if let Some(address) = line.strip_prefix("Devices speak CoAP at ") {
                address.clone_into(&mut coap);
            }
            line.strip_prefix("deed is ready: http://").map(str::to_owned)
        });
        // Whatever it prints later must not fill the pipe.
        thread::spawn(move || lines.for_each(drop));
        Self {
            process,
            address: address.expect("the service says when it is ready"),
            mqtt_port,
            coap,
            data_dir,
            password,
        }
    }

    /// Runs the steps, those of one language that follow each other in one shell or interpreter, as a reader does, and
    /// gives what each prints.
    fn run(&self, steps: &[Step]) -> Vec<String> {
        steps.chunk_by(|one, next| one.language == next.language).flat_map(|steps| self.run_alike(steps)).collect()
    }

    /// Only the ports, the binary and the data directory are others than on the page.
    fn run_alike(&self, steps: &[Step]) -> Vec<String> {
        const END: &str = "--- end of step ---";
        let (mut interpreter, end) = match steps[0].language {
            Language::Shell => (Command::new("sh"), format!("echo '{END}'")),
            Language::Python => (python::program("python", "python"), format!("print('{END}', flush=True)")),
        };
        let script: String = steps.iter().map(|step| format!("{}\n{end}\n", step.commands)).collect();
        let script = script
            .replace("localhost:8080", &self.address)
            .replace("-p 1883", &format!("-p {}", self.mqtt_port))
            .replace("coap://127.0.0.1/", &format!("coap://{}/", self.coap))
            .replace("(THINGSBOARD_HOST, username", &format!("(THINGSBOARD_HOST, {}, username", self.mqtt_port))
            .replace("target/release/deed", DEED)
            .replace("--data-dir deed-demo", &format!("--data-dir {}", self.data_dir));
        if steps[0].language == Language::Shell {
            interpreter.arg("-eu");
        }
        let ended =
            interpreter.args(["-c", &script]).env("PASSWORD", &self.password).output().expect("the interpreter runs");
        let errors = String::from_utf8_lossy(&ended.stderr);
        let is_fault = |line: &str| !line.is_empty() && !DEVICE_CLIENT_WARNS.contains(&line);
        assert!(ended.status.success() && !errors.lines().any(is_fault), "the page's commands fail: {errors}");
        let printed = String::from_utf8(ended.stdout).unwrap();
        printed.split(&format!("{END}\n")).take(steps.len()).map(str::to_owned).collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
