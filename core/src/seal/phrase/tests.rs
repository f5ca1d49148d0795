use super::*;

/// The test vector of BIP39's own list for 256 bits of zeros.
const ZEROS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
abandon abandon abandon abandon abandon abandon abandon abandon abandon art";

fn error(text: &str) -> PhraseError {
    text.parse::<Phrase>().unwrap_err()
}

fn replaced(position: usize, word: &str) -> String {
    let mut words: Vec<&str> = ZEROS.split(' ').collect();
    words[position - 1] = word;
    words.join(" ")
}

#[test]
fn k09_a_phrase_survives_being_typed_in_any_case_and_with_any_blanks() {
    for _ in 0..50 {
        let phrase = Phrase::generate();
        assert_eq!(phrase.reveal().parse::<Phrase>().unwrap(), phrase);
        let shouted = phrase.reveal().to_uppercase().replace(' ', "\u{a0}\n \t");
        assert_eq!(shouted.parse::<Phrase>().unwrap(), phrase);
    }
    assert_eq!(*Phrase::from_bytes([0; 32]).reveal(), ZEROS);
    assert_eq!(*ZEROS.parse::<Phrase>().unwrap().expose(), [0; 32]);
    assert_eq!(format!("{:?}", Phrase::generate()), "Phrase(..)");
}

#[test]
fn k09_a_typo_is_said_by_its_position_with_the_word_that_it_may_have_been() {
    for (position, typed, near) in [
        (1, "abandn", Some("abandon")),
        (7, "zooo", Some("zoo")),
        (24, "artt", Some("art")),
        (12, "abandoned", Some("abandon")),
        (3, "qqqqqqqq", None),
    ] {
        let wanted = PhraseError::UnknownWord { position, word: typed.to_owned(), near };
        assert_eq!(error(&replaced(position, typed)), wanted);
    }
    let said = error(&replaced(7, "zooo")).to_string();
    assert_eq!(said, "word 7 of the recovery phrase, `zooo`, is not one of the list; is it `zoo`?");
    // The first of several.
    assert!(matches!(
        error(&replaced(2, "x").replace("art", "y")),
        PhraseError::UnknownWord { position: 2, .. }
    ));
    // Nothing of what was typed can steer a terminal.
    let PhraseError::UnknownWord { word, .. } =
        error(&replaced(2, &format!("\u{1b}[31m{}", "a".repeat(500))))
    else {
        panic!()
    };
    assert!(word.len() <= 30 && !word.contains('\u{1b}'), "{word}");
}

#[test]
fn k09_words_of_the_list_that_are_no_phrase_are_told_by_their_checksum() {
    assert_eq!(error(&replaced(24, "zoo")), PhraseError::Checksum);
    let phrase = Phrase::generate();
    let mut words = phrase.words();
    words.swap(3, 17);
    // One of 256 wrong phrases passes the checksum; it is another phrase then.
    match words.join(" ").parse::<Phrase>() {
        Err(error) => assert_eq!(error, PhraseError::Checksum),
        Ok(other) => assert!(other != phrase || words[3] == words[17]),
    }
}

#[test]
fn k09_a_phrase_of_another_length_is_counted() {
    assert_eq!(error(""), PhraseError::Count(0));
    assert_eq!(error("abandon"), PhraseError::Count(1));
    assert_eq!(error(&ZEROS[8..]), PhraseError::Count(23));
    assert_eq!(error(&format!("{ZEROS} art")), PhraseError::Count(25));
    assert!(matches!(error(&"art ".repeat(1_000_000)), PhraseError::Count(_)));
    assert!(matches!(error(&"é".repeat(1_000_000)), PhraseError::Count(1)));
}

#[test]
fn k10_a_phrase_of_another_languages_list_is_told_by_its_language() {
    for (language, text) in [
        ("Spanish", "ábaco abdomen abeja abierto abogado abono aborto abrazo abrir abuelo abuso acabar"),
        (
            "Spanish",
            "a\u{301}baco abdomen abeja abierto abogado abono aborto abrazo abrir abuelo abuso acabar",
        ),
        (
            "French",
            "abaisser abandon abdiquer abeille abolir aborder aboutir aboyer abrasif abreuver abriter abroger",
        ),
        (
            "Italian",
            "abaco abbaglio abbinato abete abisso abolire abrasivo abrogato accadere accenno accusato acetone",
        ),
        (
            "Czech",
            "abdikace abeceda adresa agrese akce aktovka alej alkohol amputace ananas andulka anekdota",
        ),
        (
            "Portuguese",
            "abacate abaixo abalar abater abduzir abelha aberto abismo abotoar abranger abreviar abrigar",
        ),
        (
            "Japanese",
            "あいこくしん あいさつ あいだ あおぞら あかちゃん あきる あけがた あける あこがれる あさい あさひ あしあと",
        ),
        ("Japanese", "あいこくしん\u{3000}あいさつ\u{3000}あいた\u{3099}\u{3000}あおぞら"),
        ("Korean", "가격 가끔 가난 가능 가득 가르침 가뭄 가방 가상 가슴 가운데 가을"),
        ("Chinese", "的 一 是 在 不 了 有 和 人 这 中 大 为 上 个 国 我 以 要 他 时 来 用 们"),
        ("Chinese", "的 一 是 在 不 了 有 和 人 這 中 大 為 上 個 國 我 以 要 他 時 來 用 們"),
    ] {
        assert_eq!(error(text), PhraseError::OtherLanguage { language }, "{text}");
    }
}

#[test]
fn k10_english_words_with_typos_are_not_taken_for_another_language() {
    for _ in 0..200 {
        let phrase = Phrase::generate();
        let typed: Vec<String> = phrase.words().iter().map(|word| format!("{word}x")).collect();
        assert!(matches!(error(&typed.join(" ")), PhraseError::UnknownWord { position: 1, .. }));
    }
    assert!(WORDS.is_sorted() && WORDS.len() == 2048);
}

proptest::proptest! {
    #[test]
    fn k09_no_text_makes_reading_a_phrase_fail(text in "\\PC*", times in 1usize..30) {
        assert!(format!("{text} ").repeat(times).parse::<Phrase>().is_err());
    }
}
