//! The recovery phrase: 24 words (BIP39, English list), which hold 256 random bits and eight of a checksum.
//!
//! A phrase is written down by hand and typed in a bad moment, so what is wrong with one is said as exactly as it can be: which word,
//! what it may have been, or that the words are those of another language's list.

mod language;

use std::str::FromStr;
use std::sync::LazyLock;

use ring::digest::{SHA256, digest};
use thiserror::Error;
use zeroize::Zeroizing;

use super::RecipientSecret;
use super::secret::secret;
use crate::diagnostic::{Diagnostic, Kind};

/// The words, in the order of their numbers, which is that of the alphabet.
static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| include_str!("english.txt").lines().collect());

/// How many words a phrase has.
pub const PHRASE_WORDS: usize = 24;

/// No phrase that somebody types is longer.
const MAX_TEXT: usize = 4096;

secret!(
    /// A recovery phrase. It is wiped when it is dropped, and printed only by who asks for it by name.
    Phrase
);

impl Phrase {
    /// Its words.
    pub fn words(&self) -> [&'static str; PHRASE_WORDS] {
        let mut bits = Zeroizing::new([0u8; 33]);
        bits[..32].copy_from_slice(self.0.as_slice());
        bits[32] = checksum(&self.0);
        std::array::from_fn(|n| WORDS[number(&bits, n)])
    }

    /// Its words in one line, to be shown to who made the account, once.
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(self.words().join(" "))
    }

    /// The recipient whose secret it is.
    pub fn recipient(&self) -> RecipientSecret {
        RecipientSecret::derived(b"orkee recovery phrase", self.0.as_slice())
    }
}

/// The number of the `n`th word: eleven bits.
fn number(bits: &[u8; 33], n: usize) -> usize {
    (n * 11..(n + 1) * 11)
        .fold(0, |number, bit| number << 1 | usize::from(bits[bit / 8] >> (7 - bit % 8) & 1))
}

fn checksum(bytes: &[u8; 32]) -> u8 {
    digest(&SHA256, bytes).as_ref()[0]
}

/// What is wrong with a phrase.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PhraseError {
    /// Not 24 words.
    #[error("a recovery phrase has {PHRASE_WORDS} words, this has {0}")]
    Count(usize),
    /// A word that no phrase has.
    #[error("word {position} of the recovery phrase, `{word}`, is not one of the list{}", or_near(*near))]
    UnknownWord {
        /// Counted from 1.
        position: usize,
        /// As it was typed, in lower case.
        word: String,
        /// The word of the list that looks most like it.
        near: Option<&'static str>,
    },
    /// A phrase of another list.
    #[error("these are words of the {language} list, and Orkee's recovery phrases are in English")]
    OtherLanguage {
        /// Its English name.
        language: &'static str,
    },
    /// All words are of the list, but they are not a phrase.
    #[error("the recovery phrase has a wrong word, or words in a wrong order: its checksum does not fit")]
    Checksum,
}

fn or_near(near: Option<&str>) -> String {
    near.map(|word| format!("; is it `{word}`?")).unwrap_or_default()
}

impl Diagnostic for PhraseError {
    fn code(&self) -> &'static str {
        "E-KEY-013"
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::OtherLanguage { .. } => {
                "this is the phrase of another program; `orkee cloud key init` showed one in English"
                    .to_owned()
            }
            _ => format!(
                "type the {PHRASE_WORDS} words that `orkee cloud key init` showed, in their order, with blanks between them"
            ),
        })
    }
}

impl FromStr for Phrase {
    type Err = PhraseError;

    fn from_str(text: &str) -> Result<Self, PhraseError> {
        let words = typed(text);
        let known: Vec<Option<usize>> =
            words.iter().map(|word| WORDS.binary_search(&word.as_str()).ok()).collect();
        // Some words are in two lists: one of another language leaves most of the words unknown here.
        if known.iter().filter(|number| number.is_none()).count() * 2 > words.len()
            && let Some(language) = language::of(&words)
        {
            return Err(PhraseError::OtherLanguage { language });
        }
        if words.len() != PHRASE_WORDS {
            return Err(PhraseError::Count(words.len()));
        }
        let mut bits = Zeroizing::new([0u8; 33]);
        for (n, number) in known.iter().enumerate() {
            let Some(number) = number else { return Err(unknown(n, &words[n])) };
            for bit in (0..11).filter(|bit| number >> (10 - bit) & 1 == 1) {
                bits[(n * 11 + bit) / 8] |= 0x80 >> ((n * 11 + bit) % 8);
            }
        }
        let mut bytes = Zeroizing::new([0; 32]);
        bytes.copy_from_slice(&bits[..32]);
        if checksum(&bytes) != bits[32] {
            return Err(PhraseError::Checksum);
        }
        Ok(Self(bytes))
    }
}

/// The words that were typed, in lower case.
fn typed(text: &str) -> Vec<Zeroizing<String>> {
    let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= MAX_TEXT).last().unwrap_or(0);
    let text = if text.len() > MAX_TEXT { &text[..end] } else { text };
    text.split_whitespace().map(|word| Zeroizing::new(word.to_lowercase())).collect()
}

fn unknown(n: usize, word: &str) -> PhraseError {
    // A word is told by its first four letters, which is what people get right.
    let head: String = word.chars().take(4).collect();
    let same_head = WORDS.iter().find(|other| head.chars().count() == 4 && other.starts_with(&head));
    let alike = WORDS.iter().map(|other| (strsim::damerau_levenshtein(word, other), *other)).min();
    let near = alike.filter(|(distance, _)| *distance <= 2).map(|(_, other)| other).or(same_head.copied());
    let word = word.chars().filter(|c| !c.is_control()).take(30).collect();
    PhraseError::UnknownWord { position: n + 1, word, near }
}

#[cfg(test)]
mod tests;
