//! What the server says of the account's keys: an older document of them, none, or one of its own.

use orkee_tests::device::Device;
use orkee_tests::folder;
use orkee_tests::relay::{Brought, Record};
use orkee_tests::sealed_account::{self as account, KEYS_ID};
use serde_json::{Value, json};

use super::{Scene, document};

#[test]
fn k70_an_older_document_of_the_keys_is_refused_by_who_has_seen_a_newer_one() {
    let scene = Scene::new();
    let old = document(&scene.told_to(&scene.device));
    scene.honest.run(&["cloud", "key", "rotate"]).success();
    scene.device.sync();
    // Shown among what changed, and where it is asked for alone.
    let old_everywhere = move |brought: &mut Brought| {
        brought.changes.retain(|record| record.id != KEYS_ID);
        // Where nothing was to be listed, one more would be noticed as a broken contract.
        if !brought.changes.is_empty() {
            brought.changes.push(old.clone());
        }
        brought.stored.iter_mut().filter(|stored| is_document(stored)).for_each(|stored| {
            stored.clone_from(&old.envelope);
        });
    };
    scene.edits();
    scene.alter(old_everywhere.clone());
    scene.refuses("E-KEY-022", "this device has seen");

    // Whoever has everything compared is not refused; but nothing leaves under the older key, which stays the older one.
    scene.edits();
    scene.alter(old_everywhere);
    scene.device.run(&["cloud", "sync", "--force"]);
    let ours = account::stored(&scene.server.data()).into_iter().find(|record| record.id == scene.ours);
    assert_eq!(ours.unwrap().epoch(), Some(2));
    scene.gets_well();
    assert_eq!(scene.device.json(&["cloud", "key", "show"])["epoch"], 2);
}

#[test]
fn k71_a_server_that_hides_the_document_of_the_keys_from_who_knows_it_is_refused() {
    let scene = Scene::new();
    let hide = |brought: &mut Brought| {
        brought.changes.retain(|record| record.id != KEYS_ID);
        brought.deny(is_document);
    };
    // It has forgotten which records were deleted, so that it lists everything: what is not there would be deleted here.
    let gone = scene.honest.add("gone");
    scene.honest.sync();
    scene.honest.run(&["projects", "delete", &gone, "--yes"]).success();
    scene.honest.sync();
    scene.edits();
    scene.server.prune();
    scene.alter(hide);
    scene.refuses("E-KEY-023", "key document");

    scene.edits();
    let before = account::documents(&scene.server.data());
    scene.alter(hide);
    for command in [&["rotate"][..], &["init", "--yes"]] {
        let ran = scene.device.run(&[&["cloud", "key"], command].concat());
        assert_ne!(ran.code, Some(0), "{ran}");
        assert!(ran.stderr.contains("error[E-KEY-"), "{ran}");
    }
    let verified = account::verify(&scene.device, &scene.phrase);
    assert_ne!(verified.code, Some(0), "{verified}");
    assert_eq!(account::documents(&scene.server.data()), before);
    scene.gets_well();
    account::verify(&scene.device, &scene.phrase).success();
}

