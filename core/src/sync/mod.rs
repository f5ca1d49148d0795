//! Sync: the engine that keeps the store and a backend in step.

pub mod provider;
