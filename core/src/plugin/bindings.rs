//! The contract of `wit/` as Rust types. Generated; nothing is written by hand here.

#![allow(missing_docs, unreachable_pub, clippy::all)]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "every-part",
    imports: {
        "orkee:sync/http.send": async | trappable,
        "orkee:sync/http.send-all": async | trappable,
        "orkee:sync/state.set": async | trappable,
        "orkee:sync/state.delete": async | trappable,
        default: trappable,
    },
    exports: { default: async },
});
