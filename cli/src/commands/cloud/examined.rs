//! What `orkee doctor` wants to know of the cloud that is in use, all of it known on this device.

use jiff::Timestamp;
use orkee_core::auth::{Asking, AuthError, SecretStore, Section};
use orkee_core::net::ApiUrl;
use orkee_core::settings::Key;

use super::surroundings::Cloud;
use crate::context::Context;
use crate::failure::Failure;

/// The cloud that a sync would go to now.
pub(crate) struct Examined {
    pub(crate) api: ApiUrl,
    pub(crate) provider: String,
    /// It is Orkee's API, which says how it is.
    pub(crate) tells_health: bool,
    pub(crate) sign_in: SignIn,
    /// Where sign-ins are kept, as far as one is there or one would be put there.
    pub(crate) store: SecretStore,
}

/// How somebody is signed in.
pub(crate) enum SignIn {
    /// The provider needs none.
    NotNeeded,
    /// A token of the environment, by the name of its variable.
    Environment(&'static str),
    /// What the token file holds.
    Here(Here),
    /// Nobody, or it cannot be used.
    No(AuthError),
}

/// A sign-in of the token file.
pub(crate) struct Here {
    pub(crate) who: String,
    pub(crate) expires_at: Option<Timestamp>,
    /// It is renewed when it expires.
    pub(crate) is_renewed: bool,
    /// When the tenant wants a new one, however fresh the token is.
    pub(crate) ends_at: Option<Timestamp>,
}

impl Examined {
    /// Reads the settings and the token file. `asking` says whether an API may be asked whether it knows the tenant.
    pub(crate) fn new(cx: &Context, asking: Asking) -> Result<Self, Failure> {
        let cloud = Cloud::open_asking(cx, None, asking)?;
        let set = cx.settings()?.text(Key::AuthStore)?.is_some_and(|store| store.value == "keyring");
        let (sign_in, section) = sign_in(&cloud);
        let in_keyring = set || section.is_some_and(|section| cloud.auth.is_in_keyring(&section));
        Ok(Self {
            provider: cloud.choice.name().to_owned(),
            tells_health: cloud.choice.is_orkee_cloud() || cloud.choice.enterprise().is_some(),
            sign_in,
            store: if in_keyring { SecretStore::Keyring } else { SecretStore::File },
            api: cloud.api,
        })
    }

    /// Whether something here shows that the server is in use.
    pub(crate) fn is_in_use(&self) -> bool {
        !matches!(self.sign_in, SignIn::No(AuthError::NotSignedIn { .. }))
    }
}

fn sign_in(cloud: &Cloud) -> (SignIn, Option<Section>) {
    let Some(purpose) = &cloud.purpose else { return (SignIn::NotNeeded, None) };
    if let Some(token) = cloud.env_token() {
        return (SignIn::Environment(token.variable()), None);
    }
    match cloud.auth.login_for(purpose) {
        Ok((section, login)) => {
            let here = Here {
                who: login.who(&section),
                expires_at: login.expires_at,
                is_renewed: login.refresh_token.is_some(),
                ends_at: login.ends_at,
            };
            (SignIn::Here(here), Some(section))
        }
        Err(AuthError::OfTenant(error)) => (SignIn::No(*error), None),
        Err(error) => (SignIn::No(error), None),
    }
}
