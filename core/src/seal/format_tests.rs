use super::*;
use orkee_wire::sealed::epoch;

const PROJECT: &[u8] =
    br#"{"id":"abcd1234","name":"A","description":"Add a login page with a session.","status":"planning"}"#;

fn place<'a>() -> Place<'a> {
    Place {
        key_id: KeyId::from_bytes([7; 16]),
        tenant: "personal",
        record: "abcd1234",
        ancestry: r#"{"w1":7}"#,
        device: "laptop",
        at: "2026-01-02T03:04:05.000Z",
        author: None,
        is_tombstone: false,
    }
}

fn key() -> AccountKey {
    AccountKey::from_bytes([9; 32])
}

fn opened(place: &Place<'_>, sealed: &[u8]) -> Result<(Vec<u8>, u32), SealError> {
    let key = key();
    open(|epoch| (epoch == 3).then_some(&key), place, sealed)
}

#[test]
fn k01_what_is_sealed_is_opened_at_its_place_and_padded_to_whole_steps() {
    let noise: Vec<u8> = (0..10_000).flat_map(|_| random::<1>()).collect();
    let large = vec![b'x'; MAX_PAYLOAD];
    for payload in [PROJECT, &b"x"[..], &noise, &large, &PROJECT.repeat(50)] {
        let sealed = seal(&key(), 3, &place(), payload).unwrap();
        assert_eq!(opened(&place(), &sealed).unwrap(), (payload.to_vec(), 3));
        assert_eq!((sealed.len() - HEAD_BYTES - TAG_BYTES) % 256, 0);
        assert_eq!((is_sealed(&sealed), epoch(&sealed)), (true, Some(3)));
        assert!(payload.len() < 8 || !sealed.windows(8).any(|w| w == &payload[..8]));
    }
    // A project that compresses badly still fits where one of the largest size fits plain.
    let worst: Vec<u8> = (0..MAX_PAYLOAD).flat_map(|_| random::<1>()).collect();
    let sealed = seal(&key(), 3, &place(), &worst).unwrap();
    assert!(sealed.len() <= MAX_SEALED && sealed.len() < 1 << 20);
    assert_eq!(opened(&place(), &sealed).unwrap().0, worst);
    assert_eq!(seal(&key(), 3, &place(), &vec![0; MAX_PAYLOAD + 1]), Err(SealError::TooLarge));
}

#[test]
fn k01_no_two_seals_of_the_same_payload_are_alike() {
    let (one, other) =
        (seal(&key(), 3, &place(), PROJECT).unwrap(), seal(&key(), 3, &place(), PROJECT).unwrap());
    assert_ne!(one[9..33], other[9..33]);
    assert_ne!(one[33..], other[33..]);
}

#[test]
fn k02_a_flipped_bit_anywhere_is_seen() {
    let sealed = seal(&key(), 3, &place(), PROJECT).unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let wanted = match bit / 8 {
            0..=3 => SealError::Plain,
            4 => SealError::Format(changed[4]),
            5..=8 => SealError::UnknownEpoch(epoch(&changed).unwrap()),
            _ => SealError::Changed,
        };
        assert_eq!(opened(&place(), &changed), Err(wanted), "bit {bit}");
    }
}

#[test]
fn k02_a_cut_anywhere_is_seen() {
    let sealed = seal(&key(), 3, &place(), PROJECT).unwrap();
    for end in 0..sealed.len() {
        assert_eq!(opened(&place(), &sealed[..end]), Err(SealError::Truncated), "cut at {end}");
    }
    assert_eq!(opened(&place(), &[&sealed[..], b"x"].concat()), Err(SealError::Truncated));
    // A cut of whole steps has a right size, and a wrong tag.
    let long =
        seal(&key(), 3, &place(), &PROJECT.iter().map(|_| random::<16>()).collect::<Vec<_>>().concat())
            .unwrap();
    assert_eq!(opened(&place(), &long[..long.len() - 256]), Err(SealError::Changed));
}

