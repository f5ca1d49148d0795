//! What the secret of a sign-in is: how it is written, what of it may be shown, and whether a server can renew it.

use std::fmt;

/// The kind of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Tokens of an authorization server, which it renews.
    #[default]
    Oauth,
    /// A token that the person made elsewhere.
    Token,
    /// `USER:PASSWORD`.
    Password,
    /// `ID:SECRET`.
    AwsKeys,
}

impl Method {
    /// As the token file has it, and `cloud status --json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oauth => "oauth",
            Self::Token => "token",
            Self::Password => "password",
            Self::AwsKeys => "aws-keys",
        }
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        [Self::Oauth, Self::Token, Self::Password, Self::AwsKeys].into_iter().find(|m| m.as_str() == text)
    }

    /// How the secret is written, such as `USER:PASSWORD`.
    pub fn form(self) -> &'static str {
        match self {
            Self::Oauth | Self::Token => "TOKEN",
            Self::Password => "USER:PASSWORD",
            Self::AwsKeys => "ID:SECRET",
        }
    }

    /// Whether the secret is a bearer token, which a script may be given.
    pub fn is_token(self) -> bool {
        matches!(self, Self::Oauth | Self::Token)
    }

    /// What can be wrong with a secret of this kind, in words that do not repeat it.
    pub(super) fn check(self, secret: &str) -> Result<(), &'static str> {
        if secret.is_empty() {
            return Err("it is empty");
        }
        if secret.contains(['\n', '\r']) {
            return Err("it has a line break");
        }
        match self {
            Self::Oauth | Self::Token => token(secret),
            Self::Password => match secret.split_once(':') {
                None => Err("it is not of the form USER:PASSWORD"),
                Some(("", _)) => Err("the user name is empty"),
                Some((_, "")) => Err("the password is empty"),
                Some(_) if secret.chars().any(char::is_control) => Err("it has a control character"),
                Some(_) => Ok(()),
            },
            Self::AwsKeys => match secret.split_once(':') {
                None => Err("it is not of the form ID:SECRET"),
                Some(("", _)) => Err("the access key id is empty"),
                Some((_, "")) => Err("the secret is empty"),
                Some((id, _))
                    if !id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) =>
                {
                    Err("the access key id has a character that no id has")
                }
                Some((_, key)) => token(key),
            },
        }
    }

    /// The part of a secret that is none: the user name, the access key id.
    pub(super) fn holder(self, secret: &str) -> Option<&str> {
        match self {
            Self::Oauth | Self::Token => None,
            Self::Password | Self::AwsKeys => secret.split_once(':').map(|(holder, _)| holder),
        }
    }

    /// The secret in words that may be shown, such as `the password of alice`.
    pub(super) fn describe(self, secret: &str) -> String {
        match (self, self.holder(secret)) {
            (Self::Password, Some(user)) => format!("the password of {user}"),
            (Self::AwsKeys, Some(id)) => format!("the access key {id}"),
            _ => "the token".to_owned(),
        }
    }
}

/// In the words of a message, with an article.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Oauth | Self::Token => "a token",
            Self::Password => "a user name and password",
            Self::AwsKeys => "an access key",
        })
    }
}

/// A text that a header can carry and nobody mistyped.
fn token(text: &str) -> Result<(), &'static str> {
    if text.contains(char::is_whitespace) {
        return Err("it has a space");
    }
    match text.bytes().all(|b| b.is_ascii_graphic()) {
        true => Ok(()),
        false => Err("it has a character that no token has"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_checked_for_the_form_of_their_kind() {
        for (method, right) in [
            (Method::Token, "orkee_abc"),
            (Method::Password, "alice:correct horse: bättery"),
            (Method::AwsKeys, "AKIAEXAMPLE:wJalr/XUtn+FEMI="),
        ] {
            assert_eq!(method.check(right), Ok(()));
            assert_eq!(Method::from_text(method.as_str()), Some(method));
        }
        for (method, wrong) in [
            (Method::Token, ""),
            (Method::Token, "can ary"),
            (Method::Token, "can\u{e9}ary"),
            (Method::Password, "alice"),
            (Method::Password, ":canary"),
            (Method::Password, "alice:"),
            (Method::Password, "alice:can\nary"),
            (Method::Password, "alice:can\u{1b}ary"),
            (Method::AwsKeys, "AKIA"),
            (Method::AwsKeys, "AK IA:canary"),
            (Method::AwsKeys, "AKIA:"),
            (Method::AwsKeys, "AKIA:can ary"),
        ] {
            let why = method.check(wrong).unwrap_err();
            assert!(!why.contains("ary"), "{why}");
        }
    }

    #[test]
    fn what_is_shown_of_a_secret_is_not_secret() {
        assert_eq!(Method::Password.describe("alice:canary"), "the password of alice");
        assert_eq!(Method::AwsKeys.describe("AKIA:canary"), "the access key AKIA");
        for method in [Method::Token, Method::Oauth] {
            assert_eq!(method.describe("can:ary"), "the token");
            assert_eq!(method.holder("can:ary"), None);
        }
    }
}
