//! The token endpoint's part: a device asks whether the person has decided.

use jiff::Timestamp;

use super::super::CLIENT;
use super::super::request::Parameters;
use super::super::token::{Failed, redeemed, refused};
use super::GRANT;
use super::pending::Standing;
use crate::http::App;
use crate::secret::SecretHash;
use crate::storage::{Client, Redemption, TokenPair};

/// Gives the tokens to a device whose code somebody approved.
pub(crate) async fn poll(app: &App, fields: &Parameters, tokens: TokenPair) -> Result<(), Failed> {
    let code =
        fields.get("device_code").ok_or_else(|| refused("invalid_request", "device_code is missing"))?;
    let code = SecretHash::of(code);
    match app.devices.poll(code, Timestamp::now()) {
        Standing::Open => Err(refused("authorization_pending", "the person has not decided yet")),
        Standing::TooSoon => Err(refused("slow_down", "wait five seconds more between two requests")),
        Standing::Expired => Err(refused("expired_token", "nobody typed the code in time")),
        Standing::Declined => Err(refused("access_denied", "")),
        // One that was approved before this server started is in the storage all the same.
        Standing::Approved | Standing::Unknown => {
            let device = fields.device();
            let done = app.storage(move |storage| {
                let client = as_client();
                let redemption = Redemption { code, client: &client, challenge: "", device: &device, tokens };
                storage.redeem_code(&redemption, Timestamp::now())
            });
            redeemed(done.await?)
        }
    }
}

/// Who an approval is for, in the storage. No redirect address is like it, and no verifier has an empty challenge: it cannot be
/// redeemed as the code of a browser.
pub(super) fn as_client() -> Client {
    Client { id: CLIENT.to_owned(), redirect_uri: GRANT.to_owned() }
}
