//! The examples of an author of providers, with one whose build takes no time: it was built before.

use std::fs;
use std::thread;

use orkee_core::plugin::PublisherKey;
use orkee_tests::guests;

use super::person::{Person, have_typed_all};

/// Not typed, and why.
const REST: [(&str, &str); 1] = [(
    "orkee cloud provider test s3.wasm --backend http://127.0.0.1:5000 --option bucket=try --login-from-stdin < keys",
    "wants a server that stores objects: provider_test_backends",
)];

/// What the provider calls itself.
const NAME: &str = "practice";

/// A folder with a provider in it whose build copies what there is.
fn project(person: &Person, folder: &str) {
    let manifest =
        guests::manifest(NAME, "1", "[login]\nkind = \"token\"\n[options.bucket]\nabout = \"Where\"");
    fs::write(person.path(&format!("{folder}/built.wasm")), guests::practice()).unwrap();
    let build =
        "[build]\ncommand = [\"cp\", \"built.wasm\", \"provider.wasm\"]\noutput = \"provider.wasm\"\n";
    fs::write(person.path(&format!("{folder}/provider.toml")), format!("{manifest}{build}")).unwrap();
}

#[test]
fn s02_every_example_of_an_author_does_what_it_says() {
    // Two builds of one folder would be in each other's way.
    let (author, other) = (Person::new(), Person::new());
    for folder in ["acme-notes", "tested", "developed"] {
        project(&author, folder);
        project(&other, folder);
    }
    project(&author, "src/notes");
    fs::write(author.path("keys/acme.pem"), PublisherKey::generate().unwrap().expose()).unwrap();
    let inside = |folder: &str, example: &str| format!("cd {folder}; {example}");

    author.types("orkee cloud provider pack acme-notes", &[], "acme-notes/dist/practice.wasm");
    let signed = "orkee cloud provider pack . --key ~/keys/acme.pem --out acme-notes-1.0.0.wasm";
    author.types_as(signed, &inside("acme-notes", signed), &[], "acme-notes-1.0.0.wasm");
    fs::copy(author.path("acme-notes/acme-notes-1.0.0.wasm"), author.path("notes.wasm")).unwrap();
    // Each check waits for something now and then, so that they are quickest beside each other.
    let (one, dev) = (
        "orkee cloud provider test . --check two-writers",
        "orkee cloud provider dev . --option bucket=test",
    );
    let whole = "orkee cloud provider dev acme-notes";
    thread::scope(|scope| {
        scope.spawn(|| author.types("orkee cloud provider test notes.wasm", &[], "passes"));
        scope.spawn(|| author.types("orkee cloud provider test acme-notes", &[], "passes"));
        scope.spawn(|| author.types_as(one, &inside("tested", one), &[], "passes"));
        scope.spawn(|| other.types_until(whole, &format!("exec {whole}"), "checks passed"));
        scope.spawn(|| {
            author.types_until(
                dev,
                &inside("developed", &format!("exec {dev}")),
                "building, outside the sandbox",
            )
        });
    });
    let explained = "A mutation is compare-and-set";
    author.types("orkee cloud provider test --explain two-writers", &[], explained);
    author.ok("orkee cloud provider pack src/notes");
    author.types("orkee cloud provider install ~/src/notes --yes", &[], NAME);
    assert!(author.ok("orkee cloud provider list").contains(NAME));
    let of = ["provider dev", "provider test", "provider pack", "provider install ~/src/notes"];
    have_typed_all(&[&author, &other], &of, &REST);
}
