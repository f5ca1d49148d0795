//! Where a device stands: after a commit, within one, or in the middle of a full listing.

use orkee_provider_sdk::Failure;

use crate::place;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Position {
    /// Everything up to this commit is known, and so many records of the next one.
    Log { after: u64, taken: usize },
    /// Listing everything: what is known up to this commit is being fetched, the records up to this name are.
    Full { until: u64, name: String },
}

impl Position {
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        Self::read(text).ok_or_else(|| {
            Failure::Protocol("the position was not made by this provider; `orkee cloud sync --force` lists everything anew".to_owned())
        })
    }

    fn read(text: &str) -> Option<Self> {
        if let Some((until, name)) = text.split_once('/') {
            let known = name.is_empty() || place::id(name).is_some();
            return known.then(|| Some(Self::Full { until: number(until)?, name: name.to_owned() }))?;
        }
        match text.split_once('.') {
            Some((after, taken)) => {
                Some(Self::Log { after: number(after)?, taken: usize::try_from(number(taken)?).ok()? })
            }
            None => Some(Self::Log { after: number(text)?, taken: 0 }),
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Log { after, taken: 0 } => after.to_string(),
            Self::Log { after, taken } => format!("{after}.{taken}"),
            Self::Full { until, name } => format!("{until}/{name}"),
        }
    }
}

fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_was_written() {
        for position in [
            Position::Log { after: 0, taken: 0 },
            Position::Log { after: 17, taken: 3 },
            Position::Full { until: 5, name: String::new() },
            Position::Full { until: 5, name: "_aaaaaaaa".to_owned() },
        ] {
            assert_eq!(Position::parse(&position.text()).unwrap(), position);
        }
    }

    #[test]
    fn another_providers_position_is_an_error() {
        for text in ["", "x", "-1", "1.", ".1", "1.x", "/a", "1/../..", "99999999999999999999", "1/a b"] {
            assert!(matches!(Position::parse(text), Err(Failure::Protocol(_))), "{text}");
        }
    }
}
