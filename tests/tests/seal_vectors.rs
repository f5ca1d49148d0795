//! The sealed form, read and written by a second implementation: `tests/vectors/seal.py`, on libsodium and Zstandard. What is
//! sealed here is opened there and the other way round, and `tests/vectors/seal.json` keeps some of both for good.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orkee_core::seal::passphrase::Params;
use orkee_core::seal::{
    AccountKey, Document, Epochs, KeyId, Made, Phrase, Place, Recipient, RecipientSecret, SealError, open,
    seal,
};
use orkee_tests::python;
use serde_json::{Value, json};

const AT: &str = "2026-01-02T03:04:05.000Z";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// Runs the second implementation.
fn second(arguments: &[&str]) -> String {
    let done = Command::new(python::with("vectors"))
        .arg("check.py")
        .args(arguments)
        .current_dir(folder())
        .output()
        .unwrap();
    assert!(done.status.success(), "check.py {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    let text = value.as_str().unwrap();
    let digits: Vec<u8> =
        (0..text.len() / 2).map(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).unwrap()).collect();
    digits.try_into().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unb64(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

/// Opens every vector, and refuses each that is changed.
fn open_all(vectors: &Value) {
    let all = |name: &str| vectors[name].as_array().unwrap().clone();
    for vector in all("records") {
        open_record(&vector);
    }
    for vector in all("phrases") {
        let phrase: Phrase = vector["words"].as_str().unwrap().parse().unwrap();
        assert_eq!(*phrase.expose(), bytes(&vector["bytes"]));
        assert_eq!(*phrase.reveal(), vector["words"].as_str().unwrap());
        check_secret(&phrase.recipient(), &vector);
    }
    for vector in all("passphrases") {
        let params: Params = serde_json::from_value(vector["params"].clone()).unwrap();
        check_secret(&params.stretch(vector["passphrase"].as_str().unwrap()).unwrap().recipient(), &vector);
    }
    for vector in all("documents") {
        open_document(&vector);
    }
}

fn open_record(vector: &Value) {
    let (key, sealed) = (AccountKey::from_bytes(bytes(&vector["key"])), unb64(&vector["sealed"]));
    let text = |name: &str| vector["place"][name].as_str();
    let place = Place {
        key_id: text("key_id").unwrap().parse().unwrap(),
        tenant: text("tenant").unwrap(),
        record: text("record").unwrap(),
        ancestry: text("ancestry").unwrap(),
        device: text("device").unwrap(),
        at: text("at").unwrap(),
        author: text("author"),
        is_tombstone: vector["place"]["tombstone"].as_bool().unwrap(),
    };
    let wanted = (unb64(&vector["payload"]), u32::try_from(vector["epoch"].as_u64().unwrap()).unwrap());
    assert_eq!(open(|_| Some(&key), &place, &sealed).unwrap(), wanted, "{vector}");
    let moved = Place { record: "other123", ..place };
    assert_eq!(open(|_| Some(&key), &moved, &sealed), Err(SealError::Changed));
}

fn check_secret(secret: &RecipientSecret, vector: &Value) {
    assert_eq!(hex(secret.expose()), vector["secret"].as_str().unwrap());
    assert_eq!(secret.key().to_string(), vector["key"].as_str().unwrap());
}

fn open_document(vector: &Value) {
    let document = Document::parse(vector["document"].as_str().unwrap().as_bytes()).unwrap();
    let said = json!({"id": document.id().to_string(), "number": document.number(), "seals": document.seals(),
        "epoch": document.epoch(), "floor": document.floor()});
    for (name, value) in said.as_object().unwrap() {
        assert_eq!(*value, vector[name], "{name}");
    }
    // Those from before it was counted do not say it.
    assert_eq!(document.sealings(), vector["sealings"].as_u64().unwrap_or(0));
    for secret in vector["secrets"].as_array().unwrap() {
        let epochs = document.open(&RecipientSecret::from_bytes(bytes(secret))).unwrap();
        let keys: Vec<String> = epochs.keys().iter().map(|key| hex(key.expose())).collect();
        assert_eq!(json!(keys), vector["keys"]);
        assert_eq!(epochs.current().1.check_value(), vector["check"].as_str().unwrap());
    }
}

/// Vectors as `check.py make` writes them, made by this implementation.
fn make() -> Value {
    let project = json!({"id": "abcd1234", "name": "Näme", "description": "Add a search field. ".repeat(30), "status": "review"});
    let (project, noise) = (project.to_string(), RecipientSecret::generate().expose().repeat(20));
    let records = [
        record(1, None, Some(project.as_bytes())),
        record(u32::MAX, Some("ann@example.org"), Some(project.as_bytes())),
        record(2, Some(""), Some(&noise)),
        record(3, None, Some(b"x")),
        record(4, None, None),
    ];
    json!({"records": records, "phrases": [phrase(), phrase()], "passphrases": [passphrase()], "documents": [document(1), document(5), again(document(3))]})
}

fn record(epoch: u32, author: Option<&str>, payload: Option<&[u8]>) -> Value {
    let (key, key_id) = (AccountKey::generate(), KeyId::generate());
    let place = Place {
        key_id,
        tenant: "company/team-1",
        record: "abcd1234",
        ancestry: r#"{"w1":7,"w2":9}"#,
        device: "a \"quoted\" läptop",
        at: AT,
        author,
        is_tombstone: payload.is_none(),
    };
    let sealed = seal(&key, epoch, &place, payload.unwrap_or_default()).unwrap();
    json!({
        "by": "rust", "key": hex(key.expose()), "epoch": epoch, "payload": STANDARD.encode(payload.unwrap_or_default()),
        "place": {"key_id": key_id.to_string(), "tenant": place.tenant, "record": place.record, "ancestry": place.ancestry,
            "device": place.device, "at": place.at, "author": author, "tombstone": place.is_tombstone},
        "sealed": STANDARD.encode(sealed),
    })
}

fn phrase() -> Value {
    let phrase = Phrase::generate();
    let secret = phrase.recipient();
    json!({"by": "rust", "bytes": hex(phrase.expose()), "words": *phrase.reveal(), "secret": hex(secret.expose()), "key": secret.key()})
}

fn passphrase() -> Value {
    let params = Params::least();
    let secret = params.stretch("correct horse").unwrap().recipient();
    json!({"by": "rust", "passphrase": "correct horse", "params": params, "secret": hex(secret.expose()), "key": secret.key()})
}

fn document(epoch: u32) -> Value {
    let (mut epochs, device) = (Epochs::generate(), RecipientSecret::generate());
    let (phrase, stretched) = (Phrase::generate(), Params::least().stretch("horse").unwrap());
    let recipients = vec![
        Recipient::recovery(&epochs, &phrase, AT),
        Recipient::passphrase(&epochs, &stretched, AT),
        Recipient::device(&epochs, &device, "läptop", Some("dev_1"), AT),
    ];
    let made = Made { at: AT.to_owned(), device: "laptop".to_owned() };
    let mut document = Document::new("personal", made, recipients, &epochs).unwrap();
    while document.epoch() < epoch {
        (document, epochs) = document.next_epoch(&epochs).unwrap();
    }
    // One that came later, and knows the newest key alone for the right one.
    let late = RecipientSecret::generate();
    document = document.with_recipient(&epochs, Recipient::device(&epochs, &late, "late", None, AT)).unwrap();
    document = document.with_floor(&epochs, epoch).unwrap();
    let secrets: Vec<String> = [phrase.recipient(), stretched.recipient(), device, late]
        .iter()
        .map(|secret| hex(secret.expose()))
        .collect();
    let keys: Vec<String> = epochs.keys().iter().map(|key| hex(key.expose())).collect();
    json!({
        "by": "rust", "document": std::str::from_utf8(document.bytes()).unwrap(), "secrets": secrets, "keys": keys,
        "id": document.id().to_string(), "number": document.number(), "seals": document.seals(), "epoch": document.epoch(),
        "floor": document.floor(), "check": epochs.current().1.check_value(),
    })
}

/// After the account went back to plain, and was sealed again.
fn again(vector: Value) -> Value {
    let document = Document::parse(vector["document"].as_str().unwrap().as_bytes()).unwrap();
    let device = RecipientSecret::from_bytes(bytes(&vector["secrets"][2]));
    let epochs = document.open(&device).unwrap();
    let plain = Document::parse(document.unsealed(&epochs).unwrap().bytes()).unwrap();
    let again = plain.sealed_again(&epochs).unwrap();
    let mut vector = vector;
    vector["document"] = json!(std::str::from_utf8(again.bytes()).unwrap());
    for (name, value) in [("number", again.number()), ("floor", 0), ("sealings", 1)] {
        vector[name] = json!(value);
    }
    vector
}

#[test]
fn k11_vectors_that_never_change_are_opened_by_both_implementations() {
    let file = folder().join("seal.json");
    open_all(&serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap());
    let said = second(&["open", file.to_str().unwrap()]);
    assert!(said.contains("36 vectors opened"), "{said}");
}

#[test]
fn k12_what_is_sealed_here_is_opened_by_the_second_implementation() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("made.json");
    std::fs::write(&file, make().to_string()).unwrap();
    let said = second(&["open", file.to_str().unwrap()]);
    assert!(said.contains("11 vectors opened"), "{said}");
}

#[test]
fn k12_what_the_second_implementation_seals_is_opened_here() {
    open_all(&serde_json::from_str(&second(&["make"])).unwrap());
}

/// Adds records and documents as both implementations make them now, once there is something new in the form. Those that are kept
/// stay: `--run-ignored only`.
#[test]
#[ignore = "it writes tests/vectors/seal.json"]
fn newer_vectors_are_added_to_those_that_are_kept() {
    let kept = std::fs::read(folder().join("seal.json")).unwrap();
    let mut vectors: Value = serde_json::from_slice(&kept).unwrap();
    for made in [serde_json::from_str(&second(&["make"])).unwrap(), make()] {
        for name in ["records", "documents"] {
            let more = made[name].as_array().unwrap().iter().cloned();
            vectors[name].as_array_mut().unwrap().extend(more);
        }
    }
    for packing in [1, 2] {
        let file = folder().join(format!("../../core/src/seal/projects-{packing}.dict"));
        let digest = ring::digest::digest(&ring::digest::SHA256, &std::fs::read(file).unwrap());
        vectors[format!("dictionary_{packing}")] = json!(hex(digest.as_ref()));
    }
    std::fs::write(folder().join("seal.json"), serde_json::to_string_pretty(&vectors).unwrap() + "\n")
        .unwrap();
}
