//! `tenant.toml`, as an administrator writes it. Strict: a key that means nothing is refused with its line, for a misspelt
//! restriction would not hold, unseen.

use std::collections::{BTreeMap, BTreeSet};

use orkee_core::net::{ApiUrl, Origin, Scheme};
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use super::settings::{AllowedProvider, Encryption, GroupRole, IdentityProvider, Policy, Settings, TokenUse};

/// Larger files are no settings.
pub(crate) const MAX_BYTES: usize = 64 << 10;
const MAX_PROVIDERS: usize = 10;
const MAX_GROUPS: usize = 1000;
const MAX_SCOPES: usize = 20;
const MAX_LIST: usize = 50;
const MAX_NAME: usize = 100;
const MAX_TEXT: usize = 255;
const MAX_ID: usize = 32;
const MAX_TENANT: usize = 64;
/// Shorter ones would have people sign in more often than they work, longer ones are none.
const LIFETIMES: std::ops::RangeInclusive<u32> = 60..=365 * 86_400;

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {what}")]
pub(crate) struct Wrong {
    line: usize,
    what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    #[serde(default)]
    identity_provider: Vec<Spanned<Provider>>,
    #[serde(default)]
    groups: BTreeMap<Spanned<String>, Spanned<String>>,
    default_role: Option<Spanned<String>>,
    #[serde(default)]
    policy: Rules,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Provider {
    id: Spanned<String>,
    name: Spanned<String>,
    issuer: Spanned<String>,
    client_id: Spanned<String>,
    scopes: Option<Spanned<Vec<String>>>,
    audience: Option<Spanned<String>>,
    token: Option<TokenUse>,
    groups_claim: Option<Spanned<String>>,
    #[serde(default)]
    trust_email: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    providers: Option<Spanned<Vec<Allowed>>>,
    encryption: Option<Encryption>,
    sign_in_lifetime: Option<Spanned<u32>>,
    api_origins: Option<Spanned<Vec<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    name: Spanned<String>,
    sha256: Option<Spanned<String>>,
}

/// A tenant's name: part of an address, and typed into shells.
pub(crate) fn tenant_name(text: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    let good = (1..=MAX_TENANT).contains(&text.len()) && text.bytes().all(plain);
    match good && !text.starts_with(['-', '.', '_']) {
        true => Ok(text.to_owned()),
        false => {
            Err("a tenant's name has lower case letters, digits, dots, hyphens and underscores".to_owned())
        }
    }
}

/// Reads and checks a file.
pub(crate) fn read(text: &str) -> Result<Settings, Wrong> {
    if text.len() > MAX_BYTES {
        return Err(Wrong { line: 1, what: format!("the file has more than {MAX_BYTES} bytes") });
    }
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let what = error.message().lines().collect::<Vec<_>>().join(" ");
        Wrong { line: line_at(text, at), what: printable(&what) }
    })?;
    Reader { text }.settings(&file)
}

