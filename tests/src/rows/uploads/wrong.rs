//! The ways in which an upload can be wrong, each as it happens: a bad cable, a phone that walks off, a program with a fault.

use maloca_protocol::MediaHash;
use maloca_protocol::rest::BASE;
use rand::RngExt as _;
use reqwest::{Method, StatusCode};

use super::super::Run;
use super::super::held::Photo;
use super::{Lie, Row_, id_of};
use crate::hub::TestHub;
use crate::manager::Manager;
use crate::wire::{self, Wire};

/// See [`KINDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Flipped bits under the declared hash, in one request.
    Flipped,
    /// The same in several pieces.
    FlippedInPieces,
    /// Fewer bytes than declared; then it is given up.
    TooShort,
    /// More bytes than declared.
    TooLong,
    /// The connection is cut in the middle of the only request.
    Cut,
    /// It is cut in the middle of a piece, and what follows is right or wrong.
    CutThenResumed,
    /// The `Content-Length` is not that of the body.
    Length,
    /// A body in chunks without its end.
    Chunks,
    /// A piece for another place than where the upload stands.
    Offset,
    /// Two connections write to one upload, one of them the wrong bytes.
    TwoWriters,
    /// Headers that mean nothing.
    Headers,
    /// The hub is killed in the middle, and what follows is wrong.
    Restart,
    /// Wrong bytes under the hash of a file that is here.
    HeldAlready,
}

/// All ways; the dearest one, which starts the hub again, only once in so many.
pub(super) static KINDS: [Wrong; 121] = {
    use Wrong::*;
    let cheap = [
        Flipped,
        FlippedInPieces,
        TooShort,
        TooLong,
        Cut,
        CutThenResumed,
        Length,
        Chunks,
        Offset,
        TwoWriters,
        Headers,
        HeldAlready,
    ];
    let mut kinds = [Restart; 121];
    let mut at = 1;
    while at < kinds.len() {
        kinds[at] = cheap[at % cheap.len()];
        at += 1;
    }
    kinds
};

const PIECE: (&str, &str) = ("content-type", "application/offset+octet-stream");
const TUS: (&str, &str) = ("tus-resumable", "1.0.0");

/// The bytes with one bit of one of them flipped.
fn flipped(run: &mut Run, bytes: &[u8]) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    let at = run.random.random_range(0..bytes.len());
    flipped[at] ^= 1 << run.random.random_range(0..8);
    flipped
}

impl Row_ {
    /// Sends one upload that is wrong; the hashes that must not be held afterwards.
    pub(super) async fn send_a_wrong_one(&mut self, run: &mut Run, kind: Wrong, photo: Photo, lie: Lie) -> Vec<MediaHash> {
        let bytes = photo.bytes();
        let (hash, wrong) = (MediaHash::of(&bytes), flipped(run, &bytes));
        let both = vec![hash, MediaHash::of(&wrong)];
        let half = run.random.random_range(1..photo.len);
        match kind {
            Wrong::Flipped => {
                let declared = (lie != Lie::Published).then_some(hash);
                let answer = self.device.upload(wrong.len(), declared, Some(wrong)).await;
                assert!(answer.status() == StatusCode::UNPROCESSABLE_ENTITY || lie == Lie::Published, "{}", answer.status());
            }
            Wrong::FlippedInPieces => {
                let location = self.begin(wrong.len(), Some(hash)).await;
                assert_eq!(self.device.piece(&location, 0, wrong[..half].to_vec()).await.status(), StatusCode::NO_CONTENT);
                self.refused_whole(&location, half, &wrong).await;
            }
            Wrong::TooShort => {
                // The length that was declared is not there, whatever the request said of itself.
                let answer = self.device.upload(photo.len, Some(hash), Some(bytes[..half].to_vec())).await;
                assert_eq!(answer.status(), StatusCode::CREATED);
                let location = answer.headers()["location"].to_str().expect("text").to_owned();
                self.live.insert(id_of(&location).to_owned());
                assert_eq!(self.stands_at(&location).await, Some(half));
                return [both, vec![MediaHash::of(&bytes[..half])]].concat();
            }
            Wrong::TooLong => {
                let location = self.begin(half, None).await;
                let answer = self.device.piece(&location, 0, bytes.clone()).await;
                assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
                assert_eq!(self.stands_at(&location).await, Some(0));
                return [both, vec![MediaHash::of(&bytes[..half])]].concat();
            }
            Wrong::Cut => self.cut(run, &bytes[..photo.len.min(1 << 20)], hash).await,
            Wrong::CutThenResumed => return self.cut_then_resumed(run, photo, both).await,
            Wrong::Length | Wrong::Chunks => self.broken_framing(run, kind, photo, &bytes).await,
            Wrong::Offset => {
                let location = self.begin(photo.len, Some(hash)).await;
                let offsets = [photo.len.to_string(), half.to_string(), u64::MAX.to_string(), "-1".into(), "zero".into()];
                let offset = &offsets[run.random.random_range(0..offsets.len())];
                let path = location.trim_start_matches(BASE);
                let request = self.device.call(Method::PATCH, path).header(TUS.0, TUS.1).header(PIECE.0, PIECE.1);
                let status = request.header("upload-offset", offset).body(bytes).send().await.expect("an answer").status();
                assert!([StatusCode::CONFLICT, StatusCode::BAD_REQUEST].contains(&status), "{offset}: {status}");
                assert_eq!(self.stands_at(&location).await, Some(0));
            }
            Wrong::TwoWriters => return self.two_writers(photo, wrong, both).await,
            Wrong::Headers => self.nonsense(run, photo.len).await,
            Wrong::Restart => {
                let location = self.begin(photo.len, Some(hash)).await;
                assert_eq!(self.device.piece(&location, 0, wrong[..half].to_vec()).await.status(), StatusCode::NO_CONTENT);
                let data = self.hub.data().to_owned();
                self.hub.end();
                self.hub = TestHub::start(&data);
                (self.device, self.manager) = (self.device.at(&self.hub), Manager::of(&self.hub));
                assert_eq!(self.stands_at(&location).await, Some(half), "what was acknowledged is gone with the hub");
                self.refused_whole(&location, half, &wrong).await;
                run.count("restarts of the hub", 1);
            }
            Wrong::HeldAlready => {
                let Some((held, photo)) = self.good.pop() else { return both };
                // The hub has it, so it asks for nothing and takes nothing.
                let wrong = flipped(run, &photo.bytes());
                let hash = MediaHash::of(&wrong);
                let answer = self.device.upload(wrong.len(), Some(held), Some(wrong)).await;
                assert_eq!(answer.status(), StatusCode::CREATED);
                self.is_exactly(held, photo, lie).await;
                return vec![hash];
            }
        }
        both
    }

