//! What holds for every question and every answer, and for bytes that are neither.

use maloca_protocol::announce::{Answer, MAGIC, Nonce, Question, VERSION};
use maloca_protocol::limits::QUESTION_BYTES;
use maloca_protocol::{DeviceKey, ProjectId};
use proptest::prelude::*;

fn any_answer() -> impl Strategy<Value = (Answer, DeviceKey)> {
    let url = "https?://[0-9a-z.\\[\\]:]{1,40}(/[a-z]{0,10})?";
    (any::<[u8; 32]>(), any::<[u8; 16]>(), "\\PC{0,16}", prop::collection::vec(url, 0..4)).prop_map(
        |(seed, project, name, urls)| {
            let key = DeviceKey::from_seed(seed);
            (Answer { hub: key.id(), project: ProjectId(project), name, urls }, key)
        },
    )
}

proptest! {
    #[test]
    fn what_was_said_is_what_is_read((answer, key) in any_answer(), nonce: [u8; 16]) {
        let bytes = answer.encode(Nonce(nonce), &key, QUESTION_BYTES).unwrap();
        prop_assert_eq!(Answer::parse(&bytes, |asked| asked.0 == nonce), Ok(answer));
    }

    #[test]
    fn an_answer_is_never_longer_than_its_question((answer, key) in any_answer(), asked in 0usize..600) {
        if let Ok(bytes) = answer.encode(Nonce([0; 16]), &key, asked) {
            prop_assert!(bytes.len() <= asked);
        }
    }

    #[test]
    fn questions_keep_their_nonce_whatever_follows(nonce: [u8; 16], tail in prop::collection::vec(any::<u8>(), 0..900)) {
        let mut bytes = Question { nonce: Nonce(nonce) }.encode().to_vec();
        bytes.extend_from_slice(&tail);
        prop_assert_eq!(Question::parse(&bytes), Ok(Question { nonce: Nonce(nonce) }));
    }

    #[test]
    fn any_bytes_are_read_without_panic(kind in 0u8..4, bytes in prop::collection::vec(any::<u8>(), 0..600), ours: bool) {
        let mut datagram = bytes;
        if ours {
            datagram.splice(0..0, [&MAGIC[..], &[VERSION, kind]].concat());
        }
        let _ = Question::parse(&datagram);
        prop_assert!(Answer::parse(&datagram, |_| true).is_err());
    }
}
