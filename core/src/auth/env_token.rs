//! A token from the environment: `ORKEE_CLOUD_TOKEN`, or the file that `ORKEE_CLOUD_TOKEN_FILE` names.
//!
//! It is used as it is, for the API URL's origin alone; it is never written and never refreshed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::error::AuthError;
use super::method::Method;
use crate::net::Secret;

const MAX_BYTES: u64 = 16 << 10;

/// A token, and where it came from.
#[derive(Debug, Clone)]
pub struct EnvToken {
    variable: &'static str,
    method: Method,
    token: Secret,
}

impl EnvToken {
    /// The variable that holds a token.
    pub const VARIABLE: &'static str = "ORKEE_CLOUD_TOKEN";
    /// The variable that names a file with a token.
    pub const FILE_VARIABLE: &'static str = "ORKEE_CLOUD_TOKEN_FILE";

    /// The flag that reads a token from standard input.
    const GIVEN: &str = "--with-token";

    /// From the values of the two variables. An empty value counts as unset; the token itself wins over the file.
    pub fn new(method: Method, value: Option<&str>, file: Option<&Path>) -> Result<Option<Self>, AuthError> {
        if let Some(token) = value.filter(|value| !value.is_empty()) {
            return Self::checked(method, Self::VARIABLE, token).map(Some);
        }
        let Some(path) = file.filter(|path| !path.as_os_str().is_empty()) else {
            return Ok(None);
        };
        let text = read(path).map_err(AuthError::EnvTokenFile)?;
        // A file of one line ends with a line break.
        let token =
            text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        Self::checked(method, Self::FILE_VARIABLE, token).map(Some)
    }

    /// A token, or what stands in its place, that was handed in, to be tried before it is kept.
    pub fn given(method: Method, text: &str) -> Result<Self, AuthError> {
        let token = text.trim_end_matches(['\n', '\r']);
        method.check(token).map_err(|reason| AuthError::GivenToken { method, reason })?;
        Ok(Self { variable: Self::GIVEN, method, token: Secret::new(token) })
    }

    /// What it is.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The part of it that is no secret, such as the user name.
    pub fn holder(&self) -> Option<&str> {
        self.method.holder(self.token.expose())
    }

    /// The variable, or the flag, that it came from.
    pub fn variable(&self) -> &'static str {
        self.variable
    }

    /// Whether it was handed in, and not found in the environment.
    pub fn is_given(&self) -> bool {
        self.variable == Self::GIVEN
    }

    pub(super) fn token(&self) -> &Secret {
        &self.token
    }

    /// What it is called when a server at `host` refused it.
    pub(super) fn refused(&self, host: String) -> AuthError {
        match self.is_given() {
            true => AuthError::SecretRefused { host, what: self.method.describe(self.token.expose()) },
            false => AuthError::EnvTokenRefused { host, variable: self.variable },
        }
    }

    fn checked(method: Method, variable: &'static str, token: &str) -> Result<Self, AuthError> {
        method.check(token).map_err(|reason| AuthError::EnvToken { variable, reason })?;
        Ok(Self { variable, method, token: Secret::new(token) })
    }
}

fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too large for a token"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a59_an_empty_token_is_none() {
        assert!(EnvToken::new(Method::Oauth, Some(""), Some(Path::new(""))).unwrap().is_none());
        assert!(EnvToken::new(Method::Oauth, None, None).unwrap().is_none());
    }

    #[test]
    fn a59_a_token_with_a_line_break_a_space_or_odd_bytes_is_refused_without_being_repeated() {
        for bad in ["canary\n", "can ary", "canary\u{e9}", " canary", "canary\r\nX: y", "canary\0"] {
            let error = EnvToken::new(Method::Oauth, Some(bad), None).unwrap_err();
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_file_of_one_line_is_a_token() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for text in ["orkee_abc", "orkee_abc\n", "orkee_abc\r\n"] {
            std::fs::write(&file, text).unwrap();
            let token = EnvToken::new(Method::Oauth, None, Some(file.path())).unwrap().unwrap();
            assert_eq!(token.token().expose(), "orkee_abc");
            assert_eq!(token.variable(), "ORKEE_CLOUD_TOKEN_FILE");
        }
        std::fs::write(&file, "x".repeat(MAX_BYTES as usize + 1)).unwrap();
        assert!(EnvToken::new(Method::Oauth, None, Some(file.path())).is_err(), "not its beginning alone");
        std::fs::write(&file, "one\ntwo\n").unwrap();
        assert!(EnvToken::new(Method::Oauth, None, Some(file.path())).is_err());
        assert!(EnvToken::new(Method::Oauth, None, Some(Path::new("/nowhere/at/all"))).is_err());
    }
}
