//! What every route shares: errors, request ids, bodies, rates, who is asking.

pub(crate) mod app;
pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod error;
pub(crate) mod observe;
pub(crate) mod rate;
mod sign_in;
pub(crate) mod space;
pub(crate) mod unpack;
pub(crate) mod waits;

pub(crate) use app::App;
pub(crate) use error::ApiError;
