use super::*;
use crate::seal::Phrase;
use crate::seal::passphrase::Params;

fn made() -> Made {
    Made { at: "2026-01-02T03:04:05.000Z".to_owned(), device: "laptop".to_owned() }
}

struct Account {
    document: Document,
    epochs: Epochs,
    phrase: Phrase,
    laptop: RecipientSecret,
}

const AT: &str = "2026-01-02T03:04:05.000Z";

fn account() -> Account {
    let (epochs, phrase, laptop) = (Epochs::generate(), Phrase::generate(), RecipientSecret::generate());
    let recipients = vec![
        Recipient::recovery(&epochs, &phrase, AT),
        Recipient::device(&epochs, &laptop, "laptop", Some("dev_1"), AT),
    ];
    let document = Document::new("personal", made(), recipients, &epochs).unwrap();
    Account { document, epochs, phrase, laptop }
}

fn travelled(document: &Document) -> Document {
    let arrived = Document::parse(document.bytes()).unwrap();
    assert_eq!(&arrived, document);
    arrived
}

#[test]
fn k05_a_phrase_a_passphrase_and_a_device_each_open_all_epochs() {
    let Account { document, epochs, phrase, laptop } = account();
    let stretched = Params::least().stretch("correct horse").unwrap();
    let document = document.with_recipient(&epochs, Recipient::passphrase(&epochs, &stretched, AT)).unwrap();
    let (document, epochs) = document.next_epoch(&epochs).unwrap();
    let (document, epochs) = document.next_epoch(&epochs).unwrap();
    let arrived = travelled(&document);
    assert_eq!((arrived.epoch(), arrived.number(), arrived.seals(), arrived.floor()), (3, 1, true, 0));
    let stretched = arrived.recipients()[2].stretch.as_ref().unwrap().stretch("correct horse").unwrap();
    for secret in [phrase.recipient(), laptop, stretched.recipient()] {
        assert_eq!(arrived.open(&secret).unwrap(), epochs);
    }
    for secret in [Phrase::generate().recipient(), RecipientSecret::generate()] {
        assert_eq!(arrived.open(&secret), Err(DocumentError::NoRecipient));
    }
}

#[test]
fn k06_a_device_follows_over_any_number_of_epochs_and_only_forwards() {
    let Account { document, epochs: first, laptop, .. } = account();
    let (second, two) = document.next_epoch(&first).unwrap();
    let (third, three) = second.with_floor(&two, 2).unwrap().next_epoch(&two).unwrap();
    assert_eq!(travelled(&second).follow(&first, Some(&laptop)).unwrap(), two);
    assert_eq!(travelled(&third).follow(&first, Some(&laptop)).unwrap(), three);
    assert_eq!(third.follow(&three, None).unwrap(), three);
    let behind = DocumentError::EpochBehind { ours: 3, theirs: 1 };
    assert_eq!(document.follow(&three, Some(&laptop)), Err(behind));
    let plain = travelled(&third.unsealed(&three).unwrap());
    assert_eq!(plain.follow(&first, Some(&laptop)).unwrap(), three);
    assert_eq!((plain.seals(), plain.floor()), (false, 0));
    let again = travelled(&plain).sealed_again(&three).unwrap();
    assert!(again.seals() && again.number() > plain.number());
    assert!(third.is_laxer_than(&plain) && plain.is_laxer_than(&again) && !again.is_laxer_than(&third));
}

#[test]
fn k06_a_device_that_was_taken_away_is_shut_out_by_the_next_epoch() {
    let Account { document, epochs, phrase, laptop } = account();
    let id = document.recipients()[1].id.clone();
    let (after, next) = document.without(&epochs, &id).unwrap().next_epoch(&epochs).unwrap();
    assert_eq!(travelled(&after).follow(&epochs, Some(&laptop)), Err(DocumentError::NoRecipient));
    assert_eq!(after.open(&laptop), Err(DocumentError::NoRecipient));
    assert_eq!(after.open(&phrase.recipient()).unwrap(), next);
}

#[test]
fn k07_a_document_made_up_by_somebody_without_the_key_is_believed_by_nobody() {
    let Account { document, epochs, phrase, laptop } = account();
    // A server knows every public key and every name; its own key it can wrap for all of them.
    let theirs = Epochs::from_keys(epochs.id(), vec![AccountKey::generate()]).unwrap();
    let wrapped: Vec<_> = document.body.recipients.iter().map(|r| r.wrapped_anew(&theirs).unwrap()).collect();
    let forged = Document::new("personal", made(), wrapped.clone(), &theirs).unwrap();
    assert_eq!(forged.open(&phrase.recipient()), Err(DocumentError::Changed));
    assert_eq!(forged.open(&laptop), Err(DocumentError::Changed));
    assert_eq!(forged.follow(&epochs, Some(&laptop)), Err(DocumentError::Changed));
    // Nor does a later epoch help, one away or more.
    for keys in [2, 3] {
        let theirs =
            Epochs::from_keys(epochs.id(), (0..keys).map(|_| AccountKey::generate()).collect()).unwrap();
        let wrapped = document.body.recipients.iter().map(|r| r.wrapped_anew(&theirs).unwrap()).collect();
        let forged = Document::new("personal", made(), wrapped, &theirs).unwrap();
        assert_eq!(travelled(&forged).follow(&epochs, Some(&laptop)), Err(DocumentError::Changed));
        assert_eq!(forged.open(&phrase.recipient()), Err(DocumentError::Changed));
    }
}

