//! P02, P04 to P06, and answers that the contract does not allow.

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::plugin::{Host, PartError, PluginError};
use orkee_core::sync::provider::Failure;

use crate::guests;
use crate::rig::Rig;

fn load(bytes: &[u8]) -> PluginError {
    Host::new(None).unwrap().load("fixture", bytes, 32 << 20).err().unwrap()
}

#[test]
fn p02_a_component_for_another_version_is_told_what_it_is_and_what_would_run() {
    let (old, new) = (b"@0.1.0", b"@9.1.0");
    let mut bytes = guests::plain().to_vec();
    for at in 0..bytes.len() - old.len() {
        // Only the versions of this package's interfaces: WASI's stay.
        if bytes[at..].starts_with(old)
            && bytes[..at].rsplit(|b| *b == b':').next().is_some_and(|name| name.starts_with(b"sync/"))
        {
            bytes[at..at + new.len()].copy_from_slice(new);
        }
    }
    let error = load(&bytes);
    assert!(matches!(&error, PluginError::Version { found, .. } if found == "orkee:sync@9.1.0"), "{error}");
    assert!(
        error.to_string().ends_with("is built for `orkee:sync@9.1.0`, this Orkee runs orkee:sync 0.1.x"),
        "{error}"
    );
    assert_eq!(error.hint().unwrap(), "update Orkee, or use an older version of the plugin");
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

#[test]
fn p06_a_component_that_wants_sockets_is_refused_and_the_import_named() {
    let error = load(guests::sockets());
    assert!(
        matches!(&error, PluginError::Import { imports, .. } if imports.contains("wasi:sockets/tcp@")),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_that_the_contract_does_not_allow_is_refused() {
    for (way, words) in [
        ("invent-outcomes", "1 outcomes for 0 mutations"),
        ("invent-an-id", "with the id `../../..`"),
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
