//! A token from the environment: `ORKEE_CLOUD_TOKEN`, or the file that `ORKEE_CLOUD_TOKEN_FILE` names.
//!
//! It is used as it is, for the API URL's origin alone; it is never written and never refreshed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::error::AuthError;
use crate::net::Secret;

const MAX_BYTES: u64 = 16 << 10;

/// A token, and where it came from.
#[derive(Debug, Clone)]
pub struct EnvToken {
    variable: &'static str,
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
    pub fn new(value: Option<&str>, file: Option<&Path>) -> Result<Option<Self>, AuthError> {
        if let Some(token) = value.filter(|value| !value.is_empty()) {
            return Self::checked(Self::VARIABLE, token).map(Some);
        }
        let Some(path) = file.filter(|path| !path.as_os_str().is_empty()) else {
            return Ok(None);
        };
        let text = read(path).map_err(AuthError::EnvTokenFile)?;
        // A file of one line ends with a line break.
        let token =
            text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        Self::checked(Self::FILE_VARIABLE, token).map(Some)
    }

    /// A token that was handed in, to be tried before it is kept.
    pub fn given(text: &str) -> Result<Self, AuthError> {
        let token =
            check(text.trim_end_matches(['\n', '\r'])).map_err(|reason| AuthError::GivenToken { reason })?;
        Ok(Self { variable: Self::GIVEN, token })
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

    fn checked(variable: &'static str, token: &str) -> Result<Self, AuthError> {
        let token = check(token).map_err(|reason| AuthError::EnvToken { variable, reason })?;
        Ok(Self { variable, token })
    }
}

/// A token that a header can carry and nobody mistyped.
fn check(token: &str) -> Result<Secret, &'static str> {
    if token.is_empty() {
        return Err("it is empty");
    }
    if token.contains(['\n', '\r']) {
        return Err("it has a line break");
    }
    if token.contains(char::is_whitespace) {
        return Err("it has a space");
    }
    if !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("it has a character that no token has");
    }
    Ok(Secret::new(token))
}

fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    File::open(path)?.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a59_an_empty_token_is_none() {
        assert!(EnvToken::new(Some(""), Some(Path::new(""))).unwrap().is_none());
        assert!(EnvToken::new(None, None).unwrap().is_none());
    }

    #[test]
    fn a59_a_token_with_a_line_break_a_space_or_odd_bytes_is_refused_without_being_repeated() {
        for bad in ["canary\n", "can ary", "canary\u{e9}", " canary", "canary\r\nX: y", "canary\0"] {
            let error = EnvToken::new(Some(bad), None).unwrap_err();
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_file_of_one_line_is_a_token() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for text in ["orkee_abc", "orkee_abc\n", "orkee_abc\r\n"] {
            std::fs::write(&file, text).unwrap();
            let token = EnvToken::new(None, Some(file.path())).unwrap().unwrap();
            assert_eq!(token.token().expose(), "orkee_abc");
            assert_eq!(token.variable(), "ORKEE_CLOUD_TOKEN_FILE");
        }
        std::fs::write(&file, "one\ntwo\n").unwrap();
        assert!(EnvToken::new(None, Some(file.path())).is_err());
        assert!(EnvToken::new(None, Some(Path::new("/nowhere/at/all"))).is_err());
    }
}