#[test]
fn k07_another_accounts_document_is_named() {
    let (ours, theirs) = (account(), account());
    let wanted = DocumentError::OtherKey { ours: ours.epochs.id(), theirs: theirs.epochs.id() };
    assert_eq!(theirs.document.follow(&ours.epochs, Some(&ours.laptop)), Err(wanted.clone()));
    assert_eq!(theirs.document.unsealed(&ours.epochs), Err(wanted));
}

#[test]
fn k08_a_flipped_bit_anywhere_is_seen_and_no_bytes_make_the_reader_fail() {
    let Account { document, epochs, phrase, laptop } = account();
    let (document, next) = document.next_epoch(&epochs).unwrap();
    let bytes = document.bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << (at % 8);
        let Ok(arrived) = Document::parse(&changed) else { continue };
        assert!(arrived.open(&phrase.recipient()).is_err(), "byte {at}");
        assert!(arrived.follow(&next, None).is_err(), "byte {at}");
        assert!(arrived.follow(&epochs, Some(&laptop)).is_err(), "byte {at}");
    }
    for end in 0..bytes.len() {
        assert!(Document::parse(&bytes[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn k08_a_document_of_a_newer_form_or_beyond_its_bounds_is_refused() {
    let Account { document, epochs, .. } = account();
    let text = String::from_utf8(document.bytes().to_vec()).unwrap();
    let error = |text: &str| Document::parse(text.as_bytes()).unwrap_err();
    assert_eq!(error(&text.replace("\"keys\":1", "\"keys\":2")), DocumentError::Format(2));
    assert_eq!(error("{\"keys\":7,\"all\":\"else\"}"), DocumentError::Format(7));
    assert_eq!(error(&"x".repeat(MAX_KEYS_BYTES + 1)), DocumentError::TooLarge);
    for (from, to) in [
        ("\"floor\":0", "\"floor\":2"),
        ("\"epoch\":1", "\"epoch\":0"),
        ("\"epoch\":1", "\"epoch\":1001"),
        ("\"number\":1", "\"number\":0"),
        ("\"floor\":0", "\"floor\":0,\"sealings\":1"),
        ("\"device\":\"laptop\"", "\"device\":\"\\u001b\""),
        ("\"id\":\"recovery\"", "\"id\":\"\""),
        ("\"kind\":\"recovery\"", "\"kind\":\"passphrase\""),
        ("\"kind\":\"recovery\"", "\"kind\":\"friend\""),
        ("\"added\"", "\"mood\":1,\"added\""),
    ] {
        assert!(text.contains(from), "{from}");
        assert!(matches!(error(&text.replacen(from, to, 1)), DocumentError::Form(_)), "{to}");
    }
    let mut full = document;
    for _ in full.recipients().len()..MAX_RECIPIENTS {
        let device =
            Recipient::device(&epochs, &RecipientSecret::generate(), &"\u{1F980}".repeat(300), Some("x"), AT);
        full = full.with_recipient(&epochs, device).unwrap();
    }
    let one = Recipient::device(&epochs, &RecipientSecret::generate(), "one", None, AT);
    assert_eq!(full.with_recipient(&epochs, one), Err(DocumentError::Full));
    // With all epochs, too, it is within the size that it may have.
    let many =
        Epochs::from_keys(epochs.id(), (0..MAX_EPOCHS).map(|_| AccountKey::generate()).collect()).unwrap();
    let recipients = full.recipients().iter().map(|r| r.wrapped_anew(&many).unwrap()).collect();
    let largest = Document::new("personal", made(), recipients, &many).unwrap();
    assert!(travelled(&largest).bytes().len() > MAX_KEYS_BYTES / 4);
    assert_eq!(largest.next_epoch(&many).err(), Some(DocumentError::Full));
}

proptest::proptest! {
    #[test]
    fn k08_no_lines_make_the_reader_fail(head in ".*", body in ".*", tail in ".*") {
        let _ = Document::parse(format!("{head}\n{body}\n{tail}").as_bytes());
    }
}
