//! A sealed copy: a whole bundle as one archive that only the owners of certain keys can open, in files that every drive holds.
//!
//! ```text
//! <to>/Maloca/20261121_0528_sealed_full_1/
//!   README.txt             in four languages: what this is and how it is opened, and nothing of what is in it
//!   sealed-info.txt        its id, by which the hub that made it knows it again
//!   sha256sums.txt         for `sha256sum -c`
//!   copy.tar.age           or copy.tar.age.001, .002, … of at most 2 GiB each
//! ```
//!
//! [`super::write`] hands over each file of the bundle as it is finished. It promises: the drive gets no plain byte of the bundle, no name
//! in it, and not the hub's name; what lies there is opened by `age` (its format 1) and `tar`, and the folder that comes out is a bundle
//! like any other. Nobody without a key can look into it, this hub included: it is verified by its sums, and counts as a copy, but nothing is
//! ever freed for its sake.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use age::stream::StreamWriter;
use age::x25519::Recipient;
use age::{EncryptError, Encryptor};
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::bundle::{self, Kind};
use super::check;

/// Files beyond this are in the way of old programs, and beyond twice as much, of FAT.
const PIECE_BYTES: u64 = 2 << 30;

/// Bytes that may wait to be made durable.
const WAITING_BYTES: u64 = 64 * 1024 * 1024;

/// Its id, for the hub.
pub(super) const INFO: &str = "sealed-info.txt";
const SUMS: &str = "sha256sums.txt";
const ARCHIVE: &str = "copy.tar.age";

/// What is said of a text that is no key: its beginning only, as it may be a secret one.
const SHOWN: usize = 8;

/// Whose keys open a copy, as `age-keygen` prints them (`age1…`). None: it is not sealed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keys(Vec<Recipient>);

/// A text that is no key of this sort.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no key that a copy can be sealed for; such a key begins with age1, as the program age-keygen prints it")]
pub struct NoKey(String);

impl Keys {
    /// Reads them; empty ones are passed over.
    ///
    /// # Errors
    /// With the first that is none.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, NoKey> {
        let mut keys = Vec::new();
        for text in texts {
            let text = text.as_ref().trim();
            if text.is_empty() {
                continue;
            }
            let shown = || NoKey(text.chars().take(SHOWN).chain(['…']).collect());
            let key = text.parse().map_err(|_| shown())?;
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        Ok(Self(keys))
    }

    /// Whether nobody is named.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn encryptor(&self) -> Result<Encryptor, EncryptError> {
        Encryptor::with_recipients(self.0.iter().map(|one| one as &dyn age::Recipient))
    }
}

/// The folder name of a sealed copy.
#[must_use]
pub fn folder_name(at: i64, kind: Kind, n: u32) -> String {
    let (day, minute) = bundle::stamp(at);
    format!("{day}_{minute}_sealed_{}_{n}", kind.word())
}

/// How a copy is sealed.
#[derive(Debug)]
pub(super) struct Seal<'a> {
    /// For whom.
    pub(super) keys: &'a Keys,
    /// Where files lie while they are made: on the hub's own disk, where the same is plain already.
    pub(super) staging: PathBuf,
    /// The bundle's folder in the archive.
    pub(super) inner: String,
    /// When it is made, milliseconds since 1970.
    pub(super) at: i64,
}

/// An archive that is being sealed.
pub(super) struct Archive {
    folder: PathBuf,
    inner: String,
    seconds: u64,
    tar: tar::Builder<StreamWriter<Pieces>>,
}

impl Archive {
    /// Begins one in `folder`, which is there.
    pub(super) fn begin(folder: &Path, seal: Seal<'_>) -> io::Result<Self> {
        let encryptor = seal.keys.encryptor().map_err(io::Error::other)?;
        let sealed = encryptor.wrap_output(Pieces::new(folder, PIECE_BYTES))?;
        let seconds = u64::try_from(seal.at / 1000).unwrap_or_default();
        Ok(Self { folder: folder.to_owned(), inner: seal.inner, seconds, tar: tar::Builder::new(sealed) })
    }

