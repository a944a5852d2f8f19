//! `maloca devices`: who has joined, with what is here of each and what is missing; `maloca devices add` lets in what cannot
//! sign.

use std::process::ExitCode;

use clap::Subcommand;
use serde::Deserialize;
use serde_json::Value;

use super::control::Control;
use super::{DataArg, Outcome};
use crate::devices::Devices;
use crate::files::Files;
use crate::store::{self, Store};

/// What `maloca devices` takes.
#[derive(clap::Args)]
pub(crate) struct DevicesArgs {
    #[command(flatten)]
    data: DataArg,
    /// Print the cards as JSON, one a line
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Let in something that cannot sign (a sensor, a bridge, curl) and print its token, once; needs the hub running
    Add {
        /// What people will call it
        name: String,
    },
}

#[derive(Deserialize)]
struct Cards {
    devices: Vec<Value>,
}

#[derive(Deserialize)]
struct Added {
    id: String,
    token: String,
}

/// Runs the command.
pub(crate) async fn run(args: DevicesArgs) -> Outcome {
    let data = args.data.folder();
    let control = Control::find(&data).await?;
    if let Some(Action::Add { name }) = &args.action {
        let Some(control) = control else {
            return Err(format!("no hub is running on {}; start one with `maloca serve` and try again", data.display()).into());
        };
        let added: Added = control.post("/admin/devices", &serde_json::json!({ "name": name })).await?;
        println!("device {}\ntoken  {}\n", added.id, added.token);
        println!("Send observations over https to /api/v1/observations with the header `Authorization: Bearer <token>`.");
        return Ok(ExitCode::SUCCESS);
    }
    let cards = match control {
        Some(control) => control.get::<Cards>("/admin/devices").await?.devices,
        None => at_rest(&data)?,
    };
    for card in &cards {
        if args.json { println!("{card}") } else { println!("{}", line(card)) }
    }
    if cards.is_empty() && !args.json {
        println!("No device has joined yet. Run `maloca serve` and let one join with the code on the page.");
    }
    Ok(ExitCode::SUCCESS)
}

/// The cards of a hub that is not running.
fn at_rest(data: &std::path::Path) -> Result<Vec<Value>, Box<dyn std::error::Error + Send + Sync>> {
    if !data.join(store::FILE).exists() {
        return Err(format!("there is no hub in {}; name its folder with --data", data.display()).into());
    }
    let (store, _writer) = Store::open(store::Opener::new(Files::real(), data))?;
    let view = store.snapshot()?;
    let devices = Devices::load(&view)?;
    let mut cards = Vec::new();
    for id in devices.ids() {
        if let Some(card) = devices.card(&view, &id)? {
            cards.push(serde_json::to_value(card)?);
        }
    }
    Ok(cards)
}

fn line(card: &Value) -> String {
    let text = |path: &str| card.pointer(path).and_then(Value::as_str).unwrap_or("-").to_owned();
    let count = |path: &str| card.pointer(path).and_then(Value::as_u64).unwrap_or_default();
    format!(
        "{:.8}  {:<24}  {:<10}  observations {} of {}  photos {} of {}  last seen {}",
        text("/id"),
        text("/name"),
        text("/state").replace('_', " "),
        count("/observations/here"),
        count("/observations/told"),
        count("/media/here"),
        count("/media/told"),
        text("/last_seen"),
    )
}
