//! A sealed copy: the drive says nothing of what is in it; who has the key opens it with `age` and `tar`, and has a bundle like any other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use maloca_protocol::MediaHash;
use maloca_tests::device::{RawDevice, lines, record};
use maloca_tests::hub::{TestHub, fast_folder, maloca, verify};
use maloca_tests::lan::skip;
use maloca_tests::manager::Manager;
use reqwest::StatusCode;
use serde_json::{Value, json};

const NOTE: &str = "nobody may read what Rosa wrote";

#[tokio::test]
async fn only_who_has_the_key_can_open_it() {
    let name = "only_who_has_the_key_can_open_it";
    let office = Office::with_keys();
    let Ok(office) = office else { return skip(name, "the program age is not installed (on Debian: apt install age)") };
    // In memory, so that this machine's disk is a drive.
    let (memory, drive) = (fast_folder(), tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder"));
    let data = memory.path().join("data");
    let hub = TestHub::start(&data);
    let (rosa, manager) =
        (RawDevice::join_as(&hub, maloca_protocol::DeviceKey::from_seed([1; 32]), "Rosa").await, Manager::of(&hub));
    let photo: Vec<u8> = b"PHOTOGRAPH".repeat(30_000);
    let bring = async |note: &str| {
        rosa.send(lines(&[&record(&rosa.key, note, Some(&photo))])).await;
    };
    bring(NOTE).await;
    assert_eq!(rosa.upload(photo.len(), Some(MediaHash::of(&photo)), Some(photo.clone())).await.status(), StatusCode::CREATED);

    // A text that is no key seals nothing, and is not repeated: it may be the secret one.
    let secret = fs::read_to_string(office.key(0)).expect("a key");
    let secret = secret.lines().find(|line| line.starts_with("AGE-SECRET")).expect("it");
    let (status, refused) = manager.post("/admin/exports", &json!({ "to": drive.path(), "seal_for": [secret] })).await;
    assert_eq!((status, &refused["code"]), (StatusCode::BAD_REQUEST, &json!("seal_key_invalid")), "{refused}");
    assert!(!refused.to_string().contains(&secret[8..20]), "{refused}");
    assert!(!drive.path().join("Maloca").exists());

    let said = office.export(&data, drive.path(), &[]);
    assert!(said.contains("1 observations and 1 media files are in") && said.contains("It is sealed"), "{said}");
    let sealed = only(&drive.path().join("Maloca"));
    let files: Vec<String> = names(&sealed);
    assert_eq!(files, ["README.txt", "copy.tar.age", "sealed-info.txt", "sha256sums.txt"]);
    let hub_name = manager.get("/hub").await["name"].as_str().expect("a name").to_owned();
    for file in &files {
        let bytes = fs::read(sealed.join(file)).expect("it");
        for plain in [NOTE, "Rosa", "PHOTOGRAPH", "observations.csv", &hub_name, &hub.id()[..16]] {
            assert!(!bytes.windows(plain.len()).any(|window| window == plain.as_bytes()), "{plain} in {file}");
        }
    }
    assert_eq!(names(&data.join("sealing")), Vec::<String>::new(), "and nothing of it stays with the hub");
    run(Command::new("sha256sum").args(["-c", "sha256sums.txt"]).current_dir(&sealed));

    // Either of those for whom it was made opens it, with Debian's programs; others do not.
    for key in 0..2 {
        let opened = office.opened(key, &sealed).expect("it opens");
        let bundle = only(opened.path());
        assert_eq!(fs::read_to_string(bundle.join("data/observations.csv")).expect("it").matches(NOTE).count(), 1);
        let checked = maloca([Path::new("verify"), &bundle]);
        assert!(checked.status.success(), "{checked:?}");
        run(Command::new("sha256sum").args(["--quiet", "-c", "manifest-sha256.txt"]).current_dir(&bundle));
    }
    assert!(office.opened(2, &sealed).is_err(), "another key opens nothing");

    // It counts as a copy, and nothing may be freed for its sake; another sealed one has what is new, a plain one everything.
    let overview = manager.get("/admin/exports").await;
    let row = &overview["ledger"][0];
    assert_eq!((&row["sealed"], &row["kind"], &row["verified"]), (&json!(true), &json!("full"), &json!(true)), "{overview}");
    if row["on_drive"] == json!(true) {
        let drives = manager.get("/admin/overview").await;
        assert_eq!(drives["drives"]["not_on_drive"]["observations"], json!(0), "{drives}");
    }
    bring("a second note").await;
    let said = office.export(&data, drive.path(), &["--new"]);
    assert!(said.contains("1 observations and 1 media files are in"), "{said}");
    let job: Value = manager.get("/admin/exports").await["jobs"][0].clone();
    assert_eq!((&job["kind"], &job["sealed"]), (&json!("new"), &json!(true)), "{job}");
    assert!(office.export(&data, drive.path(), &["--new"]).contains("nothing was copied"));
    let plain = maloca([Path::new("export"), Path::new("--data"), &data, Path::new("--to"), drive.path(), Path::new("--new")]);
    assert!(String::from_utf8_lossy(&plain.stdout).contains("2 observations and 1 media files are in"), "{plain:?}");
    assert_eq!(manager.get("/admin/retention").await["media"], json!(0));
    drop(hub);
    verify(&data);
}

/// Three keys, the first two of which are those of the office.
struct Office {
    folder: tempfile::TempDir,
    public: Vec<String>,
}

impl Office {
    fn with_keys() -> std::io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut public = Vec::new();
        for n in 0..3 {
            let path = folder.path().join(format!("{n}.txt"));
            let made = Command::new("age-keygen").arg("-o").arg(&path).output()?;
            assert!(made.status.success(), "{made:?}");
            let text = fs::read_to_string(path)?;
            let key = text.lines().find_map(|line| line.strip_prefix("# public key: ")).expect("a key");
            public.push(key.to_owned());
        }
        Ok(Self { folder, public })
    }

    fn key(&self, n: usize) -> PathBuf {
        self.folder.path().join(format!("{n}.txt"))
    }

    fn export(&self, data: &Path, to: &Path, more: &[&str]) -> String {
        let words = ["export", "--seal-for", &self.public[0], "--seal-for", &self.public[1], "--data"].map(Path::new);
        let out = maloca(words.into_iter().chain([data, Path::new("--to"), to]).chain(more.iter().map(Path::new)));
        assert!(out.status.success(), "{out:?}");
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// What README.txt says to do.
    fn opened(&self, key: usize, sealed: &Path) -> Result<tempfile::TempDir, Output> {
        let to = tempfile::tempdir().expect("a folder");
        let script = "set -o pipefail; age --decrypt --identity \"$0\" \"$1\"/copy.tar.age | tar --extract";
        let out = Command::new("bash").args(["-c", script]).arg(self.key(key)).arg(sealed).current_dir(to.path()).output();
        let out = out.expect("bash");
        if out.status.success() { Ok(to) } else { Err(out) }
    }
}

fn run(command: &mut Command) {
    let out = command.output().expect("it runs");
    assert!(out.status.success(), "{out:?}");
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|entry| entry.expect("it").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn only(folder: &Path) -> PathBuf {
    let names = names(folder);
    assert_eq!(names.len(), 1, "{names:?}");
    folder.join(&names[0])
}
