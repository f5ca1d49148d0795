use super::*;
use crate::net::Secret;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
const AT: i64 = 1_649_367_553;
const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

fn now() -> Timestamp {
    Timestamp::from_second(AT).unwrap()
}

fn key(secret: &str) -> VerifyingKey {
    VerifyingKey::parse("test", &Secret::new(secret)).unwrap()
}

fn received<'a>(signature: &'a str) -> Received<'a> {
    Received { id: ID, timestamp: "1649367553", signature }
}

fn signed(id: &str, timestamp: i64, body: &[u8]) -> String {
    let key = SigningKey::new("test", Algorithm::HmacSha256, &Secret::new(SECRET)).unwrap();
    sign(&key, id, timestamp, body)
}

/// The part that is to blame, and why.
fn fault(received: &Received<'_>, body: &[u8]) -> (Part, String) {
    let explanation = explain(&[key(SECRET)], received, body, now());
    assert!(explanation.signature.is_err());
    let fault = explanation.fault.unwrap();
    (fault.part, fault.why.to_string())
}

#[test]
fn w01_the_specifications_example_is_signed_and_verified() {
    assert_eq!(signed(ID, AT, BODY), SIGNATURE);
    assert_eq!(verify(&[key(SECRET)], &received(SIGNATURE), BODY, now()), Ok(()));
}

#[test]
fn w02_one_flipped_bit_of_body_id_or_time_is_found() {
    let keys = [key(SECRET)];
    for at in 0..BODY.len() {
        let mut body = BODY.to_vec();
        body[at] ^= 1;
        assert_eq!(verify(&keys, &received(SIGNATURE), &body, now()), Err(VerifyError::Mismatch));
    }
    for at in 0..ID.len() {
        let mut id = ID.as_bytes().to_vec();
        id[at] ^= 1;
        let id = String::from_utf8(id).unwrap();
        let changed = Received { id: &id, ..received(SIGNATURE) };
        assert_eq!(verify(&keys, &changed, BODY, now()), Err(VerifyError::Mismatch));
    }
    let later = Received { timestamp: "1649367554", ..received(SIGNATURE) };
    assert_eq!(verify(&keys, &later, BODY, now()), Err(VerifyError::Mismatch));
}

#[test]
fn w06_a_time_more_than_300_seconds_off_or_that_is_no_integer_is_refused() {
    let keys = [key(SECRET)];
    for (off, expected) in [
        (-301, Err(VerifyError::TooOld { seconds: 301 })),
        (301, Err(VerifyError::TooNew { seconds: 301 })),
        (-299, Ok(())),
        (299, Ok(())),
    ] {
        let signature = signed(ID, AT + off, BODY);
        let timestamp = (AT + off).to_string();
        let at = Received { timestamp: &timestamp, ..received(&signature) };
        assert_eq!(verify(&keys, &at, BODY, now()), expected, "{off}");
    }
    for wrong in ["", "1649367553.0", "1.649367553e9", "+1649367553", " 1649367553", "-1", "0x62", "now", "٣"]
    {
        let at = Received { timestamp: wrong, ..received(SIGNATURE) };
        assert_eq!(verify(&keys, &at, BODY, now()), Err(VerifyError::NoTime), "{wrong}");
    }
    let at = Received { timestamp: "9223372036854775807", ..received(SIGNATURE) };
    assert!(matches!(verify(&keys, &at, BODY, now()), Err(VerifyError::TooNew { .. })));
}

#[test]
fn w09_a_signature_of_an_unknown_version_beside_a_good_one_is_ignored() {
    let keys = [key(SECRET)];
    for header in [
        format!("v9,dG8gY29tZQ== {SIGNATURE}"),
        format!("{SIGNATURE} v9,dG8gY29tZQ=="),
        format!("v1,not-base64 nothing v1, {SIGNATURE}"),
    ] {
        assert_eq!(verify(&keys, &received(&header), BODY, now()), Ok(()), "{header}");
    }
    let alone = SIGNATURE.replace("v1,", "v9,");
    assert_eq!(verify(&keys, &received(&alone), BODY, now()), Err(VerifyError::NoSignature));
}

