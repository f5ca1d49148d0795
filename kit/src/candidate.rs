//! The component that is tried, and what it is given: as a user of the host library would give it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::id;
use orkee_core::net::{ApiUrl, CredentialError, CredentialSource, Origin, Secret};
use orkee_core::plugin::{ApiUrlSetBy, Grants, Host, Limits, LoginKind, Manifest, Plugin, PluginError};
use thiserror::Error;

/// Of secrets that are made up.
const SECRET_LEN: usize = 40;

/// A component to try.
pub struct Candidate {
    pub(crate) plugin: Plugin,
    pub(crate) manifest: Option<Manifest>,
    pub(crate) limits: Limits,
    pub(crate) settings: BTreeMap<String, String>,
}

/// It cannot be tried.
#[derive(Debug, Error)]
pub enum CandidateError {
    /// It is no provider.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// Its manifest wants an option.
    #[error("the provider needs the option `{0}`")]
    OptionMissing(String),
    /// Its manifest knows no such option.
    #[error("the provider has no option `{0}`")]
    OptionUnknown(String),
}

impl Diagnostic for CandidateError {
    fn code(&self) -> &'static str {
        match self {
            Self::Plugin(error) => error.code(),
            Self::OptionMissing(_) | Self::OptionUnknown(_) => "E-KIT-006",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Plugin(error) => error.kind(),
            Self::OptionMissing(_) | Self::OptionUnknown(_) => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Plugin(error) => error.hint(),
            Self::OptionMissing(name) => Some(format!("give it with `--option {name}=VALUE`")),
            Self::OptionUnknown(_) => Some("the options stand in its provider.toml".to_owned()),
        }
    }
}

impl Candidate {
    /// Loads a component. Nothing of it runs. Its options are checked against its manifest, where it has one.
    pub fn load(
        host: &Host,
        name: &str,
        component: &[u8],
        manifest: Option<Manifest>,
        options: BTreeMap<String, String>,
    ) -> Result<Self, CandidateError> {
        let limits = Limits::default();
        let limits = manifest.as_ref().map_or(limits.clone(), |manifest| limits.raised(&manifest.limits));
        let plugin = host.load(name, component, limits.component)?;
        let settings = match &manifest {
            Some(manifest) => settings(manifest, options)?,
            None => options,
        };
        Ok(Self { plugin, manifest, limits, settings })
    }

    /// The API URL and, for that origin alone, the login. Of a component without a manifest, that is a token. What else a manifest
    /// asks for, nobody has granted here.
    pub(crate) fn grants(&self, api_url: &ApiUrl) -> Grants {
        let Some(manifest) = &self.manifest else {
            return Grants::built_in(api_url);
        };
        let asked = Manifest { hosts: Vec::new(), ..manifest.clone() };
        let grants = Grants::of(&asked, api_url, ApiUrlSetBy::User);
        match self.settings.get("region") {
            Some(region) => grants.in_region(region),
            None => grants,
        }
    }

    /// How its login is given; none where it has none.
    pub(crate) fn login(&self) -> Option<LoginForm> {
        match self.manifest.as_ref().map(|manifest| &manifest.login) {
            None | Some(Some(LoginKind::Oauth { .. } | LoginKind::Token)) => Some(LoginForm::Token),
            Some(Some(LoginKind::Password | LoginKind::AwsKeys { .. })) => Some(LoginForm::Pair),
            Some(None) => None,
        }
    }
}

/// What a login looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginForm {
    /// One text, which a backend that knows tokens alone can know.
    Token,
    /// A name and a secret.
    Pair,
}

fn settings(
    manifest: &Manifest,
    given: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, CandidateError> {
    if let Some(unknown) = given.keys().find(|name| !manifest.options.contains_key(*name)) {
        return Err(CandidateError::OptionUnknown(unknown.clone()));
    }
    let mut settings = given;
    for (name, option) in &manifest.options {
        match (&option.default, settings.contains_key(name)) {
            (_, true) => {}
            (Some(default), false) => {
                settings.insert(name.clone(), default.clone());
            }
            (None, false) if option.required => return Err(CandidateError::OptionMissing(name.clone())),
            (None, false) => {}
        }
    }
    Ok(settings)
}

/// The login of a run.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    secret: Secret,
    /// What a refresh gives; none: there is no refresh.
    refreshed: Option<Secret>,
}

impl Login {
    /// One that a person has at a real backend.
    pub(crate) fn given(secret: Secret) -> Self {
        Self { secret, refreshed: None }
    }

    /// One that means something to a practice backend alone: a token, or a name and a password.
    pub(crate) fn made_up(form: LoginForm) -> Self {
        let secret = match form {
            LoginForm::Token => id::random(SECRET_LEN),
            LoginForm::Pair => format!("orkee:{}", id::random(SECRET_LEN)),
        };
        let refreshed = (form == LoginForm::Token).then(|| Secret::new(id::random(SECRET_LEN)));
        Self { secret: Secret::new(secret), refreshed }
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.secret).chain(&self.refreshed)
    }
}

impl CredentialSource for Login {
    fn is_signed_in(&self, _: &str, _: &Origin) -> bool {
        true
    }

    fn token<'a>(
        &'a self,
        _: &'a str,
        _: &'a Origin,
    ) -> BoxFuture<'a, Result<Option<Secret>, CredentialError>> {
        let secret = self.secret.clone();
        Box::pin(async { Ok(Some(secret)) })
    }

    fn refresh_after_401<'a>(
        &'a self,
        _: &'a str,
        _: &'a Origin,
        _: &'a Secret,
    ) -> BoxFuture<'a, Result<Option<Secret>, CredentialError>> {
        let refreshed = self.refreshed.clone();
        Box::pin(async { Ok(refreshed) })
    }
}

/// Who has a login, as the host asks for it.
pub(crate) fn credentials(login: Option<&Login>) -> Arc<dyn CredentialSource> {
    match login {
        Some(login) => Arc::new(login.clone()),
        None => Arc::new(orkee_core::net::NoCredentials),
    }
}
