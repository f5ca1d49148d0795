//! Signing in with something that the person has: a token, a user name and password, an access key. It is tried before it is kept,
//! so that a refused one leaves the sign-in of before as it was.

use orkee_core::auth::{EnvToken, Method, Purpose, Section};
use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::net::Secret;
use thiserror::Error;

use super::surroundings::{self, Cloud};
use super::{login, piped, unseen};
use crate::context::Context;
use crate::failure::{CliError, Failure};
use crate::prompt;

/// Takes it from standard input.
pub(super) fn from_stdin(
    cx: &Context,
    cloud: &Cloud,
    purpose: &Purpose,
    section: &Section,
) -> Result<(), Failure> {
    keep(cx, cloud, purpose, section, &piped::trimmed("what you sign in with")?)
}

/// Asks the person at the terminal.
pub(super) fn from_person(
    cx: &Context,
    cloud: &Cloud,
    purpose: &Purpose,
    section: &Section,
) -> Result<(), Failure> {
    if !prompt::possible(cx) {
        return Err(NobodyToAsk { provider: cloud.choice.name().to_owned(), method: purpose.method }.into());
    }
    let (provider, host) = (cloud.choice.name(), cloud.host());
    cx.out.note(format_args!("The provider `{provider}` signs in to {host} with {}.", purpose.method));
    let secret = match purpose.method {
        Method::Oauth | Method::Token => unseen::line(cx, "Token")?,
        Method::Password => pair(cx, "User name", "Password")?,
        Method::AwsKeys => pair(cx, "Access key id", "Secret access key")?,
    };
    keep(cx, cloud, purpose, section, &secret)
}

fn pair(cx: &Context, name: &str, secret: &str) -> Result<Secret, Failure> {
    let name = prompt::line(cx, name, None)?;
    if name.contains(':') {
        return Err(CliError::usage(
            "the name has a colon, which separates it from the secret",
            "give another",
        )
        .into());
    }
    let secret = unseen::line(cx, secret)?;
    Ok(Secret::new(format!("{name}:{}", secret.expose())))
}

/// Keeps it, once the backend took it.
fn keep(
    cx: &Context,
    cloud: &Cloud,
    purpose: &Purpose,
    section: &Section,
    secret: &Secret,
) -> Result<(), Failure> {
    let token = EnvToken::given(purpose.method, secret.expose())?;
    surroundings::run(async {
        let account = login::who(cx, &cloud.with_token(Some(token.clone()))).await?;
        cloud.auth.login_with_token(purpose, section, &token).await?;
        match account {
            Some(account) => Ok(cloud.auth.remember_account(section, account).await?),
            None => Ok(()),
        }
    })
}

/// Nobody is there to type it.
#[derive(Debug, Error)]
#[error("the provider `{provider}` signs in with {method}, and there is no terminal to ask for it")]
struct NobodyToAsk {
    provider: String,
    method: Method,
}

impl Diagnostic for NobodyToAsk {
    fn code(&self) -> &'static str {
        "E-AUTH-014"
    }

    fn kind(&self) -> Kind {
        Kind::Auth
    }

    fn hint(&self) -> Option<String> {
        let form = self.method.form();
        Some(format!("hand in {form} on standard input: `… | orkee cloud login --with-token`"))
    }
}
