//! What a node says that has no database, and what becomes of a commit whose answer gets lost.

use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, StatusCode, header::RETRY_AFTER};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    RECOVERY,
    coap::{self, POST},
    deed::MARK,
    load::Session,
    network::Passage,
    nodes::{Cluster, NODES},
};

/// Within this time everybody is told, however the database was lost.
const TOLD: Duration = Duration::from_secs(60);

/// Whoever asks that node hears that it is to come again: people, devices, and one that was connected before.
pub(crate) async fn expect_come_again(cluster: &Cluster, node: usize, name: &str, mut session: Session) {
    let at = cluster.directory().of(node);
    let client = Client::builder().timeout(TOLD).build().unwrap();
    let key = json!({"secretKey": MARK, "durationMs": 60_000});
    let claim = client.post(format!("{}/api/customer/device/{name}/claim", at.url)).json(&key);
    let issue = client.post(format!("{}/api/v1/{name}/claim", at.url)).json(&key);
    let payload = key.to_string();
    let over_coap = async {
        let mut client = coap::Client::new(cluster.server(node)).await;
        let request = client.request(POST, &format!("api/v1/{name}/claim"), &payload);
        // An empty acknowledgement says that the answer comes later.
        loop {
            let code = client.insist(&request).await.code();
            if code != "0.00" {
                return code;
            }
        }
    };
    let (_, _, acknowledged, entered, code) = tokio::join!(
        expect_unavailable(claim.bearer_auth(&cluster.people.customers[0])),
        expect_unavailable(issue),
        timeout(TOLD, session.claims(&payload)),
        timeout(TOLD, Session::enter(&at.mqtt, name)),
        timeout(TOLD, over_coap),
    );
    assert_eq!(acknowledged, Ok(false));
    assert!(entered.unwrap().is_none());
    assert_eq!(code.as_deref(), Ok("5.03"));
}

async fn expect_unavailable(request: RequestBuilder) {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key(RETRY_AFTER));
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    NetworkCut,
    NodeKilled,
    DatabaseKilled,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_whose_commit_or_its_answer_was_lost_happens_once() {
    let mut cluster = Cluster::start().await;
    for then in [Then::NetworkCut, Then::NodeKilled, Then::DatabaseKilled] {
        for lost in [Passage::Dropped, Passage::Unanswered] {
            lose(&mut cluster, lost, then).await;
        }
    }
    // The same without a name: it is by its batch that the node knows what became of it.
    for lost in [Passage::Dropped, Passage::Unanswered] {
        let id = cluster.register(1, &format!("{lost:?}")).await.unwrap();
        cluster.networks[0].set_at_commit(lost);
        let url = format!("{}/api/v1/{lost:?}/claim", cluster.directory().of(0).url);
        let issue = Client::new().post(url).json(&json!({"secretKey": MARK})).send();
        let asked = tokio::spawn(issue);
        cluster.networks[0].has_lost().await;
        sleep(Duration::from_millis(300)).await;
        cluster.networks[0].cut();
        cluster.networks[0].set(Passage::Open);
        assert_eq!(asked.await.unwrap().unwrap().status(), StatusCode::OK);
        let log = cluster.export();
        let issued = log.iter().filter(|event| event["aggregateId"] == *id && event["eventType"] == "ClaimIssued");
        assert_eq!(issued.count(), 1, "{lost:?}");
    }
    // A commit that comes so late that the database has given its transaction up is made again.
    cluster.networks[0].set_at_commit(Passage::Dropped);
    let asked = tokio::spawn(cluster.register(0, "late"));
    cluster.networks[0].has_lost().await;
    let began = Instant::now();
    assert!(cluster.register(1, "beside").await.is_some());
    println!("held up for {:?}", began.elapsed());
    cluster.networks[0].set(Passage::Open);
    assert!(asked.await.unwrap().is_some());
    cluster.expect_undamaged();
    let logs = cluster.stop().await;
    assert!(logs[0].contains("the answer to a commit got lost"), "{}", logs[0]);
}

async fn lose(cluster: &mut Cluster, lost: Passage, then: Then) {
    let name = format!("{lost:?}-{then:?}");
    let is_made = |cluster: &Cluster| {
        let made = |event: &&Value| event["payload"]["DeviceRegistered"]["name"] == *name;
        cluster.export().iter().filter(made).count()
    };
    cluster.networks[0].set_at_commit(lost);
    let asked = tokio::spawn(cluster.register(0, &name));
    cluster.networks[0].has_lost().await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(is_made(cluster), usize::from(lost == Passage::Unanswered), "{name}");
    assert!(!asked.is_finished(), "nothing is acknowledged before it is known to be durable");
    match then {
        Then::NetworkCut => cluster.networks[0].cut(),
        Then::NodeKilled => cluster.kill_node(0).await,
        Then::DatabaseKilled => {
            cluster.database.kill();
            cluster.database.start_again();
            cluster.database.ready().await;
            cluster.networks[0].cut();
        }
    }
    cluster.networks[0].set(Passage::Open);
    let told = asked.await.unwrap();
    if then == Then::NodeKilled {
        assert_eq!(told, None);
        cluster.start_node(0).await;
    } else {
        assert!(told.is_some(), "the node has asked the database what became of it");
        assert_eq!(is_made(cluster), 1, "{name}: what is acknowledged is there");
    }
    for node in 0..NODES {
        cluster.until_ready(node, true, RECOVERY).await;
        let again = cluster.register(node, &name).await;
        assert!(again.is_some() && (told.is_none() || again == told), "{told:?} {again:?}");
    }
    assert_eq!(is_made(cluster), 1, "{name}");
}
