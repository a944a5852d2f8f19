//! Which hub to send to, and where it is.
//!
//! An address that was given is the only one. Else the hubs that are known are tried where they were last, and if none of
//! them is there, all networks are asked; a hub of the device's own project is preferred, a stranger is never taken.

use std::time::Duration;

use maloca_protocol::client::discover::{self, DiscoverOptions};
use maloca_protocol::client::interfaces::Choice;
use maloca_protocol::client::{Device, JoinError, Patience, SyncError};

use super::{Found, SendArgs, nobody};

/// How long a known address is tried before the networks are asked.
const KNOWN: Duration = Duration::from_millis(1_500);

/// How long the networks are asked: the whole burst, some questions more, and time for the answers.
const ASKING: Duration = Duration::from_secs(8);

/// How often they are asked after the burst: somebody waits at the terminal, and a question may have been lost.
const AGAIN: Duration = Duration::from_secs(2);

/// Finds the hub, and joins it if it must.
pub(super) async fn hub(device: &Device, args: &SendArgs) -> Found {
    let (code, name) = (args.code.as_deref(), args.name());
    if let Some(url) = &args.hub {
        let url = if url.contains("://") { url.clone() } else { format!("http://{url}") };
        return device.join(&url, code, &name, None, args.patience()).await;
    }
    let known = device.hubs().await?;
    for hub in &known {
        for url in &hub.urls {
            let trying = device.join(url, None, &name, Some(&hub.id), Patience::For(Duration::ZERO));
            if let Ok(Ok(hub)) = tokio::time::timeout(KNOWN, trying).await {
                return Ok(hub);
            }
        }
    }
    let project = known.first().map(|hub| hub.project);
    let options = DiscoverOptions {
        interfaces: Choice::from_names(args.interface.clone()),
        port: args.port,
        deadline: Some(ASKING),
        every: AGAIN,
    };
    let mut search = discover::discover(options);
    let (mut stranger, mut failed) = (None, None);
    while let Some(found) = search.next().await {
        if project.is_some_and(|project| project != found.project) {
            let url = found.urls.first().cloned().unwrap_or_default();
            stranger = Some(SyncError::Join(JoinError::Stranger { url, name: found.name }));
            continue;
        }
        for url in &found.urls {
            match device.join(url, code, &name, Some(&found.hub), Patience::For(Duration::ZERO)).await {
                Ok(hub) => return Ok(hub),
                // Another address of the same hub would say the same.
                Err(error @ SyncError::Join(JoinError::WrongCode(_) | JoinError::CodeNeeded(_))) => return Err(error),
                Err(error) => failed = Some(error),
            }
        }
    }
    Err(failed.or(stranger).unwrap_or_else(|| {
        let networks = search.networks();
        nobody(&if networks.is_empty() {
            "this machine is on no network; connect to the hub's Wi-Fi, or give the hub's address with --hub".to_owned()
        } else {
            format!(
                "no hub answered on {}; check that the hub is running and on the same Wi-Fi, or give the address that its screen \
                 shows with --hub",
                networks.join(", ")
            )
        })
    }))
}