/// Whether an envelope is that of a document of keys.
fn is_document(envelope: &[u8]) -> bool {
    let head = envelope.split(|b| *b == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(head).contains("\"keys-")
}

#[test]
fn k72_a_document_of_another_account_or_with_a_recipient_of_the_servers_own_is_refused() {
    let scene = Scene::new();
    let stranger = scene.stranger();
    drop(stranger);
    let strangers = account::documents(&scene.server.data());
    let own = document(&scene.told_to(&scene.device));
    let theirs = strangers.into_iter().find(|envelope| *envelope != own.envelope).unwrap();
    let put = |envelope: Vec<u8>| {
        let told = Record { envelope, ..own.clone() };
        move |brought: &mut Brought| {
            brought.changes.retain(|record| record.id != KEYS_ID);
            brought.changes.push(told.clone());
            brought.stored.iter_mut().filter(|stored| is_document(stored)).for_each(|stored| {
                stored.clone_from(&told.envelope);
            });
        }
    };
    scene.edits();
    scene.alter(put(theirs.clone()));
    scene.refuses("E-KEY-021", "not the key of this account");

    // The recovery recipient's key is replaced by one that the server made up: whoever rotates would seal for it.
    let swapped = swapped(&own);
    scene.edits();
    scene.alter(put(swapped.clone()));
    scene.refuses("E-KEY-024", "not written by a holder");
    scene.edits();
    scene.alter(put(swapped.clone()));
    let ran = scene.device.run(&["cloud", "key", "rotate"]);
    assert_ne!(ran.code, Some(0), "{ran}");
    scene.gets_well();

    // Nor is a device let in by it, and it adds nothing to the account.
    let before = account::documents(&scene.server.data());
    for document in [theirs, swapped] {
        scene.alter(put(document));
        let fresh = Device::with_token(&scene.relay.url, &scene.token).warmed_by(&scene.device);
        fresh.add("mine");
        let ran = account::recover(&fresh, &scene.phrase);
        assert_ne!(ran.code, Some(0), "{ran}");
        assert_ne!(fresh.run(&["cloud", "sync"]).code, Some(0));
    }
    assert_eq!(account::documents(&scene.server.data()), before);
    assert!(!account::epochs(&scene.server.data()).contains(&0));
}

/// The document with the key of each recipient replaced, in a number above its own.
fn swapped(own: &Record) -> Vec<u8> {
    let mut swapped = own.clone();
    swapped.change(|head, payload| {
        for number in head["ancestry"].as_object_mut().unwrap().values_mut() {
            *number = json!(number.as_u64().unwrap() + 1);
        }
        let text = String::from_utf8(payload.clone()).unwrap();
        let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
        let mut first: Value = serde_json::from_str(&lines[0]).unwrap();
        first["number"] = json!(first["number"].as_u64().unwrap() + 1);
        lines[0] = first.to_string();
        let mut body: Value = serde_json::from_str(&lines[1]).unwrap();
        for recipient in body["recipients"].as_array_mut().unwrap() {
            let key = recipient["key"].as_str().unwrap();
            let turned: String = key.chars().map(|c| if c == 'A' { 'B' } else { 'A' }).take(8).collect();
            recipient["key"] = json!(format!("{turned}{}", &key[8..]));
        }
        lines[1] = body.to_string();
        *payload = lines.join("\n").into_bytes();
    });
    swapped.envelope
}

#[test]
fn k73_a_server_that_was_put_back_to_before_a_change_of_keys_is_refused_and_loses_nothing() {
    let mut scene = Scene::new();
    let kept = tempfile::tempdir().unwrap();
    scene.server.stop();
    folder::replace(kept.path(), &scene.server.data());
    scene.server.resume();
    scene.honest.run(&["cloud", "key", "rotate", "--reseal"]).success();
    scene.device.sync();
    scene.edits();
    scene.server.stop();
    folder::replace(&scene.server.data(), kept.path());
    scene.server.resume();
    // It says itself, by its commits, that it was put back: both devices bring it to where it was.
    for device in [&scene.device, &scene.honest, &scene.device, &scene.honest] {
        device.sync_whatever();
    }
    scene.gets_well();
    assert_eq!(account::epochs(&scene.server.data()), [2]);
    account::verify(&scene.device, &scene.phrase).success();
}

#[test]
fn k74_a_device_without_a_key_sends_nothing_plain_to_a_server_that_hides_the_document_of_the_keys() {
    let scene = Scene::new();
    let fresh = Device::with_token(&scene.relay.url, &scene.token).warmed_by(&scene.device);
    let own = fresh.add("mine alone");
    let before = account::stored(&scene.server.data()).len();
    scene.alter(|brought| {
        brought.changes.retain(|record| record.id != KEYS_ID);
        brought.deny(is_document);
    });
    let ran = fresh.run(&["cloud", "sync"]).fails(5, "E-KEY-023");
    assert_eq!(account::stored(&scene.server.data()).len(), before, "{ran}");
    assert_eq!(fresh.field(&own, "name"), "mine alone");
    scene.relay.pass();
    let ran = fresh.run(&["cloud", "sync"]).fails(4, "E-KEY-020").says("key recover");
    assert_eq!(account::stored(&scene.server.data()).len(), before, "{ran}");
    account::recover(&fresh, &scene.phrase).success();
    fresh.sync();
    scene.honest.sync();
    assert_eq!(fresh.export(), scene.honest.export());
    assert!(!account::epochs(&scene.server.data()).contains(&0));
}