    /// Sends the rest of a file whose bytes are not those that were declared: refused, and forgotten.
    async fn refused_whole(&mut self, location: &str, from: usize, wrong: &[u8]) {
        let answer = self.device.piece(location, from, wrong[from..].to_vec()).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(self.stands_at(location).await, None, "a refused upload begins again from nothing");
    }

    /// Creation with upload, cut in the middle: all or nothing.
    async fn cut(&self, run: &mut Run, bytes: &[u8], hash: MediaHash) {
        let (length, metadata) = (bytes.len().to_string(), metadata(&hash));
        let headers = [TUS, PIECE, ("upload-length", length.as_str()), ("upload-metadata", metadata.as_str())];
        let whole = wire::request("POST", "/media/uploads", &self.device.token, &headers, bytes);
        let mut wire = Wire::open(self.hub.https()).await.expect("a connection");
        let said = run.random.random_range(whole.len() - bytes.len()..whole.len());
        wire.say(&whole[..said]).await.expect("room on the wire");
        self.end(run, wire).await;
    }

    /// Ends a connection in one of the ways in which they end.
    async fn end(&self, run: &mut Run, mut wire: Wire) {
        if run.random.random_range(0..2) == 0 {
            wire.cut();
        } else {
            // The hub may have gone first.
            let _ = wire.half_close().await;
            wire.until_ended().await;
        }
    }

    async fn cut_then_resumed(&mut self, run: &mut Run, photo: Photo, not_held: Vec<MediaHash>) -> Vec<MediaHash> {
        let bytes = photo.bytes();
        let hash = MediaHash::of(&bytes);
        let location = self.begin(photo.len, Some(hash)).await;
        let path = location.trim_start_matches(BASE);
        let whole = wire::request("PATCH", path, &self.device.token, &[TUS, PIECE, ("upload-offset", "0")], &bytes);
        let mut wire = Wire::open(self.hub.https()).await.expect("a connection");
        let said = run.random.random_range(whole.len() - bytes.len()..whole.len());
        wire.say(&whole[..said]).await.expect("room on the wire");
        self.end(run, wire).await;
        let sent = said - (whole.len() - bytes.len());
        let ends_well = run.random.random_range(0..2) == 0;
        let mut rest = bytes.clone();
        loop {
            let at = self.stands_at(&location).await.expect("an upload that was cut off goes on");
            assert!(at <= sent, "{at} of {sent} bytes are said to be here");
            if !ends_well {
                rest[photo.len - 1] ^= 0x80;
            }
            let answer = self.device.piece(&location, at, rest[at..].to_vec()).await;
            match answer.status() {
                // The hub has only now noticed what the cut connection still brought: as a device does, ask again where it stands.
                StatusCode::CONFLICT => rest.clone_from(&bytes),
                StatusCode::NO_CONTENT if ends_well => break,
                StatusCode::UNPROCESSABLE_ENTITY if !ends_well => break,
                other => panic!("the rest of a cut upload: {other}"),
            }
        }
        assert_eq!(self.stands_at(&location).await, None);
        if ends_well {
            self.is_exactly(hash, photo, Lie::None).await;
            return Vec::new();
        }
        [not_held, vec![MediaHash::of(&rest)]].concat()
    }

