//! The WASM components that are part of Orkee's programs. The build script builds them, packs their manifests into them, and computes
//! their digests; a program links those that it names, and no others.

use orkee_core::plugin::{BuiltIn, Embedded};

/// Embeds what the build script made.
macro_rules! built_in {
    ($name:literal) => {
        BuiltIn {
            name: $name,
            component: Embedded {
                bytes: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".wasm")),
                digest: *include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".blake3")),
            },
        }
    };
}

/// The dispatchers: each delivers events in the manner of some receivers.
pub const DISPATCHERS: &[BuiltIn] = &[built_in!("webhook"), built_in!("slack"), built_in!("discord")];

/// The sync providers.
#[cfg(feature = "providers")]
pub const PROVIDERS: &[BuiltIn] =
    &[built_in!("orkee-cloud"), built_in!("enterprise"), built_in!("s3"), built_in!("webdav")];

#[cfg(test)]
mod tests {
    use orkee_core::home::Home;
    use orkee_core::net::{Courier, CourierOptions};
    use orkee_core::plugin::{DispatcherError, DispatcherLibrary};

    use super::*;

    #[test]
    fn each_component_has_a_manifest_under_its_own_name_which_nothing_else_can_take() {
        let all = DISPATCHERS.to_vec();
        #[cfg(feature = "providers")]
        let all = [all.as_slice(), PROVIDERS].concat();
        for built_in in &all {
            assert_eq!(built_in.manifest().unwrap().name.as_str(), built_in.name);
            assert!(orkee_core::plugin::BUILT_IN.contains(&built_in.name), "{}", built_in.name);
        }
    }

    #[tokio::test]
    async fn each_dispatcher_runs_under_the_contract_and_calls_itself_what_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let courier = Courier::new(CourierOptions::default());
        let (cache, state) = (folder.path().join("cache"), folder.path().join("state"));
        let library = DispatcherLibrary::new(DISPATCHERS, courier, Some(cache), state);
        for name in ["webhook", "slack", "discord"] {
            assert_eq!(library.open(name).await.unwrap().description().id, name);
        }
        assert_eq!(library.names(), ["webhook", "slack", "discord"]);
        let unknown = library.open("webhok").await.err().unwrap();
        assert_eq!(unknown.to_string(), "there is no dispatcher `webhok`");
        let installed = library.with_installed(&Home::at(folder.path()).unwrap());
        assert!(matches!(installed.check("notes"), Err(DispatcherError::Unknown { .. })));
    }
}
