//! Devices find hubs: in networks without a default route, with several sides, that go and come, that drop half of
//! what is sent, and that are hostile. The hub's real responder and the device's real search, in namespaces.

use std::sync::Arc;
use std::time::{Duration, Instant};

use maloca_hub::discovery::{self, BindError, DiscoveryOptions, Identity};
use maloca_hub::service::Service;
use maloca_protocol::client::discover::{DiscoverOptions, discover};
use maloca_protocol::client::interfaces::Choice;
use maloca_protocol::limits::QUESTION_BYTES;
use maloca_protocol::{DeviceKey, ProjectId};
use maloca_tests::lan::{Lan, Node, in_a_lan};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const NODE: &str = env!("CARGO_BIN_EXE_lan_node");

fn hub(lan: &Lan, machine: &str) -> Node {
    let mut hub = lan.start(machine, NODE, &["hub"]);
    hub.line("ready");
    hub
}

fn ask(lan: &Lan, machine: &str) -> Node {
    lan.start(machine, NODE, &["ask"])
}

/// Waits until an asker has found the hub at `address`.
fn finds(asker: &mut Node, address: &str) {
    let found = asker.line("found");
    let id = DeviceKey::from_seed([7; 32]).id();
    assert_eq!(found, format!("{id} {address} Casa_comunal https://{address}:8734,http://{address}:8733"));
}

#[test]
fn one_network_without_a_default_route() {
    in_a_lan("one_network_without_a_default_route", &[], |lan| {
        lan.machine("laptop");
        lan.machine("phone");
        lan.cable(("laptop", "wlan0", "10.42.0.1/24"), ("phone", "wlan0", "10.42.0.9/24"));
        assert!(!lan.on("laptop", "ip route").contains("default"));
        let hub = hub(&lan, "laptop");
        finds(&mut ask(&lan, "phone"), "10.42.0.1");
        // On the laptop itself too, as the command line would, over the same network.
        finds(&mut ask(&lan, "laptop"), "10.42.0.1");
        hub.stop();
    });
}

#[test]
fn each_side_is_told_its_own_address() {
    in_a_lan("each_side_is_told_its_own_address", &[], |lan| {
        for machine in ["laptop", "phone", "office"] {
            lan.machine(machine);
        }
        lan.cable(("laptop", "wlan0", "10.42.0.1/24"), ("phone", "wlan0", "10.42.0.9/24"));
        lan.cable(("laptop", "eth0", "192.168.7.2/23"), ("office", "eth0", "192.168.6.8/23"));
        let _hub = hub(&lan, "laptop");
        finds(&mut ask(&lan, "phone"), "10.42.0.1");
        finds(&mut ask(&lan, "office"), "192.168.7.2");
    });
}

#[test]
fn an_interface_that_went_and_came_back_is_heard_again() {
    in_a_lan("an_interface_that_went_and_came_back_is_heard_again", &["nft"], |lan| {
        lan.machine("laptop");
        lan.machine("phone");
        // Broadcast needs no membership, so it would hide that the group was not joined again.
        lan.drop_incoming("laptop", "10.42.0.255");
        let _hub = hub(&lan, "laptop");
        for _ in 0..2 {
            lan.cable(("laptop", "wlan0", "10.42.0.1/24"), ("phone", "wlan0", "10.42.0.9/24"));
            finds(&mut ask(&lan, "phone"), "10.42.0.1");
            lan.on("laptop", "ip link del wlan0");
        }
    });
}

#[test]
fn a_search_goes_on_when_its_network_returns() {
    in_a_lan("a_search_goes_on_when_its_network_returns", &[], |lan| {
        lan.machine("laptop");
        lan.machine("phone");
        let cable = || lan.cable(("laptop", "wlan0", "10.42.0.1/24"), ("phone", "wlan0", "10.42.0.9/24"));
        let _hub = hub(&lan, "laptop");
        let mut asker = ask(&lan, "phone");
        cable();
        finds(&mut asker, "10.42.0.1");
        lan.on("phone", "ip link del wlan0");
        // Drain what was on its way, until a while longer than a question's pause has brought nothing.
        while asker.line_within("found", Duration::from_millis(2500)).is_ok() {}
        cable();
        finds(&mut asker, "10.42.0.1");
    });
}

