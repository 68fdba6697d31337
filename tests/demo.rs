//! What makes a database a demo's is in the database.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "each test program uses a part of it")]
mod deed;

use std::{fs, path::Path, process::Command};

use deed::{Server, deed, run, world::sign_in};
use deed_adapters::conformance::new_database;
use reqwest::Client;

/// What a start without `--demo` warns of.
const WARNING: &str = "this database was made for a demo";

#[tokio::test]
async fn on_a_server_a_demo_is_known_by_its_database() {
    let directory = tempfile::tempdir().unwrap();
    let (demos, real) = (new_database(), new_database());
    let left_over = directory.path().join("deed-demo");
    let on = |data_dir: &Path, database: &str, options: &[&str]| -> Command {
        let mut command = deed(data_dir);
        command.args(["serve", "--database", database]).args(options);
        command
    };

    let greeting = Server::start(&mut on(&left_over, &demos, &["--demo"])).greeting.clone();
    let place = demos.split_once('@').unwrap().1;
    assert!(greeting.contains(&format!("in the database postgres://{place}")), "{greeting}");
    let secrets = left_over.join("secrets.yml").display().to_string();
    let configured = ["--config", secrets.as_str()];

    // What was left by a demo does not make another database one.
    let server = Server::start(&mut on(&directory.path().join("node"), &real, &configured));
    assert!(!server.stop().1.contains(WARNING));
    let (status, out, error) = run(&mut on(&left_over, &real, &["--demo"]));
    assert_eq!((status, out.as_str()), (64, ""), "{error}");
    assert!(error.contains("holds something already"), "{error}");

    // And a demo needs nothing of what it left.
    let elsewhere = directory.path().join("elsewhere");
    let with_secrets = ["--demo", configured[0], configured[1]];
    let server = Server::start(&mut on(&elsewhere, &demos, &with_secrets));
    sign_in(&Client::new(), &server.url, "customer@thingsboard.org", "customer").await;
    drop(server);
    assert!(!elsewhere.exists());
    let (_, printed) = Server::start(&mut on(&elsewhere, &demos, &configured)).stop();
    assert!(printed.contains(WARNING) && !printed.contains("Sign in as"), "{printed}");
}

/// Whichever node is first makes the demo, and the others wait for it.
#[tokio::test]
async fn nodes_of_a_demo_may_start_together() {
    let directory = tempfile::tempdir().unwrap();
    let (database, secrets) = (new_database(), directory.path().join("secrets.yml"));
    // Somebody has to make secrets for all of them.
    drop(Server::start(deed(directory.path()).args(["serve", "--demo", "--database", &new_database()])));
    let start = |number: usize| {
        let mut command = deed(&directory.path().join(number.to_string()));
        command.args(["serve", "--demo", "--database", &database, "--config"]).arg(&secrets);
        Server::start(&mut command)
    };
    std::thread::scope(|scope| {
        let nodes = [0, 1, 2].map(|number| scope.spawn(move || start(number)));
        for node in nodes {
            let greeting = node.join().unwrap().greeting.clone();
            assert!(greeting.contains("Demo-5"), "{greeting}");
        }
    });
}

#[tokio::test]
async fn a_demo_that_was_cut_off_is_made_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let demo = || Server::start(deed(directory.path()).args(["serve", "--demo", "--database", ""]));
    demo().stop();
    let database = directory.path().join("deed.db");
    rusqlite::Connection::open(&database)
        .unwrap()
        .execute_batch("DELETE FROM users WHERE email LIKE 'sysadmin@%' OR email LIKE 'auditor@%'")
        .unwrap();
    let server = demo();
    for name in ["sysadmin", "auditor", "tenant"] {
        sign_in(&Client::new(), &server.url, &format!("{name}@thingsboard.org"), name).await;
    }
    server.stop();
    let (_, printed) = Server::start(deed(directory.path()).args(["serve", "--database", ""])).stop();
    assert!(printed.contains(WARNING), "{printed}");

    // Another database in its place is none.
    let other = directory.path().join("other");
    Server::start(deed(&other).args(["serve", "--database", ""])).stop();
    for name in ["deed.db", "secrets.yml"] {
        fs::copy(other.join(name), directory.path().join(name)).unwrap();
    }
    let (status, _, error) = run(deed(directory.path()).args(["serve", "--demo", "--database", ""]));
    assert!(status == 64 && error.contains("holds something already"), "{status} {error}");
}
