//! The hub's own authority: a client that trusts it, and nothing else, takes the hub for a secure one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use maloca_protocol::rest::BASE;
use maloca_tests::device::client;
use maloca_tests::hub::{TestHub, folder};
use reqwest::{Certificate, Client, StatusCode};

async fn authority(hub: &TestHub) -> String {
    let answer = client().get(format!("{}{BASE}/authority.crt", hub.http())).send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "application/x-x509-ca-cert");
    answer.text().await.expect("a text")
}

fn trusting(pem: &str) -> Client {
    let certificate = Certificate::from_pem(pem.as_bytes()).expect("a certificate");
    Client::builder().no_proxy().tls_certs_only([certificate]).build().expect("a client")
}

#[tokio::test]
async fn who_trusts_the_authority_trusts_the_hub_by_address_and_name() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let pem = authority(&hub).await;
    let ask =
        async |client: &Client, url: &str| client.get(format!("{url}{BASE}/hub")).send().await.map(|answer| answer.status());
    assert_eq!(ask(&trusting(&pem), hub.https()).await.expect("trust"), StatusCode::OK);
    let by_name = hub.https().replace("127.0.0.1", "localhost");
    assert_eq!(ask(&trusting(&pem), &by_name).await.expect("trust"), StatusCode::OK);

    // Another hub's authority is none for this one.
    let other_data = folder();
    let other = TestHub::start(other_data.path());
    assert!(ask(&trusting(&authority(&other).await), hub.https()).await.is_err());

    // What was installed on phones stays good: the authority is made once, and its secret is nobody else's to read.
    drop(hub);
    let hub = TestHub::start(data.path());
    assert_eq!(authority(&hub).await, pem);
    assert_eq!(ask(&trusting(&pem), hub.https()).await.expect("trust"), StatusCode::OK);
    let mode = fs::metadata(data.path().join("authority.key")).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
