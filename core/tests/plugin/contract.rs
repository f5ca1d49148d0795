//! P02, P04 to P06, and answers that the contract does not allow.

use std::time::Duration;

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::net::{Courier, CourierOptions, Secret};
use orkee_core::plugin::{DispatcherSetup, Host, PartError, PluginError, Registration, WasmDispatcher};
use orkee_core::sync::provider::{Cursor, Failure, Provider};

use crate::guests;
use crate::rig::{Rig, found};
use crate::server::{Server, reply};

fn load(bytes: &[u8]) -> PluginError {
    Host::new(None).unwrap().load("fixture", bytes, 32 << 20).err().unwrap()
}

#[test]
fn p02_a_component_for_another_version_is_told_what_it_is_and_what_would_run() {
    for (version, hint) in [
        ("9.1.0", "update Orkee, or use an older version of the plugin"),
        ("2.0.0", "update Orkee, or use an older version of the plugin"),
        ("0.9.9", "update the plugin; its author builds it anew against the WIT package orkee:sync 1.x"),
        ("0.1.2", "update the plugin; its author builds it anew against the WIT package orkee:sync 1.x"),
    ] {
        for component in [guests::plain(), guests::dispatcher()] {
            let error = load(&guests::of_version(component, version));
            let words = format!(
                "the plugin `fixture` is built for `orkee:sync@{version}`, this Orkee runs orkee:sync 1.x"
            );
            assert_eq!((error.to_string(), error.hint().as_deref()), (words, Some(hint)));
            assert_eq!((error.kind().exit_code(), error.code()), (2, "E-PLUGIN-003"));
        }
    }
}

#[tokio::test]
async fn p02_a_component_for_a_later_release_of_the_same_track_runs() {
    let server = Server::start(|seen| reply(200, &[], seen.target.as_bytes())).await;
    for version in ["1.0.7", "1.9.0"] {
        let later = guests::of_version(guests::every_part(), version);
        let provider = Rig::new(&server.url).open(&later, &[]).await.unwrap();
        let told = found(&provider).await.unwrap();
        assert_eq!(told, "login true | v | 200 /one 200 /two 200 /three | true", "{version}");
        assert_eq!(provider.whoami().await.unwrap().email, "ada@example.com");
    }
}

#[test]
fn p02_a_later_component_that_uses_what_this_host_does_not_have_is_refused_by_name() {
    let later = guests::of_version(guests::every_part(), "1.0.7");
    for (had, has, named) in [
        ("send-all", "send-two", "`orkee:sync/http.send-two@1.0.7`"),
        ("sync/signer@", "sync/vaults@", "`orkee:sync/vaults@1.0.7`"),
    ] {
        let error = load(&guests::renamed(&later, had, has));
        assert!(matches!(error, PluginError::Import { .. }) && error.to_string().contains(named), "{error}");
    }
}

#[tokio::test]
async fn p04_a_part_that_a_provider_lacks_is_a_clear_refusal() {
    let provider = Rig::offline().open(guests::plain(), &[]).await.unwrap();
    assert!(!provider.description().needs_sign_in);
    let error = provider.whoami().await.unwrap_err();
    assert!(matches!(error, PartError::Absent(_)));
    assert_eq!((error.kind(), error.kind().exit_code()), (Kind::Usage, 2));
    assert_eq!(error.to_string(), "the provider `fixture` cannot say whose account it uses");
    assert!(matches!(provider.browse(None, 1).await, Err(PartError::Absent(_))));
    assert!(matches!(provider.devices().await, Err(PartError::Absent(_))));
    assert!(matches!(provider.revoke_device("d").await, Err(PartError::Absent(_))));
    assert!(!provider.can_watch());
    let error = provider.watch(Cursor::default(), Duration::ZERO).await.unwrap_err();
    assert_eq!((error.failure, error.kind().exit_code()), (Failure::Unsuitable, 2));
    assert_eq!(error.to_string(), "the provider `fixture` cannot tell when something is new");
    assert!(matches!(provider.team().await, Err(PartError::Absent(_))));
    assert!(matches!(provider.leave_team().await, Err(PartError::Absent(_))));
    assert!(matches!(provider.webhooks().await, Err(PartError::Absent(_))));
    let (secret, to) = (Secret::new("whsec_aaaaaaaaaaaaaaaa"), Registration::to("https://a.example/"));
    assert!(matches!(provider.register_webhook(to, &secret).await, Err(PartError::Absent(_))));
    assert!(matches!(provider.rotate_webhook_secret("e", &secret).await, Err(PartError::Absent(_))));
    assert!(matches!(provider.set_webhook_enabled("e", true).await, Err(PartError::Absent(_))));
    let error = provider.remove_webhook("e").await.unwrap_err();
    assert_eq!(error.to_string(), "the provider `fixture` cannot remove webhooks");
}