#[test]
fn k03_a_payload_is_opened_at_no_other_place() {
    let sealed = seal(&key(), 3, &place(), PROJECT).unwrap();
    let tombstone = Place { is_tombstone: true, ..place() };
    for other in [
        Place { key_id: KeyId::from_bytes([8; 16]), ..place() },
        Place { tenant: "company", ..place() },
        Place { record: "abcd1235", ..place() },
        Place { ancestry: r#"{"w1":8}"#, ..place() },
        Place { device: "laptoq", ..place() },
        Place { at: "2026-01-02T03:04:05.001Z", ..place() },
        Place { author: Some(""), ..place() },
        Place { author: Some("ann@example.org"), ..place() },
        tombstone,
    ] {
        assert_eq!(opened(&other, &sealed), Err(SealError::Changed), "{other:?}");
    }
    // Nor do two texts side by side give what two others give.
    let joined = Place { tenant: "personala", record: "bcd1234", ..place() };
    assert_eq!(opened(&joined, &sealed), Err(SealError::Changed));
    // The epoch is bound, not only written.
    let keys = key();
    let mut later = sealed;
    later[8] = 4;
    assert_eq!(open(|_| Some(&keys), &place(), &later), Err(SealError::Changed));
}

#[test]
fn k03_a_tombstone_cannot_be_made_up_or_moved() {
    let deleted = Place { is_tombstone: true, ..place() };
    let sealed = seal(&key(), 3, &deleted, b"").unwrap();
    assert_eq!(sealed.len(), HEAD_BYTES + TAG_BYTES);
    assert_eq!(opened(&deleted, &sealed).unwrap(), (Vec::new(), 3));
    assert_eq!(opened(&Place { record: "other123", ..deleted }, &sealed), Err(SealError::Changed));
    assert_eq!(opened(&Place { ancestry: r#"{"w1":8}"#, ..deleted }, &sealed), Err(SealError::Changed));
    assert_eq!(opened(&place(), &sealed), Err(SealError::Truncated));
    assert_eq!(opened(&deleted, &seal(&key(), 3, &place(), PROJECT).unwrap()), Err(SealError::Changed));
    assert_eq!(opened(&deleted, b""), Err(SealError::Truncated));
}

#[test]
fn k02_what_is_of_a_later_form_or_epoch_or_plain_is_told_apart() {
    let sealed = seal(&key(), 3, &place(), PROJECT).unwrap();
    let mut later = sealed.clone();
    later[4] = 2;
    assert_eq!(opened(&place(), &later), Err(SealError::Format(2)));
    assert_eq!(
        opened(&place(), &seal(&key(), 4, &place(), PROJECT).unwrap()),
        Err(SealError::UnknownEpoch(4))
    );
    assert_eq!(opened(&place(), PROJECT), Err(SealError::Plain));
    let huge = [&sealed[..], &vec![0; MAX_SEALED]].concat();
    assert_eq!(opened(&place(), &huge), Err(SealError::TooLarge));
    let other = AccountKey::generate();
    assert_eq!(open(|_| Some(&other), &place(), &sealed), Err(SealError::Changed));
}

proptest::proptest! {
    #[test]
    fn k02_no_bytes_make_opening_fail(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..700), headed: bool, is_tombstone: bool) {
        let sealed = if headed { [&MAGIC[..], &[FORMAT, 0, 0, 0, 3], &bytes].concat() } else { bytes };
        assert!(opened(&Place { is_tombstone, ..place() }, &sealed).is_err());
    }

    #[test]
    fn k01_any_payload_survives(payload in proptest::collection::vec(proptest::num::u8::ANY, 0..2000), epoch in 1u32.., ancestry in ".*") {
        let (key, place) = (key(), Place { ancestry: &ancestry, ..place() });
        let sealed = seal(&key, epoch, &place, &payload).unwrap();
        assert_eq!(open(|_| Some(&key), &place, &sealed).unwrap(), (payload, epoch));
    }
}
