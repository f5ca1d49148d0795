//! Whose list the words of a phrase are from, if not the English one: told by their script, or by how many are of a list.

use zeroize::Zeroizing;

/// Of each list, 2,048 numbers of two bytes in their order, that of a word being [`number`]. `tests/vectors/languages.py` writes it.
static LISTS: &[u8] = include_bytes!("languages.bin");

const LANGUAGES: [&str; 5] = ["Czech", "French", "Italian", "Portuguese", "Spanish"];
const LIST_BYTES: usize = 2 * 2048;

/// The language of the list that nearly all words are of.
pub(super) fn of(words: &[Zeroizing<String>]) -> Option<&'static str> {
    if words.len() < 3 {
        return None;
    }
    // One word in forty is of a list by chance, and some words are in several lists.
    let enough = (words.len() * 3).div_ceil(4);
    script(words, enough).or_else(|| {
        let count = |list: &[u8]| words.iter().filter(|word| contains(list, number(word))).count();
        let counts = LISTS.chunks_exact(LIST_BYTES).map(count).zip(LANGUAGES);
        counts
            .max_by_key(|(count, _)| *count)
            .filter(|(count, _)| *count >= enough)
            .map(|(_, language)| language)
    })
}

fn script(words: &[Zeroizing<String>], enough: usize) -> Option<&'static str> {
    let in_script = |ranges: &[std::ops::RangeInclusive<char>]| {
        let is_in =
            |word: &&Zeroizing<String>| word.chars().all(|c| ranges.iter().any(|range| range.contains(&c)));
        words.iter().filter(is_in).count() >= enough
    };
    // With the marks that stand alone where a text is decomposed.
    if in_script(&['\u{3041}'..='\u{3096}', '\u{3099}'..='\u{309C}', '\u{30A1}'..='\u{30FC}']) {
        return Some("Japanese");
    }
    if in_script(&['\u{1100}'..='\u{11FF}', '\u{3131}'..='\u{318E}', '\u{AC00}'..='\u{D7A3}']) {
        return Some("Korean");
    }
    in_script(&['\u{4E00}'..='\u{9FFF}']).then_some("Chinese")
}

fn contains(list: &[u8], number: u16) -> bool {
    let (numbers, _) = list.as_chunks::<2>();
    numbers.binary_search_by_key(&number, |bytes| u16::from_be_bytes(*bytes)).is_ok()
}

/// A word's number: the upper half of FNV-1a over its letters, without accents.
fn number(word: &str) -> u16 {
    let mut hash: u32 = 0x811C_9DC5;
    for c in word.chars().filter_map(letter) {
        hash = (hash ^ u32::from(c)).wrapping_mul(0x0100_0193);
    }
    (hash >> 16) as u16
}

/// A letter as it is without an accent, so that both ways to write one are the same word. None for an accent by itself.
fn letter(c: char) -> Option<char> {
    Some(match c {
        '\u{0300}'..='\u{036F}' => return None,
        'à' | 'á' | 'â' | 'ä' | 'ã' => 'a',
        'ç' | 'č' => 'c',
        'è' | 'é' | 'ê' | 'ë' | 'ě' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'ö' | 'õ' => 'o',
        'ù' | 'ú' | 'û' | 'ü' | 'ů' => 'u',
        other => other,
    })
}
