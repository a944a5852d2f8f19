//! The rows of the fault rig that run against the real binary, in their short form, and their negative controls: planted bugs
//! that a row must notice. Each test is named as its row.

use std::panic::{AssertUnwindSafe, catch_unwind};

use maloca_tests::lan;
use maloca_tests::rows::{self, Run};

/// Runs a row with a planted bug, which must be noticed, and by the check that is meant.
fn notices(what: &str, count: u64, row: impl FnOnce(&mut Run)) {
    let mut run = Run::new(rand::random(), count);
    let noticed = catch_unwind(AssertUnwindSafe(|| row(&mut run)));
    let Err(panic) = noticed else { panic!("a planted bug went unnoticed (seed {})", run.seed) };
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    assert!(text.is_some_and(|text| text.contains(what)), "noticed for another reason: {text:?} (seed {})", run.seed);
}

mod kill {
    use rows::kill::{self, Lie};

    use super::*;

    #[test]
    fn row() {
        rows::in_a_test(&kill::ROW);
    }

    #[test]
    fn notices_an_answer_before_the_commit() {
        notices("acknowledged revisions are gone", 40, |run| kill::with(run, Lie::AckOnSend));
    }

    #[test]
    fn notices_what_was_never_sent() {
        notices("was never sent", 5, |run| kill::with(run, Lie::Unsent));
    }

    #[test]
    fn notices_what_is_there_twice() {
        notices("is told twice", 5, |run| kill::with(run, Lie::Twice));
    }
}

mod uploads {
    use rows::uploads::{self, Lie};

    use super::*;

    #[test]
    fn row() {
        rows::in_a_test(&uploads::ROW);
    }

    #[test]
    fn notices_a_hash_that_was_never_published() {
        notices("was said to be published and is not", 3, |run| uploads::with(run, Lie::Believed));
    }

    #[test]
    fn notices_wrong_bytes_that_were_published() {
        notices("was published", 100, |run| uploads::with(run, Lie::Published));
    }

    #[test]
    fn notices_a_flipped_bit() {
        notices("other bytes than were sent", 3, |run| uploads::with(run, Lie::Flipped));
    }
}

mod chaos {
    use rows::chaos::{self, Lie};

    use super::*;

    #[test]
    fn row() {
        rows::in_a_test(&chaos::ROW);
    }

    #[test]
    fn notices_what_is_applied_twice() {
        notices("is told twice", 100, |run| chaos::with(run, Lie::Twice));
    }

    #[test]
    fn notices_a_lost_edit() {
        notices("is not the merge", 300, |run| chaos::with(run, Lie::LostEdit));
    }

    #[test]
    fn notices_what_was_said_to_be_here_and_is_not() {
        notices("acknowledged revisions are gone", 500, |run| chaos::with(run, Lie::AckOnSend));
    }

    #[test]
    fn notices_a_plain_item_that_is_doubled() {
        notices("plain items", 300, |run| chaos::with(run, Lie::PlainTwice));
    }
}

mod slow {
    use rows::slow::{self, Lie};

    use super::*;

    #[test]
    fn row() {
        rows::in_a_test(&slow::ROW);
    }

    #[test]
    fn notices_a_hub_that_waits_for_ever() {
        notices("still holds its seat", 20, |run| slow::with(run, Lie::WaitsForEver));
    }

    #[test]
    fn notices_a_hub_that_takes_everybody() {
        notices("sockets open", 300, |run| slow::with(run, Lie::TakesEverybody));
    }
}

mod clocks {
    use rows::clocks::{self, Lie};

    use super::*;

    #[test]
    fn row() {
        rows::in_a_test(&clocks::ROW);
    }

    #[test]
    fn notices_a_time_that_was_mended() {
        notices("created_at is not what the device said", 3, |run| clocks::with(run, Lie::Mended));
    }

    #[test]
    fn notices_an_order_that_rests_on_a_clock() {
        notices("rests on a clock", 20, |run| clocks::with(run, Lie::LastByClock));
    }
}

mod full_disk {
    use rows::full_disk::{self, Lie};

    use super::*;

    #[test]
    fn row() {
        rows::in_a_test(&full_disk::ROW);
    }

    #[test]
    fn notices_a_refused_record_that_counts_as_kept() {
        let row = || notices("acknowledged revisions are gone", 1, |run| full_disk::with(run, Lie::RefusedIsKept));
        lan::inside("full_disk::notices_a_refused_record_that_counts_as_kept", &["mount"], row);
    }
}

mod frozen {
    use rows::frozen::{self, Lie};

    use super::*;

    #[test]
    fn row() {
        rows::in_a_test(&frozen::ROW);
    }

    #[test]
    fn notices_a_hub_that_waits_for_the_frozen() {
        notices("still waits for the frozen ones", 1, |run| frozen::with(run, Lie::WaitsForEver));
    }

    #[test]
    fn notices_what_is_missing() {
        notices("is unknown", 1, |run| frozen::with(run, Lie::Lost));
    }
}

mod lossy {
    use rows::lossy::{self, Lie};

    use super::*;

    #[test]
    fn row() {
        rows::in_a_test(&lossy::ROW);
    }

    #[test]
    fn notices_what_is_missing() {
        let row = || notices("is unknown", 1, |run| lossy::lossy(run, Lie::Lost));
        lan::inside("lossy::notices_what_is_missing", &["nft"], row);
    }
}

mod blackhole {
    use super::*;

    #[test]
    fn row() {
        rows::in_a_test(&rows::lossy::BLACKHOLE);
    }
}