#[test]
fn broadcast_is_enough_where_multicast_is_lost() {
    in_a_lan("broadcast_is_enough_where_multicast_is_lost", &["nft"], |lan| {
        lan.machine("laptop");
        lan.machine("phone");
        lan.cable(("laptop", "wlan0", "10.42.0.1/22"), ("phone", "wlan0", "10.42.3.9/22"));
        lan.drop_incoming("laptop", "224.0.0.0/4");
        let _hub = hub(&lan, "laptop");
        finds(&mut ask(&lan, "phone"), "10.42.0.1");
    });
}

#[test]
fn who_is_outside_the_subnet_gets_no_answer() {
    in_a_lan("who_is_outside_the_subnet_gets_no_answer", &[], |lan| {
        lan.machine("laptop");
        lan.machine("stranger");
        lan.cable(("laptop", "wlan0", "10.42.0.1/24"), ("stranger", "wlan0", "10.42.0.9/24"));
        // There is a way back to the stranger, so that nothing but the rule keeps the answer from him.
        lan.on("laptop", "ip route add 192.0.2.0/24 dev wlan0");
        lan.on("stranger", "ip addr add 192.0.2.9/24 dev wlan0");
        let _hub = hub(&lan, "laptop");
        // Each round asks from outside first; the hub and the cable keep the order.
        let mut asker = lan.start("stranger", NODE, &["raw", "192.0.2.9,10.42.0.9", "10.42.0.1", "4"]);
        assert_eq!(asker.line("sent"), "8");
        for _ in 0..4 {
            assert!(asker.line("got").starts_with("10.42.0.1 10.42.0.9 "), "only from inside the subnet");
        }
    });
}

#[test]
fn a_flood_is_answered_within_the_rates_and_never_with_more_than_was_sent() {
    in_a_lan("a_flood_is_answered_within_the_rates_and_never_with_more_than_was_sent", &[], |lan| {
        lan.machine("laptop");
        lan.machine("crowd");
        lan.machine("phone");
        lan.cable(("laptop", "wlan0", "10.42.0.1/16"), ("crowd", "wlan0", "10.42.1.1/16"));
        lan.cable(("laptop", "eth0", "10.50.0.1/24"), ("phone", "eth0", "10.50.0.9/24"));
        let sources: Vec<String> = (2..=101).map(|n| format!("10.42.1.{n}")).collect();
        for source in &sources {
            lan.on("crowd", &format!("ip addr add {source}/16 dev wlan0"));
        }
        let _hub = hub(&lan, "laptop");

        let flood = |sources: &str, times: &str| {
            let start = Instant::now();
            let mut crowd = lan.start("crowd", NODE, &["raw", sources, "10.42.0.1", times]);
            crowd.line("sent");
            let mut answers = 0;
            // Answers come within milliseconds; a silence of half a second is the end of them.
            while let Ok(got) = crowd.line_within("got", Duration::from_millis(500)) {
                answers += 1;
                let bytes: usize = got.rsplit(' ').next().and_then(|bytes| bytes.parse().ok()).expect("a number");
                assert!(bytes <= QUESTION_BYTES);
            }
            (answers, start.elapsed().as_secs_f64())
        };
        let (answers, seconds) = flood("10.42.1.1", "3000");
        assert!(answers >= 1 && f64::from(answers) <= 5.0 + seconds, "{answers} to one source in {seconds} s");
        // One hundred sources may have 500 at once, all together 200.
        let (answers, seconds) = flood(&sources.join(","), "30");
        assert!(answers > 5 && f64::from(answers) <= 200.0 + 200.0 * seconds, "{answers} to a hundred sources in {seconds} s");
        // And a phone on the other side is not kept waiting for long.
        finds(&mut ask(&lan, "phone"), "10.50.0.1");
    });
}

