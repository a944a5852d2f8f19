//! `maloca sync`: brings this hub and others to the same, by hand; the first time with the code that the other manager's page shows.

use std::process::ExitCode;
use std::time::Duration;

use maloca_protocol::client::Patience;
use maloca_protocol::client::pair::meet;
use serde::Deserialize;
use serde_json::{Value, json};

use super::control::Control;
use super::{DataArg, Outcome};
use crate::hub::{Hub, Options};
use crate::hubs::Brought;
use crate::{store, sync};

/// How long the other hub is waited for: a person stands before the terminal.
const PATIENCE: Patience = Patience::For(Duration::from_secs(10));

/// What `maloca sync` takes.
#[derive(clap::Args)]
pub(crate) struct SyncArgs {
    #[command(flatten)]
    data: DataArg,
    /// The other hub's address, such as http://192.168.1.5:8733, for the first time; it is remembered
    #[arg(requires = "code")]
    url: Option<String>,
    /// The code that the other manager's page shows for a hub
    #[arg(long, requires = "url")]
    code: Option<String>,
    /// Show a code by which another hub can join this one within ten minutes
    #[arg(long, conflicts_with = "url")]
    invite: bool,
}

/// How a contact with one hub ended.
#[derive(Deserialize)]
struct Ended {
    name: String,
    brought: Option<Brought>,
    trouble: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(args: SyncArgs) -> Outcome {
    let data = args.data.folder();
    let ended = match Control::find(&data).await? {
        Some(control) if args.invite => {
            let shown: Value = control.post("/admin/hubs/code", &json!({})).await?;
            let code = shown["code"].as_str().unwrap_or_default();
            println!("For ten minutes another hub can join with the code {code}. On its laptop, run");
            for url in shown["urls"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                println!("  maloca sync {url} --code {code}");
            }
            return Ok(ExitCode::SUCCESS);
        }
        Some(control) => {
            if let (Some(url), Some(code)) = (&args.url, &args.code) {
                let _: Value = control.post("/admin/hubs", &json!({ "url": url, "code": code })).await?;
            }
            control.post("/admin/hubs/sync", &json!({})).await?
        }
        None if args.invite => {
            return Err(format!("no hub is running on {}; start one with `maloca serve`", data.display()).into());
        }
        None => at_rest(&args, Options::new(&data)).await?,
    };
    if ended.is_empty() {
        return Err("this hub knows no other hub yet; run `maloca sync --invite` there, and here what it says".into());
    }
    let mut code = ExitCode::SUCCESS;
    for one in ended {
        let is_in_sync = one.brought.is_some_and(|brought| brought.in_sync);
        println!("{}", line(&one));
        if !is_in_sync {
            code = ExitCode::from(2);
        }
    }
    Ok(code)
}

/// For a hub that is not running. One that does not exist yet becomes one of the other hub's project: it has nothing of its own.
async fn at_rest(args: &SyncArgs, mut options: Options) -> Result<Vec<Ended>, Box<dyn std::error::Error + Send + Sync>> {
    crate::trust::tls::install_provider();
    if !options.data.join(store::FILE).exists() {
        let Some(url) = &args.url else {
            return Err(format!("there is no hub in {}; name its folder with --data", options.data.display()).into());
        };
        let met = meet(url, PATIENCE).await?;
        options.project = Some(met.info.project);
    }
    let (hub, writer) = Hub::open(options).await?;
    let done = synced(&hub, args).await;
    hub.store.close().await;
    drop(hub);
    tokio::task::spawn_blocking(move || writer.join()).await?;
    done
}

async fn synced(hub: &Hub, args: &SyncArgs) -> Result<Vec<Ended>, Box<dyn std::error::Error + Send + Sync>> {
    if let (Some(url), Some(code)) = (&args.url, &args.code) {
        Box::pin(sync::pair(hub, url, code, PATIENCE)).await?;
    }
    let mut all = Vec::new();
    for known in hub.hubs.all() {
        let (brought, trouble) = match Box::pin(sync::now(hub, &known.id)).await {
            Ok(brought) => (Some(brought), None),
            Err(error) => (None, Some(error.to_string())),
        };
        all.push(Ended { name: known.name, brought, trouble });
    }
    Ok(all)
}

fn line(Ended { name, brought, trouble }: &Ended) -> String {
    let Some(brought) = brought else {
        return format!("{name}: not in sync: {}", trouble.as_deref().unwrap_or("it was not reached"));
    };
    let verdict = if brought.in_sync { "in sync" } else { "not in sync yet" };
    let mut line = format!(
        "{name}: {verdict}; {} records came and {} went, {} media came and {} went",
        brought.pulled, brought.pushed, brought.media_pulled, brought.media_pushed
    );
    for (count, what) in [
        (brought.quarantined, "records are of people who have not joined, and are kept aside"),
        (brought.refused, "records were not taken"),
        (brought.media_failed, "media could not be carried over"),
    ] {
        if count > 0 {
            line.push_str(&format!("; {count} {what}"));
        }
    }
    line
}
