//! What a person sees at the terminal, over all commands: the grammar itself says which there are, so that a new one is looked at
//! without anybody thinking of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod completions;
mod config;
mod examples;
mod golden;
mod grammar;
mod help;
mod man;
mod pager;
mod promises;
mod robust;
mod shape;
mod start;
mod typos;