#[test]
fn browsers_find_it_by_name_on_each_side_and_hear_its_goodbye() {
    in_a_lan("browsers_find_it_by_name_on_each_side_and_hear_its_goodbye", &[], |lan| {
        for machine in ["laptop", "phone", "office"] {
            lan.machine(machine);
        }
        lan.cable(("laptop", "wlan0", "10.42.0.1/24"), ("phone", "wlan0", "10.42.0.9/24"));
        lan.cable(("laptop", "eth0", "192.168.7.2/24"), ("office", "eth0", "192.168.7.8/24"));
        let hub = hub(&lan, "laptop");
        let sides = [("phone", "10.42.0.1"), ("office", "192.168.7.2")];
        let mut browsers = sides.map(|(machine, address)| {
            let mut browser = lan.start(machine, NODE, &["browse"]);
            assert_eq!(browser.line("seen"), format!("maloca.local. {address} 8733 {}", ProjectId([9; 16])));
            browser
        });
        hub.stop();
        for browser in &mut browsers {
            assert!(browser.line("gone").ends_with("._maloca._tcp.local."));
        }
    });
}

fn identity() -> (watch::Sender<String>, Identity) {
    let (sender, name) = watch::channel("Casa".to_owned());
    let (key, service) = (Arc::new(DeviceKey::from_seed([1; 32])), Service::default().follow());
    (sender, Identity { key, project: ProjectId([2; 16]), name, service })
}

fn loopback(port: u16) -> DiscoveryOptions {
    DiscoveryOptions { interfaces: Choice::Named(vec!["lo".into()]), port, http_port: 4321, https_port: Some(4322), mdns: true }
}

#[tokio::test]
async fn loopback_works_when_it_is_named() {
    let bound = discovery::bind(loopback(0)).unwrap();
    let (port, peers) = (bound.port(), bound.peers());
    let (name, identity) = identity();
    let id = identity.key.id();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(discovery::run(bound, identity, shutdown.clone()));

    let options = || DiscoverOptions {
        interfaces: Choice::Named(vec!["lo".into()]),
        port,
        deadline: Some(Duration::from_secs(10)),
        ..DiscoverOptions::default()
    };
    let mut search = discover(options());
    let found = search.next().await.expect("within the deadline");
    assert_eq!((found.hub, found.project, found.name.as_str()), (id, ProjectId([2; 16]), "Casa"));
    assert_eq!(found.urls, ["https://127.0.0.1:4322", "http://127.0.0.1:4321"]);
    assert_eq!(search.networks(), ["lo"]);
    assert!(peers.recent().iter().any(|asked| asked.interface == "lo"));

    // The manager gives it another name, too long for an answer: the next asker hears what fits.
    name.send("ñ".repeat(100)).unwrap();
    assert_eq!(discover(options()).next().await.expect("within the deadline").name, "ñ".repeat(32));

    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(5), running).await.expect("it stops when told").unwrap();
    // The port is free again at once, and nobody answers.
    let again = discovery::bind(loopback(port)).unwrap();
    assert_eq!(again.port(), port);
}

#[tokio::test]
async fn a_paused_hub_is_silent_until_it_goes_on() {
    let bound = discovery::bind(loopback(0)).unwrap();
    let port = bound.port();
    let (service, (_name, identity)) = (Service::default(), identity());
    let identity = Identity { service: service.follow(), ..identity };
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(discovery::run(bound, identity, shutdown.clone()));
    let ask = |seconds| {
        let interfaces = Choice::Named(vec!["lo".into()]);
        let deadline = Some(Duration::from_secs(seconds));
        discover(DiscoverOptions { interfaces, port, deadline, ..DiscoverOptions::default() })
    };
    assert!(ask(10).next().await.is_some());
    service.pause(true);
    assert!(ask(1).next().await.is_none(), "a paused hub answered");
    service.pause(false);
    service.search();
    assert!(ask(10).next().await.is_some());
    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(5), running).await.expect("it stops when told").unwrap();
}

#[tokio::test]
async fn a_second_hub_on_the_port_is_refused_with_what_to_do() {
    let first = discovery::bind(loopback(0)).unwrap();
    let second = discovery::bind(loopback(first.port())).unwrap_err();
    assert!(matches!(second, BindError::PortTaken { port } if port == first.port()));
    assert!(second.to_string().contains("--listen"));
}

#[tokio::test]
async fn a_search_without_a_network_says_so_and_ends_at_its_deadline() {
    let mut search = discover(DiscoverOptions {
        interfaces: Choice::Named(vec!["no-such-network".into()]),
        deadline: Some(Duration::from_millis(300)),
        ..DiscoverOptions::default()
    });
    assert_eq!(search.next().await, None);
    assert!(search.networks().is_empty());
}
