//! Export.
pub mod ledger;
