//! The published body of `POST /v1/sync`.
use crate::http::{ApiError, body::Packed};
use crate::storage::{AccountKey, Storage};
pub(super) fn publish(_: &dyn Storage, _: AccountKey, _: &[u8], _: bool) -> Result<Packed, ApiError> {
    Err(ApiError::invalid("not yet"))
}