    /// Where it lies.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes a finished file in, and removes the plain one.
    pub(super) fn take(&mut self, plain: &Path, path: &str) -> io::Result<()> {
        let file = File::open(plain)?;
        let mut header = tar::Header::new_gnu();
        header.set_size(file.metadata()?.len());
        header.set_mode(0o644);
        header.set_mtime(self.seconds);
        self.tar.append_data(&mut header, format!("{}/{path}", self.inner), file)?;
        fs::remove_file(plain)
    }

    /// Ends it, durably, with what lies beside it. `id` is the bundle's.
    pub(super) fn finish(self, id: &[u8; 16]) -> io::Result<Sealed> {
        let pieces = self.tar.into_inner()?.finish()?.finish()?;
        let sums: String = pieces.iter().map(|piece| format!("{}  {}\n", HEXLOWER.encode(&piece.sha), piece.name)).collect();
        let info = format!("Sealed-With: age (X25519)\nExternal-Identifier: {}\n", HEXLOWER.encode(id));
        for (name, text) in [(SUMS, sums), (INFO, info), (bundle::README, readme(pieces.len()))] {
            let mut file = OpenOptions::new().write(true).create_new(true).open(self.folder.join(name))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
        }
        Ok(Sealed { folder: self.folder, pieces })
    }
}

/// A sealed archive that is whole.
#[derive(Debug)]
pub(super) struct Sealed {
    folder: PathBuf,
    pieces: Vec<Piece>,
}

