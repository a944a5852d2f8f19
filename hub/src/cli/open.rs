//! `maloca open`: a new one-time link to the manager's page.

use std::process::{Command, ExitCode, Stdio};

use super::control::Control;
use super::{DataArg, Outcome};

/// What `maloca open` takes.
#[derive(clap::Args)]
pub(crate) struct OpenArgs {
    #[command(flatten)]
    data: DataArg,
    /// Only print the link
    #[arg(long)]
    print: bool,
}

#[derive(serde::Deserialize)]
struct Link {
    token: String,
    port: u16,
}

/// Runs the command.
pub(crate) async fn run(args: OpenArgs) -> Outcome {
    let data = args.data.folder();
    let Some(control) = Control::find(&data).await? else {
        return Err(format!("no hub is running on {}; start one with `maloca serve`", data.display()).into());
    };
    let Link { token, port } = control.post("/admin/link", &serde_json::json!({})).await?;
    let link = page(port, &token);
    println!("{link}");
    if !args.print {
        in_browser(&link);
    }
    Ok(ExitCode::SUCCESS)
}

/// The address of the manager's page, with the token of a one-time link behind the `#`, where no server log sees it.
pub(crate) fn page(port: u16, token: &str) -> String {
    format!("http://localhost:{port}/#open={token}")
}

/// Opens a link in the desktop's browser, where there is one.
pub(crate) fn in_browser(link: &str) {
    let opener = Command::new("xdg-open").arg(link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if let Err(error) = opener {
        tracing::info!(%error, "no browser could be opened; open the link by hand");
    }
}