#[test]
fn p05_a_component_that_is_cut_short_is_refused() {
    let whole = guests::plain();
    for length in [8, 9, 100, whole.len() / 2, whole.len() - 1] {
        let error = load(&whole[..length]);
        assert_eq!(error.kind(), Kind::Usage, "{length}: {error}");
    }
}

#[test]
fn p05_a_component_that_is_no_provider_is_refused() {
    // The smallest component: a header and nothing else.
    let error = load(b"\0asm\x0d\0\x01\0");
    assert!(matches!(error, PluginError::NotAProvider { .. }), "{error}");
}

#[tokio::test]
async fn p05_a_provider_is_no_dispatcher_and_a_dispatcher_no_provider() {
    let error = Rig::offline().open(guests::dispatcher(), &[]).await.err().unwrap();
    assert!(matches!(error, PluginError::NotAProvider { .. }), "{error}");
    let plugin = Host::new(None).unwrap().load("fixture", guests::plain(), 32 << 20).unwrap();
    let rig = Rig::offline();
    let setup = DispatcherSetup {
        tenant: None,
        limits: rig.limits.clone(),
        state_folder: rig.home.path().to_owned(),
        settings: [].into(),
        courier: Courier::new(CourierOptions::default()),
    };
    let error = WasmDispatcher::open(&plugin, setup).await.err().unwrap();
    assert!(error.to_string().contains("is no webhook dispatcher"), "{error}");
}

#[test]
fn p05_a_file_is_loaded_or_refused_as_its_bytes_are() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("plain.wasm");
    let host = Host::new(None).unwrap();
    std::fs::write(&path, guests::plain()).unwrap();
    assert_eq!(host.load_file("fixture", &path, 32 << 20).unwrap().name(), "fixture");
    std::fs::write(&path, b"<html>not found</html>").unwrap();
    let error = host.load_file("fixture", &path, 32 << 20).err().unwrap();
    assert!(error.to_string().contains("no WebAssembly"), "{error}");
}

#[test]
fn p06_a_component_that_wants_sockets_is_refused_and_the_import_named() {
    let error = load(guests::sockets());
    assert!(
        matches!(&error, PluginError::Import { imports, .. } if imports.contains("wasi:sockets/tcp@")),
        "{error}"
    );
}

#[test]
fn p06_files_http_of_its_own_and_anothers_package_are_refused_and_named() {
    let patched = |from, to| guests::renamed(guests::rogue(), from, to);
    for (component, named) in [
        (guests::files().to_vec(), "wasi:filesystem/"),
        (patched("orkee:sync/http@1.0.0", "wasi:http/types@0.2.0"), "`wasi:http/types@0.2.0`"),
        (patched("orkee:sync/settings@", "other:pack/settings@"), "`other:pack/settings@1.0.0`"),
        (patched("orkee:sync/log@", "orkee:sync/lag@"), "`orkee:sync/lag@1.0.0`"),
        // Signatures are for deliveries, and a provider makes none.
        (
            guests::renamed(guests::every_part(), "sync/dispatcher@", "sync/dispatchem@"),
            "`orkee:sync/signer@1.0.0`",
        ),
    ] {
        let error = load(&component);
        assert!(matches!(error, PluginError::Import { .. }) && error.to_string().contains(named), "{error}");
        assert_eq!(error.kind().exit_code(), 2);
    }
}

#[tokio::test]
async fn an_answer_that_the_contract_does_not_allow_is_refused() {
    for (way, words) in [
        ("invent-outcomes", "1 outcomes for 0 mutations"),
        ("invent-an-id", "with the id `../../..`"),
        ("list-a-record-twice", "the record `aaaaaaaa` twice on one page"),
        ("list-too-much", "6 changes, 5 were asked for"),
        ("return-a-huge-cursor", "a position is empty or has more than"),
    ] {
        let error = Rig::offline().stopped(&[("do", way)]).await;
        assert!(matches!(&error, PluginError::Contract { what, .. } if what.contains(words)), "{error}");
    }
}

#[tokio::test]
async fn a_providers_words_reach_the_terminal_in_black_and_white() {
    let error = Rig::offline().rogue(&[("do", "fail-in-colour")]).await.unwrap_err();
    assert_eq!(error.failure, Failure::Backend);
    assert!(error.message.ends_with(": red alert"), "{}", error.message);
    let provider = Rig::offline().open(guests::rogue(), &[]).await.unwrap();
    assert_eq!(provider.description().name, "Rogue");
}
