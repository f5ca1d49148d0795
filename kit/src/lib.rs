//! For authors of Orkee providers.
//!
//! [`practice`] is a backend of its own, small and strict, that a provider can be written against without an account anywhere.

pub mod practice;
