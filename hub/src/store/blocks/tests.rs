use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use proptest::prelude::*;
use redb::backends::FileBackend;
use redb::{Database, ReadableDatabase as _, TableDefinition};

use super::sums::{SECTOR, SECTORS};
use super::*;

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("table");

fn file(path: &Path) -> File {
    File::options().read(true).write(true).create(true).truncate(false).open(path).unwrap()
}

fn checked(path: &Path, noticed: &Noticed) -> Checked {
    Checked::new(Box::new(FileBackend::new(file(path)).unwrap()), Rotten::Refuse, noticed.clone())
}

fn key(n: u32) -> [u8; 36] {
    let mut key = [7; 36];
    key[..4].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
    key
}

const ROWS_OF_TEST: u32 = 3_000;

fn begin(path: &Path) {
    let database = Database::builder().create_with_backend(checked(path, &Noticed::default())).unwrap();
    let mut transaction = database.begin_write().unwrap();
    transaction.set_quick_repair(true);
    {
        let mut table = transaction.open_table(TABLE).unwrap();
        for n in 0..ROWS_OF_TEST {
            table.insert(&key(n)[..], &n.to_be_bytes()[..]).unwrap();
        }
    }
    transaction.commit().unwrap();
}

/// Looks every row up: how many are right, lacking, refused.
fn look_up(path: &Path, noticed: &Noticed) -> Option<(u32, u32, u32)> {
    let database = Database::builder().create_with_backend(checked(path, noticed)).ok()?;
    let (mut right, mut lacking, mut refused) = (0, 0, 0);
    for n in 0..ROWS_OF_TEST {
        let found = database.begin_read().map_err(redb::Error::from).and_then(|transaction| {
            let table = transaction.open_table(TABLE)?;
            Ok(table.get(&key(n)[..])?.map(|value| value.value().to_vec()))
        });
        match found {
            Ok(Some(value)) if value == n.to_be_bytes() => right += 1,
            Ok(_) => lacking += 1,
            Err(_) => refused += 1,
        }
    }
    Some((right, lacking, refused))
}

#[test]
fn no_rotten_page_makes_rows_lack_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let (sound, rotten) = (folder.path().join("sound"), folder.path().join("rotten"));
    begin(&sound);
    let noticed = Noticed::default();
    assert_eq!(look_up(&sound, &noticed), Some((ROWS_OF_TEST, 0, 0)));
    assert_eq!(noticed.places(), 0);
    let bytes = fs::read(&sound).unwrap();
    let (mut branches, mut leaves) = (0, 0);
    for (n, block) in bytes.chunks_exact(BLOCK as usize).enumerate() {
        // Neither the sums nor the database's first block.
        if (n as u64).is_multiple_of(GROUP + 1) || n == 1 || block.iter().all(|byte| *byte == 0) {
            continue;
        }
        for at in [9, 40, 300] {
            let mut spoilt = bytes.clone();
            spoilt[n * BLOCK as usize + at] ^= 4;
            fs::write(&rotten, spoilt).unwrap();
            let noticed = Noticed::default();
            let is_rows = block[0] == ROWS;
            let found = std::panic::catch_unwind(|| look_up(&rotten, &noticed));
            match found {
                // Of no use to any of these rows, or not opened at all.
                Ok(Some((ROWS_OF_TEST, 0, 0)) | None) => {}
                Ok(Some((_, lacking, refused))) if is_rows => {
                    leaves += 1;
                    assert!(noticed.places() > 0, "{lacking} lacking, {refused} refused: block {n}, byte {at}");
                }
                Ok(Some((_, lacking, refused))) => {
                    branches += 1;
                    assert!(lacking == 0 && refused > 0 && noticed.places() > 0, "block {n}, byte {at}");
                }
                Err(_) => assert!(noticed.places() > 0, "a panic without notice: block {n}, byte {at}"),
            }
        }
    }
    assert!(branches > 0 && leaves > 0, "{branches} branches, {leaves} leaves");
}

#[test]
fn a_sector_of_sums_that_rots_vouches_for_nothing_and_refuses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    begin(&path);
    for sector in 0..SECTORS as u64 {
        let mut byte = [0];
        file(&path).read_exact_at(&mut byte, sector * SECTOR as u64 + 100).unwrap();
        file(&path).write_all_at(&[byte[0] ^ 16], sector * SECTOR as u64 + 100).unwrap();
    }
    let noticed = Noticed::default();
    assert_eq!(look_up(&path, &noticed), Some((ROWS_OF_TEST, 0, 0)));
    assert_eq!(noticed.places(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A file of any length, written anywhere, cut and grown, reads as one without sums, also when it is opened again.
    #[test]
    fn it_is_a_file_like_any_other(steps in prop::collection::vec((0_u8..4, 0_u64..2 * GROUP + 9, 1_u64..5, any::<u8>()), 1..20)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let noticed = Noticed::default();
        let mut checked_file = checked(&path, &noticed);
        let mut model: Vec<u8> = Vec::new();
        for (what, block, blocks, byte) in steps {
            let len = model.len() as u64 / BLOCK;
            match what {
                0 => {
                    checked_file.set_len(block * BLOCK).unwrap();
                    model.resize((block * BLOCK) as usize, 0);
                }
                1 => {
                    checked_file.sync_data().unwrap();
                    checked_file = checked(&path, &noticed);
                }
                _ if block + blocks <= len => {
                    let range = (block * BLOCK) as usize..((block + blocks) * BLOCK) as usize;
                    model[range.clone()].fill(byte);
                    checked_file.write(block * BLOCK, &model[range]).unwrap();
                }
                _ => {}
            }
            prop_assert_eq!(checked_file.len().unwrap(), model.len() as u64);
        }
        let mut read = vec![0; model.len()];
        checked_file.read(0, &mut read).unwrap();
        prop_assert!(read == model);
        prop_assert_eq!(noticed.places(), 0);
    }
}
