//! The contract of `wit/` as Rust types. Generated; the modules below only say which part comes from where.
//!
//! Each part that a provider may export is a world of its own, so that a provider exports those that it has. All share the
//! types and imports of the first.

#![allow(missing_docs, unsafe_code, unreachable_pub, clippy::all, dead_code)]

wit_bindgen::generate!({
    path: "wit",
    world: "sync-provider",
    pub_export_macro: true,
    export_macro_name: "export_provider",
});

/// A part of a provider, in a module of its own.
macro_rules! part {
    ($module:ident, $export:literal, $world:literal) => {
        pub mod $module {
            wit_bindgen::generate!({
                inline: $world,
                path: "wit",
                pub_export_macro: true,
                export_macro_name: $export,
                with: { "orkee:sync/types@1.0.0": crate::contract::orkee::sync::types },
            });
        }
    };
}

part!(
    account,
    "export_account",
    "package orkee:provider-sdk; world account { export orkee:sync/account@1.0.0; }"
);
part!(
    listing,
    "export_listing",
    "package orkee:provider-sdk; world listing { export orkee:sync/listing@1.0.0; }"
);
part!(
    devices,
    "export_devices",
    "package orkee:provider-sdk; world devices { export orkee:sync/devices@1.0.0; }"
);
part!(watch, "export_watch", "package orkee:provider-sdk; world watch { export orkee:sync/watch@1.0.0; }");
part!(team, "export_team", "package orkee:provider-sdk; world team { export orkee:sync/team@1.0.0; }");
part!(
    webhooks,
    "export_webhooks",
    "package orkee:provider-sdk; world webhooks { export orkee:sync/webhooks@1.0.0; }"
);
part!(
    webhook_deliveries,
    "export_webhook_deliveries",
    "package orkee:provider-sdk; world webhook-deliveries { export orkee:sync/webhook-deliveries@1.0.0; }"
);

/// What a webhook dispatcher exports, and the signatures that it alone is offered.
pub mod dispatcher {
    wit_bindgen::generate!({
        path: "wit",
        world: "webhook-dispatcher",
        pub_export_macro: true,
        export_macro_name: "export_dispatcher",
        with: {
            "orkee:sync/http@1.0.0": crate::contract::orkee::sync::http,
            "orkee:sync/state@1.0.0": crate::contract::orkee::sync::state,
            "orkee:sync/settings@1.0.0": crate::contract::orkee::sync::settings,
            "orkee:sync/log@1.0.0": crate::contract::orkee::sync::log,
        },
    });
}