impl Sealed {
    /// Bytes of the archive.
    pub(super) fn bytes(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.bytes).sum()
    }

    /// Reads it back; gives the first piece that is not what was written. `tell` is told of the bytes read, and may end it.
    pub(super) fn fault(&self, tell: &mut dyn FnMut(u64) -> io::Result<()>) -> io::Result<Option<String>> {
        let (mut block, mut read) = (vec![0; 256 * 1024], 0);
        for piece in &self.pieces {
            let mut file = check::open(&self.folder.join(&piece.name))?;
            let mut sha = Sha256::new();
            loop {
                match file.read(&mut block) {
                    Ok(0) => break,
                    Ok(count) => {
                        sha.update(&block[..count]);
                        read += count as u64;
                        tell(read)?;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            if <[u8; 32]>::from(sha.finalize()) != piece.sha {
                return Ok(Some(format!("{}: its bytes are not those that were written", piece.name)));
            }
        }
        Ok(None)
    }
}

#[derive(Debug)]
struct Piece {
    name: String,
    bytes: u64,
    sha: [u8; 32],
}

/// What is written goes into files of limited length, one after the other.
struct Pieces {
    folder: PathBuf,
    limit: u64,
    ended: Vec<Piece>,
    open: Option<Open>,
}

struct Open {
    file: File,
    name: String,
    sha: Sha256,
    bytes: u64,
    waiting: u64,
}

impl Pieces {
    fn new(folder: &Path, limit: u64) -> Self {
        Self { folder: folder.to_owned(), limit, ended: Vec::new(), open: None }
    }

    fn end(&mut self) -> io::Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        open.file.sync_all()?;
        self.ended.push(Piece { name: open.name, bytes: open.bytes, sha: open.sha.finalize().into() });
        Ok(())
    }

    /// Ends the last; one alone needs no number.
    fn finish(mut self) -> io::Result<Vec<Piece>> {
        self.end()?;
        if let [only] = &mut self.ended[..] {
            fs::rename(self.folder.join(&only.name), self.folder.join(ARCHIVE))?;
            ARCHIVE.clone_into(&mut only.name);
        }
        Ok(self.ended)
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.open.as_ref().is_some_and(|open| open.bytes >= self.limit) {
            self.end()?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let name = format!("{ARCHIVE}.{:03}", self.ended.len() + 1);
                let file = OpenOptions::new().write(true).create_new(true).open(self.folder.join(&name))?;
                none.insert(Open { file, name, sha: Sha256::new(), bytes: 0, waiting: 0 })
            }
        };
        let room = usize::try_from(self.limit - open.bytes).unwrap_or(usize::MAX);
        let written = open.file.write(&bytes[..bytes.len().min(room)])?;
        open.sha.update(&bytes[..written]);
        open.bytes += written as u64;
        open.waiting += written as u64;
        if open.waiting >= WAITING_BYTES {
            // So that the end is no long wait, and a drive that fails is noticed soon.
            open.file.sync_data()?;
            open.waiting = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// For whoever finds the drive.
fn readme(pieces: usize) -> String {
    let command = match pieces {
        1 => format!("age --decrypt --identity KEY.txt {ARCHIVE} | tar --extract"),
        _ => format!("cat {ARCHIVE}.* | age --decrypt --identity KEY.txt | tar --extract"),
    };
    let text = format!(
        "MALOCA

ESPAÑOL
Esta es una copia cerrada. Solo la abre quien tiene una de las llaves para las que se hizo, con el programa «age» (https://age-encryption.org):
    {command}
KEY.txt es el archivo con la llave secreta. Sale una carpeta con su propio README.txt. Para comprobar que nada está dañado: sha256sum -c {SUMS}

PORTUGUÊS
Esta é uma cópia fechada. Só a abre quem tem uma das chaves para as quais foi feita, com o programa «age» (https://age-encryption.org):
    {command}
KEY.txt é o arquivo com a chave secreta. Sai uma pasta com o seu próprio README.txt. Para conferir que nada está danificado: sha256sum -c {SUMS}

ENGLISH
This is a sealed copy. Only who has one of the keys for which it was made can open it, with the program \"age\" (https://age-encryption.org):
    {command}
KEY.txt is the file with the secret key. Out comes a folder with a README.txt of its own. To check that nothing is damaged: sha256sum -c {SUMS}

FRANÇAIS
Ceci est une copie scellée. Seul qui possède une des clés pour lesquelles elle a été faite peut l'ouvrir, avec le programme «age» (https://age-encryption.org) :
    {command}
KEY.txt est le fichier avec la clé secrète. Il en sort un dossier avec son propre README.txt. Pour vérifier que rien n'est abîmé : sha256sum -c {SUMS}
"
    );
    text.replace('\n', "\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_said_without_being_told() {
        let identity = age::x25519::Identity::generate();
        let key = identity.to_public().to_string();
        assert_eq!(Keys::parse([" ", &key, &format!(" {key}\n")]), Ok(Keys(vec![identity.to_public()])));
        assert!(Keys::parse([""]).unwrap().is_empty());
        let secret = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ";
        let said = Keys::parse([secret]).unwrap_err().to_string();
        assert!(said.contains("AGE-SECR…") && !said.contains("QQ"), "{said}");
        assert!(Keys::parse([&key[..key.len() - 1]]).is_err());
    }

    #[test]
    fn what_was_written_is_in_pieces_that_together_are_it() {
        for (bytes, expected) in [(0, 0), (9, 1), (10, 1), (11, 2), (95, 10)] {
            let folder = tempfile::tempdir().unwrap();
            let text: Vec<u8> = (0..bytes).collect();
            let mut pieces = Pieces::new(folder.path(), 10);
            pieces.write_all(&text).unwrap();
            let sealed = Sealed { folder: folder.path().to_owned(), pieces: pieces.finish().unwrap() };
            assert_eq!(sealed.pieces.len(), expected);
            assert_eq!(sealed.bytes(), text.len() as u64);
            let read: Vec<u8> =
                sealed.pieces.iter().flat_map(|piece| fs::read(folder.path().join(&piece.name)).unwrap()).collect();
            assert_eq!(read, text);
            assert_eq!(sealed.fault(&mut |_| Ok(())).unwrap(), None);
            if let Some(last) = sealed.pieces.last() {
                assert_eq!(last.name == ARCHIVE, expected == 1);
                let path = folder.path().join(&last.name);
                let mut rotten = fs::read(&path).unwrap();
                rotten[0] ^= 1;
                fs::write(&path, rotten).unwrap();
                assert!(sealed.fault(&mut |_| Ok(())).unwrap().is_some_and(|fault| fault.starts_with(&last.name)));
            }
        }
    }
}
