//! The datagrams of version 1, byte by byte: whoever changes them changes what older phones and hubs understand.
//!
//! When the format of version 1 must really change, it becomes version 2 with a golden file of its own.

use maloca_protocol::announce::{Answer, Nonce, Question};
use maloca_protocol::{DeviceKey, ProjectId};

#[derive(serde::Deserialize)]
struct Golden {
    nonce: String,
    hub_seed: String,
    project: ProjectId,
    name: String,
    urls: Vec<String>,
    question: String,
    answer: String,
}

fn unhex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).expect("hex")
}

#[test]
fn version_1_is_written_and_read_as_ever() {
    let golden: Golden = serde_json::from_str(include_str!("golden/announce-1.json")).expect("the golden file");
    let key = DeviceKey::from_seed(unhex(&golden.hub_seed).try_into().expect("32 bytes"));
    let nonce = Nonce(unhex(&golden.nonce).try_into().expect("16 bytes"));
    let question = Question { nonce };
    let answer = Answer { hub: key.id(), project: golden.project, name: golden.name, urls: golden.urls };

    let asked = question.encode();
    assert_eq!(data_encoding::HEXLOWER.encode(&asked), golden.question);
    let answered = answer.encode(nonce, &key, asked.len()).expect("it fits");
    assert_eq!(data_encoding::HEXLOWER.encode(&answered), golden.answer);

    assert_eq!(Question::parse(&unhex(&golden.question)), Ok(question));
    assert_eq!(Answer::parse(&unhex(&golden.answer), |asked| *asked == nonce), Ok(answer));
}
