//! What a hub says when it cannot start: one sentence that tells what to do, an exit code, and nothing damaged.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use maloca_tests::hub::{TestHub, binary, folder, maloca};
use maloca_tests::skip;

fn refused(data: &std::path::Path, more: &[&str]) -> String {
    let Err((status, log)) = TestHub::try_start(data, more) else { panic!("the hub started") };
    assert!(!status.success());
    log
}

#[test]
fn a_taken_port_is_said() {
    let (one, two) = (folder(), folder());
    let hub = TestHub::start(one.path());
    let output =
        maloca(["serve", "--data", two.path().to_str().expect("text"), "--listen", &format!("127.0.0.1:{}", hub.port())]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("is taken") && said.contains("--listen"), "{said}");
    assert!(std::fs::read_dir(two.path()).expect("a folder").next().is_none(), "nothing was begun");
}

#[test]
fn a_data_folder_in_use_is_said_and_the_first_hub_goes_on() {
    let data = folder();
    let hub = TestHub::start(data.path());
    let said = refused(data.path(), &[]);
    assert!(said.contains("another hub is running on this data folder"), "{said}");
    assert!(!maloca(["devices", "--data", data.path().to_str().expect("text")]).stdout.is_empty());
    assert!(hub.stop().success());
}

#[test]
fn a_folder_that_cannot_be_written_is_said() {
    if nix::unistd::geteuid().is_root() {
        // Root writes everywhere but where nobody can.
        let said = refused(std::path::Path::new("/proc/maloca"), &[]);
        assert!(said.contains("cannot write to the data folder") && said.contains("--data"), "{said}");
        return;
    }
    let data = folder();
    std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o500)).expect("our own folder");
    let said = refused(data.path(), &[]);
    assert!(said.contains("cannot write to the data folder") && said.contains("--data"), "{said}");
}

#[test]
fn a_code_that_is_easy_to_guess_is_refused() {
    let data = folder();
    let output = Command::new(binary())
        .args(["serve", "--joining-code", "1234", "--listen", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .output()
        .expect("maloca starts");
    assert!(String::from_utf8_lossy(&output.stderr).contains("too easy to guess"));
}

#[test]
fn a_copied_folder_goes_on_under_a_key_of_its_own() {
    let (data, copies) = (folder(), folder());
    let first = TestHub::start(data.path());
    let id = first.id().to_owned();
    assert!(first.stop().success());
    let copy = copies.path().join("copy");
    let done = Command::new("cp").arg("-r").arg(data.path()).arg(&copy).status().expect("cp");
    assert!(done.success());
    let second = TestHub::start(&copy);
    assert_ne!(second.id(), id);
    assert!(second.stop().success());
    let first = TestHub::start(data.path());
    assert_eq!(first.id(), id);
}

#[test]
fn a_full_disk_is_said() {
    let attempt = "mkdir -p \"$1\" && mount -t tmpfs -o size=64k none \"$1\"";
    let mount = folder();
    let allowed = Command::new("unshare").args(["-Urm", "sh", "-c", attempt, "sh"]).arg(mount.path()).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        return skip("a_full_disk_is_said", "mounting a tmpfs in a namespace is refused here");
    }
    let script = format!("{attempt} && exec \"$2\" serve --data \"$1/data\" --listen 127.0.0.1:0");
    let output = Command::new("unshare").args(["-Urm", "sh", "-c", &script, "sh"]).arg(mount.path()).arg(binary()).output();
    let output = output.expect("unshare starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("is full"), "{said}");
}