    /// Bodies whose framing lies: too short for their length, too long for it, chunks without an end.
    async fn broken_framing(&mut self, run: &mut Run, kind: Wrong, photo: Photo, bytes: &[u8]) {
        let location = self.begin(photo.len, Some(MediaHash::of(bytes))).await;
        let path = location.trim_start_matches(BASE);
        let half = run.random.random_range(1..photo.len);
        let says_more = kind == Wrong::Length && run.random.random_range(0..2) == 0;
        let length = if says_more { photo.len + 10 } else { half }.to_string();
        let framing = if kind == Wrong::Chunks { ("transfer-encoding", "chunked") } else { ("content-length", length.as_str()) };
        let mut said = wire::head("PATCH", path, &self.device.token, &[TUS, PIECE, ("upload-offset", "0"), framing]);
        if kind == Wrong::Chunks {
            said.extend(format!("{:x}\r\n", photo.len).bytes());
            said.extend(&bytes[..half]);
        } else {
            // What is beyond the length is no request; the hub answers that as it answers all nonsense.
            said.extend(&bytes[..photo.len - 1]);
        }
        let mut wire = Wire::open(self.hub.https()).await.expect("a connection");
        wire.say(&said).await.expect("room on the wire");
        self.end(run, wire).await;
        let at = self.stands_at(&location).await.expect("an upload that goes on");
        assert!(at < photo.len, "{at} of {} bytes", photo.len);
    }

    async fn two_writers(&mut self, photo: Photo, wrong: Vec<u8>, not_held: Vec<MediaHash>) -> Vec<MediaHash> {
        let bytes = photo.bytes();
        let hash = MediaHash::of(&bytes);
        let location = self.begin(photo.len, Some(hash)).await;
        let (one, two) = tokio::join!(self.device.piece(&location, 0, bytes), self.device.piece(&location, 0, wrong));
        let ended_well = one.status() == StatusCode::NO_CONTENT;
        assert_ne!(two.status(), StatusCode::NO_CONTENT, "wrong bytes were taken");
        if ended_well {
            assert_eq!(self.stands_at(&location).await, None);
            self.is_exactly(hash, photo, Lie::None).await;
            return vec![not_held[1]];
        }
        self.stands_at(&location).await;
        not_held
    }

    /// Headers that mean nothing: refused, and nothing is begun.
    async fn nonsense(&self, run: &mut Run, len: usize) {
        let length = len.to_string();
        let cases: [&[(&str, &str)]; 11] = [
            &[("upload-length", &length)],
            &[("tus-resumable", "0.2.2"), ("upload-length", &length)],
            &[TUS],
            &[TUS, ("upload-length", "-1")],
            &[TUS, ("upload-length", "18446744073709551616")],
            &[TUS, ("upload-length", "4294967296")],
            &[TUS, ("upload-length", "1e3")],
            &[TUS, ("upload-length", &length), ("upload-metadata", "hash bm8=")],
            &[TUS, ("upload-length", &length), ("upload-metadata", "hash QUFB")],
            &[TUS, ("upload-length", ""), ("upload-metadata", ",,,")],
            &[TUS, ("upload-length", "999999999999999999999999999999")],
        ];
        let case = cases[run.random.random_range(0..cases.len())];
        let mut request = self.device.call(Method::POST, "/media/uploads").header(PIECE.0, PIECE.1);
        for (name, value) in case {
            request = request.header(*name, *value);
        }
        let answer = request.body("nonsense").send().await.expect("an answer");
        assert!(answer.status().is_client_error(), "{case:?}: {}", answer.status());
        for path in ["/media/uploads/..%2F..%2Fmaloca.redb", "/media/uploads/", "/media/uploads/%00", "/media/uploads/a%2Fb"] {
            let request = self.device.call(Method::PATCH, path).header(TUS.0, TUS.1).header(PIECE.0, PIECE.1);
            let answer = request.header("upload-offset", 0).body("nonsense").send().await.expect("an answer");
            assert!(answer.status().is_client_error(), "{path}: {}", answer.status());
        }
    }
}

fn metadata(hash: &MediaHash) -> String {
    format!("hash {}", data_encoding::BASE64.encode(hash.to_string().as_bytes()))
}
