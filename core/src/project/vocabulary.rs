//! The words that fields of a project choose from.
//!
//! A word of a newer version is kept as `Other` and travels on; what a person types is checked against the known ones.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::check::{InvalidField, Rule};

macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident, $field:literal, $default:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
            /// A word that this version does not know.
            Other(Box<str>),
        }

        impl $name {
            /// The known words.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }

            /// The value that `word` stands for; `Other` where this version does not know it.
            pub fn from_word(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    _ => Self::Other(word.into()),
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::$default
            }
        }

        /// Takes the known words alone.
        impl FromStr for $name {
            type Err = InvalidField;

            fn from_str(word: &str) -> Result<Self, InvalidField> {
                match Self::from_word(word) {
                    Self::Other(_) => Err(InvalidField::new($field, Rule::NotOneOf(Self::WORDS))),
                    known => Ok(known),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::from_word(&std::borrow::Cow::<str>::deserialize(deserializer)?))
            }
        }
    };
}

vocabulary! {
    /// How far a project is.
    Status, "status", Planning {
        /// Not begun.
        Planning = "planning",
        /// In the making.
        Building = "building",
        /// Made, being looked at.
        Review = "review",
        /// In use.
        Launched = "launched",
        /// Stopped for now.
        OnHold = "on-hold",
        /// Over.
        Archived = "archived",
    }
}

vocabulary! {
    /// How much a project or a task matters.
    Priority, "priority", Medium {
        /// Less.
        Low = "low",
        /// As usual.
        Medium = "medium",
        /// More.
        High = "high",
    }
}

vocabulary! {
    /// Where a project's tasks come from.
    TaskSource, "taskSource", Manual {
        /// From the project itself.
        Manual = "manual",
        /// From Taskmaster's files in its folder.
        Taskmaster = "taskmaster",
    }
}

vocabulary! {
    /// How far a task is.
    TaskStatus, "manualTasks.status", Pending {
        /// To be done.
        Pending = "pending",
        /// Being done.
        InProgress = "in-progress",
        /// Done, being looked at.
        Review = "review",
        /// Done.
        Done = "done",
        /// Put off.
        Deferred = "deferred",
        /// Given up.
        Cancelled = "cancelled",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_newer_version_is_kept_but_cannot_be_typed() {
        let status: Status = serde_json::from_str("\"paused\"").unwrap();
        assert_eq!(serde_json::to_string(&status).unwrap(), "\"paused\"");
        let refused = "paused".parse::<Status>().unwrap_err();
        assert!(refused.to_string().contains("on-hold"), "{refused}");
        assert_eq!("on-hold".parse(), Ok(Status::OnHold));
    }
}