#[test]
fn while_a_secret_is_rotated_the_old_and_the_new_one_both_verify() {
    let new = "whsec_bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3";
    let by_new = SigningKey::new("new", Algorithm::HmacSha256, &Secret::new(new)).unwrap();
    let both = format!("{} {SIGNATURE}", sign(&by_new, ID, AT, BODY));
    for secret in [SECRET, new] {
        assert_eq!(verify(&[key(secret)], &received(&both), BODY, now()), Ok(()));
    }
    assert_eq!(verify(&[key(new)], &received(SIGNATURE), BODY, now()), Err(VerifyError::Mismatch));
    assert_eq!(verify(&[key(new), key(SECRET)], &received(SIGNATURE), BODY, now()), Ok(()));
    assert_eq!(verify(&[], &received(SIGNATURE), BODY, now()), Err(VerifyError::NoSignature));
}

#[test]
fn an_ed25519_signature_is_checked_with_the_public_half() {
    let seed = format!("whsk_{}", BASE64_STANDARD.encode([7; 32]));
    let pair = SigningKey::new("own", Algorithm::Ed25519, &Secret::new(seed.as_str())).unwrap();
    let public = format!("whpk_{}", BASE64_STANDARD.encode(pair.public().unwrap()));
    let signature = sign(&pair, ID, AT, BODY);
    assert!(signature.starts_with("v1a,"), "{signature}");
    for secret in [&seed, &public] {
        assert_eq!(verify(&[key(secret)], &received(&signature), BODY, now()), Ok(()));
        let changed = verify(&[key(secret)], &received(&signature), b"{}", now());
        assert_eq!(changed, Err(VerifyError::Mismatch));
    }
    assert_eq!(verify(&[key(SECRET)], &received(&signature), BODY, now()), Err(VerifyError::NoSignature));
}

#[test]
fn what_is_no_key_is_refused_and_not_repeated() {
    for wrong in ["", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_c2hvcnQ=", "whpk_c2hvcnQ=", "whsk_!!canary"]
    {
        let error = VerifyingKey::parse("test", &Secret::new(wrong)).unwrap_err();
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

#[test]
fn w40_the_part_that_was_spoiled_is_named() {
    let pretty = b"{\n  \"email\": \"test@example.com\",\n  \"username\": \"test_user\"\n}";
    for body in [[BODY, b"\n"].concat(), [b"\xef\xbb\xbf", BODY].concat(), pretty.to_vec()] {
        let (part, why) = fault(&received(SIGNATURE), &body);
        assert_eq!(part, Part::Body, "{why}");
    }
    let id = fault(&Received { id: &ID[4..], ..received(SIGNATURE) }, BODY);
    assert_eq!(id, (Part::Id, "its `msg_` is missing".to_owned()));
    let time = fault(&Received { timestamp: "1649367553000", ..received(SIGNATURE) }, BODY);
    assert_eq!(time, (Part::Time, "it is in milliseconds, and was sent in seconds".to_owned()));
    let by_text = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &SECRET.as_bytes()[6..]);
    let by_text = ring::hmac::sign(&by_text, &message(ID, "1649367553", BODY));
    let (part, why) = fault(&received(&format!("v1,{}", BASE64_STANDARD.encode(by_text))), BODY);
    assert!(part == Part::Key && why.contains("text"), "{why}");
    let (part, _) = fault(&received(""), BODY);
    assert_eq!(part, Part::Signature);
}

#[test]
fn w40_what_cannot_be_told_apart_is_not_guessed() {
    let other = key("whsec_bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3");
    let unknown = Explanation { signature: Err(VerifyError::Mismatch), fault: None, time: Ok(()) };
    assert_eq!(explain(&[other], &received(SIGNATURE), BODY, now()), unknown);
    let right = Explanation { signature: Ok(()), ..unknown };
    assert_eq!(explain(&[key(SECRET)], &received(SIGNATURE), BODY, now()), right);
}

#[test]
fn w40_an_old_delivery_with_a_good_signature_is_only_old() {
    let later = Timestamp::from_second(AT + 3600).unwrap();
    let old = explain(&[key(SECRET)], &received(SIGNATURE), BODY, later);
    let time = Err(VerifyError::TooOld { seconds: 3600 });
    assert_eq!(old, Explanation { signature: Ok(()), fault: None, time: time.clone() });
    let spoiled = explain(&[key(SECRET)], &received(SIGNATURE), &[BODY, b"\n"].concat(), later);
    assert_eq!((spoiled.fault.unwrap().part, spoiled.time), (Part::Body, time));
}