/// Knows the text, to tell where something stands in it.
struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn wrong<T, R>(&self, value: &Spanned<T>, what: impl Into<String>) -> Result<R, Wrong> {
        Err(Wrong { line: line_at(self.text, value.span().start), what: what.into() })
    }

    fn settings(&self, file: &File) -> Result<Settings, Wrong> {
        let Some(first) = file.identity_provider.first() else {
            return self.wrong(&file.name, "there is no [[identity_provider]]: nobody could sign in");
        };
        if file.identity_provider.len() > MAX_PROVIDERS {
            return self.wrong(first, format!("there are more than {MAX_PROVIDERS} identity providers"));
        }
        let providers: Vec<_> =
            file.identity_provider.iter().map(|one| self.provider(one)).collect::<Result<_, _>>()?;
        let (mut ids, mut issuers) = (BTreeSet::new(), BTreeSet::new());
        for (provider, written) in providers.iter().zip(&file.identity_provider) {
            if !ids.insert(&provider.id) {
                return self.wrong(&written.get_ref().id, "another identity provider has this id");
            }
            if !issuers.insert(&provider.issuer) {
                return self.wrong(&written.get_ref().issuer, "another identity provider has this issuer");
            }
        }
        Ok(Settings {
            name: self.shown(&file.name, "name")?,
            identity_providers: providers,
            groups: self.groups(&file.groups)?,
            default_role: file.default_role.as_ref().map(|role| self.role(role)).transpose()?,
            policy: self.policy(&file.policy)?,
        })
    }

    fn provider(&self, written: &Spanned<Provider>) -> Result<IdentityProvider, Wrong> {
        let provider = written.get_ref();
        let token = provider.token.unwrap_or(TokenUse::Exchange);
        let audience = provider.audience.as_ref().map(|text| self.plain(text, "audience")).transpose()?;
        if token == TokenUse::Direct && audience.is_none() {
            let what = "token = \"direct\" needs an audience: the one that its access tokens are issued for";
            return self.wrong(&provider.id, what);
        }
        let claim =
            provider.groups_claim.as_ref().map(|text| self.plain(text, "groups_claim")).transpose()?;
        Ok(IdentityProvider {
            id: self.id(&provider.id)?,
            name: self.shown(&provider.name, "name")?,
            issuer: self.issuer(&provider.issuer)?,
            client_id: self.plain(&provider.client_id, "client_id")?,
            scopes: self.scopes(provider.scopes.as_ref())?,
            audience,
            token,
            groups_claim: claim.unwrap_or_else(|| "groups".to_owned()),
            trust_email: provider.trust_email,
        })
    }

    /// Kept as it was written: tokens have to name it letter for letter.
    fn issuer(&self, value: &Spanned<String>) -> Result<String, Wrong> {
        let text = value.get_ref();
        if text.len() > MAX_TEXT || text.trim() != text {
            return self.wrong(value, format!("issuer is a URL of at most {MAX_TEXT} characters"));
        }
        match ApiUrl::parse(text) {
            Ok(_) => Ok(text.clone()),
            Err(error) => {
                let why = std::error::Error::source(&error).map_or_else(
                    || error.to_string().replace("the API URL cannot be used: ", ""),
                    ToString::to_string,
                );
                self.wrong(
                    value,
                    format!("issuer is an https URL without a query, or http to this machine: {why}"),
                )
            }
        }
    }

    fn id(&self, value: &Spanned<String>) -> Result<String, Wrong> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let id = value.get_ref();
        match (1..=MAX_ID).contains(&id.len()) && id.bytes().all(plain) && !id.starts_with('-') {
            true => Ok(id.clone()),
            false => {
                self.wrong(value, format!("id has at most {MAX_ID} lower case letters, digits and hyphens"))
            }
        }
    }

    /// What people read.
    fn shown(&self, value: &Spanned<String>, key: &str) -> Result<String, Wrong> {
        let text = value.get_ref().trim();
        let length = text.chars().count();
        match (1..=MAX_NAME).contains(&length) && !text.contains(char::is_control) {
            true => Ok(text.to_owned()),
            false => {
                self.wrong(value, format!("{key} has 1 to {MAX_NAME} characters, and no control characters"))
            }
        }
    }

    /// What programs send.
    fn plain(&self, value: &Spanned<String>, key: &str) -> Result<String, Wrong> {
        let text = value.get_ref();
        match (1..=MAX_TEXT).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            true => Ok(text.clone()),
            false => {
                self.wrong(value, format!("{key} has 1 to {MAX_TEXT} characters of ASCII without spaces"))
            }
        }
    }

    fn scopes(&self, value: Option<&Spanned<Vec<String>>>) -> Result<Vec<String>, Wrong> {
        let Some(value) = value else {
            return Ok(["openid", "email", "profile"].map(str::to_owned).to_vec());
        };
        // RFC 6749, 3.3.
        let is_scope = |scope: &String| {
            (1..=MAX_NAME).contains(&scope.len())
                && scope.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
        };
        let scopes = value.get_ref();
        if scopes.len() > MAX_SCOPES || !scopes.iter().all(is_scope) {
            return self.wrong(value, "scopes is a list of at most 20 names without spaces and quotes");
        }
        if !scopes.iter().any(|scope| scope == "openid") {
            return self.wrong(value, "scopes names openid: there is no ID token without it");
        }
        Ok(scopes.clone())
    }

    fn groups(
        &self,
        groups: &BTreeMap<Spanned<String>, Spanned<String>>,
    ) -> Result<BTreeMap<String, GroupRole>, Wrong> {
        if let Some((group, _)) = groups.iter().nth(MAX_GROUPS) {
            return self.wrong(group, format!("there are more than {MAX_GROUPS} groups"));
        }
        groups.iter().map(|(group, role)| Ok((self.group(group)?, self.role(role)?))).collect()
    }

    fn group(&self, group: &Spanned<String>) -> Result<String, Wrong> {
        let text = group.get_ref();
        match (1..=MAX_TEXT).contains(&text.len()) && !text.contains(char::is_control) {
            true => Ok(text.clone()),
            false => self.wrong(group, format!("a group's name has 1 to {MAX_TEXT} bytes")),
        }
    }

    fn role(&self, role: &Spanned<String>) -> Result<GroupRole, Wrong> {
        let read = GroupRole::try_from(role.get_ref().clone());
        read.or_else(|_| self.wrong(role, "a role is owner, member or read-only"))
    }

    fn policy(&self, rules: &Rules) -> Result<Policy, Wrong> {
        if let Some(lifetime) = &rules.sign_in_lifetime
            && !LIFETIMES.contains(lifetime.get_ref())
        {
            let (least, most) = (LIFETIMES.start(), LIFETIMES.end());
            return self
                .wrong(lifetime, format!("sign_in_lifetime is a number of seconds from {least} to {most}"));
        }
        Ok(Policy {
            providers: rules.providers.as_ref().map(|all| self.providers(all)).transpose()?,
            encryption: rules.encryption,
            sign_in_lifetime: rules.sign_in_lifetime.as_ref().map(|lifetime| *lifetime.get_ref()),
            api_origins: rules.api_origins.as_ref().map(|all| self.origins(all)).transpose()?,
        })
    }

    fn providers(&self, all: &Spanned<Vec<Allowed>>) -> Result<Vec<AllowedProvider>, Wrong> {
        if !(1..=MAX_LIST).contains(&all.get_ref().len()) {
            return self.wrong(all, "providers names 1 to 50 providers; leave it out to allow any");
        }
        all.get_ref().iter().map(|one| self.allowed(one)).collect()
    }

    fn allowed(&self, allowed: &Allowed) -> Result<AllowedProvider, Wrong> {
        let name = self.id(&allowed.name)?;
        let digest = |value: &Spanned<String>| {
            let text = value.get_ref();
            match text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                true => Ok(text.clone()),
                false => self.wrong(value, "sha256 has 64 digits of 0-9a-f"),
            }
        };
        Ok(AllowedProvider { name, sha256: allowed.sha256.as_ref().map(digest).transpose()? })
    }

    fn origins(&self, all: &Spanned<Vec<String>>) -> Result<Vec<String>, Wrong> {
        if !(1..=MAX_LIST).contains(&all.get_ref().len()) {
            return self.wrong(all, "api_origins names 1 to 50 origins; leave it out to allow any");
        }
        let origin = |text: &String| match text.parse::<Origin>() {
            Ok(origin) if origin.scheme() == Scheme::Https || origin.is_loopback() => Ok(origin.to_string()),
            _ => self
                .wrong(all, "api_origins are of the form https://api.example.com, or http to this machine"),
        };
        all.get_ref().iter().map(origin).collect()
    }
}

/// The line of a place in a text, from 1.
fn line_at(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}

/// What a parser says may repeat what a file holds.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
