//! The rows of the fault rig on a simulated disk, in their short form, and their negative controls.

use maloca_tests::rows::{self, disk_faults, notices, power, rot};
use maloca_tests::sim::disk::{Fault, Lies};

#[test]
fn power_cuts() {
    rows::in_a_test(&power::ROW);
}

/// How many cuts a planted bug gets to show itself.
const CONTROL: u64 = 2_000;

#[test]
fn photos_that_are_not_synced_are_noticed() {
    let lies = Lies { no_file_sync: true, ..Lies::default() };
    assert!(notices(CONTROL, |run| power::with_lies(run, lies, false)));
}

#[test]
fn folders_that_are_not_synced_are_noticed() {
    let lies = Lies { no_folder_sync: true, ..Lies::default() };
    assert!(notices(CONTROL, |run| power::with_lies(run, lies, false)));
}

#[test]
fn a_database_that_is_not_synced_is_noticed() {
    let lies = Lies { no_database_sync: true, ..Lies::default() };
    assert!(notices(CONTROL, |run| power::with_lies(run, lies, false)));
}

#[test]
fn an_acknowledgement_before_the_commit_is_noticed() {
    assert!(notices(CONTROL, |run| power::with_lies(run, Lies::default(), true)));
}

#[test]
fn every_operation_fails() {
    rows::in_a_test(&disk_faults::EIO);
}

/// A commit is two syncs, of which the second rewrites what makes it count, and an upload goes on from what was noted: so it does no
/// harm that a system shows, after a sync that failed, what never reached the disk, not even where it cannot be made to forget.
#[test]
fn a_disk_whose_memory_outlives_a_failed_sync_harms_nothing() {
    let lies = Lies { memory_outlives_failure: true, ..Lies::default() };
    disk_faults::stretches(&mut rows::Run::new(rand::random(), 1_000), &[Fault::Once], lies);
}

#[test]
fn every_operation_finds_no_room() {
    rows::in_a_test(&disk_faults::SPACE);
}

#[test]
fn bytes_rot() {
    rows::in_a_test(&rot::ROW);
}

#[test]
fn a_wrong_answer_of_a_rotten_hub_is_noticed() {
    assert!(notices(100, |run| rot::rotten(run, true)));
}
