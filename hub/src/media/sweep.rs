//! What interrupted uploads leave: files without a row, rows whose time is over.
//!
//! Called at start and once an hour. It promises that a file is removed only after the commit that forgot it, and that
//! whole media, named by a revision or not, are never touched.

use std::collections::HashSet;
use std::ops::{Bound, ControlFlow};

use super::MediaRoot;
use super::uploads::{Upload, Uploads};
use crate::store::{Store, StoreError, T, View as _};

/// Forgets uploads whose time is over, then removes every file of unfinished uploads that has no row.
///
/// # Errors
/// Where the store or the folder fails.
pub async fn sweep(store: &Store, root: &MediaRoot, now: i64, uploads: &Uploads) -> Result<(), StoreError> {
    // Names are listed first: an upload that begins later is not on the list, and one that is on it is in use or noted.
    let folder = root.incoming_folder().to_owned();
    let names = root.files.names(&folder).map_err(|error| StoreError::file("could not list", &folder, error))?;
    let kept = store
        .write(0, move |tx| {
            let (mut kept, mut over) = (HashSet::new(), Vec::new());
            tx.scan(T::Uploads, (Bound::Unbounded, Bound::Unbounded), false, &mut |key, payload| {
                match serde_json::from_slice::<Upload>(payload) {
                    Ok(upload) if upload.expires_at > now => {
                        kept.insert(upload.id);
                    }
                    _ => over.push(key.to_vec()),
                }
                Ok(ControlFlow::Continue(()))
            })?;
            for key in over {
                tx.remove(T::Uploads, &key)?;
            }
            Ok(kept)
        })
        .await?;
    let in_use = uploads.in_use();
    for name in names {
        if !kept.contains(&name) && !in_use.contains(&name) {
            let path = root.incoming(&name);
            match root.files.remove(&path) {
                Ok(()) => tracing::info!(upload = name, "removed an upload that was never finished"),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(StoreError::file("could not remove", &path, error)),
            }
        }
    }
    Ok(())
}
