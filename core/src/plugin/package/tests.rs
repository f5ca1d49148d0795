use super::*;

/// The smallest component: a header and nothing else.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";
const MANIFEST_TEXT: &str = "name = \"notes\"\nversion = \"1\"\n";
/// Made with `openssl genpkey -algorithm ed25519`.
const OPENSSL: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIGtk+JQ9r3i1k3teijmq/eTV5fLlE1d9HxjFAgYe4UtM
-----END PRIVATE KEY-----
";

fn signed() -> Vec<u8> {
    pack(EMPTY, MANIFEST_TEXT, Some(&PublisherKey::from_pem(OPENSSL).unwrap())).unwrap()
}

#[test]
fn p42_the_manifest_is_inside_the_component_and_one_digest_covers_both() {
    let packed = pack(EMPTY, MANIFEST_TEXT, None).unwrap();
    let package = Package::read(&packed).unwrap();
    assert_eq!((package.manifest.name.as_str(), package.signer), ("notes", None));
    let other = pack(EMPTY, &MANIFEST_TEXT.replace('1', "2"), None).unwrap();
    assert_ne!(Package::read(&other).unwrap().digest(), package.digest());
    assert_eq!(package.digest(), hex::encode(Sha256::digest(&packed)));
}

#[test]
fn p43_a_signature_covers_every_byte_of_the_file() {
    let signed = signed();
    let signer = Package::read(&signed).unwrap().signer.unwrap();
    assert_eq!(signer, PublisherKey::from_pem(OPENSSL).unwrap().public());
    assert_eq!(signer.to_string().parse::<PublicKey>().unwrap(), signer);
    for at in 0..signed.len() {
        let mut altered = signed.clone();
        altered[at] ^= 1;
        let read = Package::read(&altered);
        // A byte of the header is the loader's to refuse, and the signature covers it too.
        let genuine = read.is_ok_and(|package| package.signer == Some(signer));
        assert!(!genuine, "byte {at}");
    }
}

#[test]
fn p43_nothing_can_be_added_to_a_signed_file() {
    let longer = section::append(&signed(), "more", b"x");
    assert!(
        matches!(Package::read(&longer), Err(PackageError::Signature(why)) if why.contains("more behind"))
    );
    let twice = section::append(&signed(), SIGNATURE, &[1; 97]);
    assert!(matches!(Package::read(&twice), Err(PackageError::Twice(SIGNATURE))));
    let odd = section::append(&pack(EMPTY, MANIFEST_TEXT, None).unwrap(), SIGNATURE, &[2; 97]);
    assert!(
        matches!(Package::read(&odd), Err(PackageError::Signature(why)) if why.contains("does not know"))
    );
}

#[test]
fn what_is_no_package_is_refused_in_words_of_its_own() {
    let read = |bytes: &[u8]| Package::read(bytes).unwrap_err().to_string();
    assert_eq!(read(EMPTY), "the component has no manifest");
    let packed = pack(EMPTY, MANIFEST_TEXT, None).unwrap();
    for length in 9..packed.len() {
        assert_eq!(read(&packed[..length]), "the file is no whole component", "{length}");
    }
    let twice = section::append(&packed, MANIFEST, MANIFEST_TEXT.as_bytes());
    assert_eq!(read(&twice), "the component has several sections `orkee:manifest`");
    assert_eq!(read(&section::append(EMPTY, MANIFEST, b"\xff")), "the component's manifest is no UTF-8 text");
    assert!(matches!(pack(&packed, MANIFEST_TEXT, None), Err(PackageError::Twice(MANIFEST))));
    assert!(matches!(pack(EMPTY, "name = 1", None), Err(PackageError::Manifest(_))));
}

#[test]
fn a_key_is_made_and_read_and_what_is_none_is_refused() {
    let made = PublisherKey::generate().unwrap();
    let key = PublisherKey::from_pem(made.expose()).unwrap();
    let packed = pack(EMPTY, MANIFEST_TEXT, Some(&key)).unwrap();
    assert_eq!(Package::read(&packed).unwrap().signer, Some(key.public()));
    for pem in [
        "",
        "no",
        "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----",
        &OPENSSL.replace("MC4C", "MC4D"),
    ] {
        assert!(matches!(PublisherKey::from_pem(pem), Err(PackageError::Key(_))), "{pem}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(tail in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = Package::read(&[EMPTY, &tail].concat());
    }

    #[test]
    fn a_section_that_is_appended_is_found(name in "[a-z:]{0,200}", content in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let longer = section::append(EMPTY, &name, &content);
        let found = section::find(&longer, &name).unwrap();
        proptest::prop_assert_eq!(found.len(), 1);
        proptest::prop_assert_eq!(&longer[found[0].content.clone()], content.as_slice());
    }
}
