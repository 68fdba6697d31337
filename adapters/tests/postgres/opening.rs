//! Databases that a node cannot work with say so when it starts.

use deed_adapters::{
    conformance::new_database,
    postgres::{OpenError, PostgresOptions, PostgresStore, Upgraded},
};
use tokio_postgres::{Client, NoTls};

use crate::world::{claims, register};

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The name of the database that the address ends with.
fn name(url: &str) -> &str {
    url.rsplit_once('/').unwrap().1
}

#[tokio::test]
async fn a_node_has_all_connections_that_it_needs_or_does_not_start() {
    let url = new_database();
    let admin = connect(&url).await;
    let user = format!("limited_{}", name(&url));
    let own = format!("CREATE USER {user}; ALTER DATABASE {} OWNER TO {user}", name(&url));
    admin.batch_execute(&own).await.unwrap();
    let limit =
        async |most: u32| admin.batch_execute(&format!("ALTER USER {user} CONNECTION LIMIT {most}")).await.unwrap();
    let options = PostgresOptions::new(url.replace("deed@", &format!("{user}@")), 1);

    limit(1).await;
    let refused = PostgresStore::open(options.clone(), None).await.unwrap_err();
    assert!(matches!(&refused, OpenError::Unavailable(why) if why.contains("53300")), "{refused}");
    limit(2).await;
    let store = loop {
        // The server may not have noticed yet that those of the first one are gone.
        match PostgresStore::open(options.clone(), None).await {
            Ok(store) => break store,
            Err(error) => assert!(matches!(error, OpenError::Unavailable(_)), "{error}"),
        }
    };
    register(&claims(&store), "D-1").await.unwrap();
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_text_is_refused() {
    let beside = new_database();
    let admin = connect(&beside).await;
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let database = format!("{}_{}", name(&beside), encoding.to_lowercase());
        let make = format!("CREATE DATABASE {database} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'");
        admin.batch_execute(&make).await.unwrap();
        let url = beside.replace(name(&beside), &database);
        let options = || PostgresOptions::new(&url, 2);
        let told = &mut |_: Upgraded<'_>| {};
        for refused in [
            PostgresStore::open(options(), None).await.map(drop),
            PostgresStore::upgrade(options(), told).await,
            PostgresStore::missing(options()).await.map(drop),
        ] {
            let why = refused.unwrap_err().to_string();
            assert!(why.contains(encoding) && why.contains("needs UTF8"), "{why}");
        }
        let made = connect(&url).await.query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'", &[]).await.unwrap();
        assert!(made.is_empty(), "nothing is made there");
    }
}
