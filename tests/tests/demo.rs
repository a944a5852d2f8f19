//! The demo, through the real binary: simulated devices join and send over real sockets, and nothing is left behind.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use maloca_tests::hub::{binary, folder, maloca};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

#[tokio::test]
async fn simulated_devices_send_everything() {
    let data = folder();
    let temporary = folder();
    let run = |more: &[&str]| {
        let mut command = Command::new(binary());
        command.args(["demo", "--pace", "0", "--seed", "1", "--observations", "40", "--photos", "12", "--ready-json"]).args(more);
        command.env("TMPDIR", temporary.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.spawn().expect("maloca starts")
    };
    // The second time all of it is there already, and the devices are the same ones.
    for _ in 0..2 {
        let mut demo = run(&["--data", data.path().to_str().unwrap()]);
        let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
        let mut line = || -> Value { serde_json::from_str(&lines.next().expect("a line").unwrap()).unwrap() };
        let ready = line();
        assert_eq!(ready["event"], "ready");
        let sent = line();
        assert_eq!(sent, serde_json::json!({ "event": "sent", "observations": 40, "photos": 12 }));
        let control: Value = serde_json::from_slice(&std::fs::read(data.path().join("control.json")).unwrap()).unwrap();
        let ask = async |path: &str| -> Value {
            let url = format!("{}/api/v1{path}", ready["http"].as_str().unwrap());
            let request = maloca_tests::device::client().get(url).bearer_auth(control["token"].as_str().unwrap());
            request.send().await.unwrap().json().await.unwrap()
        };
        let counts = ask("/admin/overview").await["counts"].clone();
        assert_eq!((&counts["observations"], &counts["media_held"]), (&40.into(), &12.into()), "{counts}");
        assert_eq!((&counts["conflicts"], &counts["media_wanted"]), (&0.into(), &0.into()), "{counts}");
        let devices = ask("/admin/devices").await["devices"].clone();
        let states: Vec<&Value> = devices.as_array().unwrap().iter().map(|device| &device["state"]).collect();
        assert_eq!(states, ["in_sync"; 4], "{devices}");
        end(&mut demo);
    }
    let verified = maloca(["verify", data.path().to_str().unwrap()]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

#[test]
fn a_demo_that_is_ended_early_leaves_nothing() {
    let temporary = folder();
    let mut demo = Command::new(binary())
        .args(["demo", "--ready-json"])
        .env("TMPDIR", temporary.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("maloca starts");
    let mut line = String::new();
    BufReader::new(demo.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("ready"), "{line}");
    end(&mut demo);
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
}

/// Tells it to end, and sees that it does so in good order.
fn end(demo: &mut std::process::Child) {
    kill(Pid::from_raw(demo.id().try_into().expect("a process id")), Signal::SIGTERM).expect("ours to end");
    let begun = Instant::now();
    let status = demo.wait().expect("its end");
    assert!(status.success() && begun.elapsed() < Duration::from_secs(15), "{status} after {:?}", begun.elapsed());
}
