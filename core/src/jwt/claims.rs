//! What a verified token says, and the checks that everybody makes of it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::JwtError;

/// A subject is at most this long (OpenID Connect Core, 2).
const MAX_SUBJECT: usize = 255;

/// The claims of a token whose signature was checked.
#[derive(Clone, PartialEq)]
pub struct Claims {
    values: Map<String, Value>,
}

/// Whom a token has to be from and for, and when.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Exactly this `iss`.
    pub issuer: &'a str,
    /// This is among its `aud`.
    pub audience: &'a str,
    /// The time by the reader's clock.
    pub now: Timestamp,
    /// How far the issuer's clock may differ from it.
    pub leeway: SignedDuration,
}

impl Claims {
    pub(super) fn parse(payload: &[u8]) -> Result<Self, JwtError> {
        let values = serde_json::from_slice(payload)
            .map_err(|_| JwtError::Malformed("its claims are no JSON object"))?;
        Ok(Self { values })
    }

    /// A claim as it stands.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// A claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// Who it is about.
    pub fn subject(&self) -> Result<&str, JwtError> {
        let subject = self.text("sub").ok_or(JwtError::Missing("sub"))?;
        let good = (1..=MAX_SUBJECT).contains(&subject.len()) && !subject.contains(char::is_control);
        if good { Ok(subject) } else { Err(JwtError::Form("sub")) }
    }

    /// A claim that is a time in seconds, which may have a fraction.
    pub fn time(&self, name: &'static str) -> Result<Option<Timestamp>, JwtError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let seconds = value.as_f64().filter(|seconds| seconds.is_finite()).ok_or(JwtError::Form(name))?;
        let seconds = SignedDuration::try_from_secs_f64(seconds).map_err(|_| JwtError::Form(name))?;
        Timestamp::UNIX_EPOCH.checked_add(seconds).map(Some).map_err(|_| JwtError::Form(name))
    }

    /// What a claim names, whether it is one text or a list of them.
    pub fn texts(&self, name: &'static str) -> Result<Vec<&str>, JwtError> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(all)) => {
                all.iter().map(|value| value.as_str().ok_or(JwtError::Form(name))).collect()
            }
            Some(_) => Err(JwtError::Form(name)),
        }
    }

    /// `iss`, `aud`, `sub`, `exp`, `nbf` and `iat`: what every kind of token has to keep.
    pub fn check(&self, expected: &Expected<'_>) -> Result<(), JwtError> {
        if self.text("iss").ok_or(JwtError::Missing("iss"))? != expected.issuer {
            return Err(JwtError::Issuer);
        }
        let audiences = self.texts("aud")?;
        if audiences.is_empty() {
            return Err(JwtError::Missing("aud"));
        }
        if !audiences.contains(&expected.audience) {
            return Err(JwtError::Audience("aud"));
        }
        self.subject()?;
        let expires = self.time("exp")?.ok_or(JwtError::Missing("exp"))?;
        if expected.now.duration_since(expires) >= expected.leeway {
            return Err(JwtError::Expired);
        }
        for name in ["nbf", "iat"] {
            if self.time(name)?.is_some_and(|at| at.duration_since(expected.now) > expected.leeway) {
                return Err(JwtError::Early(name));
            }
        }
        Ok(())
    }

    /// What an ID token for `client` has to keep beyond that (OpenID Connect Core, 3.1.3.7): `iat`, and `azp` where it is named
    /// beside others.
    pub fn check_id_token(&self, client: &str) -> Result<(), JwtError> {
        self.time("iat")?.ok_or(JwtError::Missing("iat"))?;
        match self.get("azp") {
            Some(Value::String(party)) if party == client => Ok(()),
            Some(_) => Err(JwtError::Audience("azp")),
            None if self.texts("aud")?.len() > 1 => Err(JwtError::Missing("azp")),
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for Claims {
    /// Names alone: the values are somebody's.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.values.keys()).finish()
    }
}
