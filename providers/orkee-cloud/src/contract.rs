//! The contract of `wit/` as Rust types. Generated; nothing is written by hand here.

#![allow(missing_docs, unsafe_code, unreachable_pub, clippy::all, dead_code)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "cloud-provider",
    pub_export_macro: true,
});
