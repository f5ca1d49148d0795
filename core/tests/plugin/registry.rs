//! Installed components: which bytes run under which grant.

use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;
use orkee_core::diagnostic::Diagnostic;
use orkee_core::home::Home;
use orkee_core::net::{ApiUrl, LOGIN};
use orkee_core::plugin::{
    Attach, Candidate, Change, Code, Host, HostPattern, Network, Registry, RegistryError, Verdict, pack,
};
use tempfile::TempDir;

use crate::guests;

struct Place {
    _folder: TempDir,
    home: Home,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home")).unwrap();
        Self { _folder: folder, home }
    }

    /// A host with the compiled code of this place.
    fn host(&self) -> Host {
        Host::new(Some(self.home.cache())).unwrap()
    }

    fn registry(&self) -> Registry {
        Registry::open(&self.home).unwrap()
    }

    /// Installs what a candidate asks for.
    fn install(&self, candidate: &Candidate) {
        candidate.compile(&self.host()).unwrap();
        let agreed = self.registry().assess(candidate).unwrap();
        Change::begin(&self.home).unwrap().install(candidate, &agreed, Timestamp::now()).unwrap();
    }

    /// The file of what is installed as `notes`.
    fn component(&self) -> PathBuf {
        let digest = self.registry().expect("notes").unwrap().current.sha256;
        self.home.plugins().join(format!("components/{digest}.wasm"))
    }

    fn load(&self) -> Result<Code, RegistryError> {
        self.registry().load(&self.host(), "notes").map(|plugin| plugin.code().clone())
    }
}

fn packed(component: &[u8], version: &str, more: &str) -> Vec<u8> {
    let manifest = format!("name = \"notes\"\nversion = \"{version}\"\n{more}");
    pack(component, &manifest, None).unwrap()
}

fn candidate(version: &str, more: &str) -> Candidate {
    Candidate::of(packed(guests::plain(), version, more), "notes.wasm", "notes.wasm").unwrap()
}

#[test]
fn p31_a_component_that_was_replaced_never_runs_under_the_old_grant() {
    let place = Place::new();
    place.install(&candidate("1", ""));
    let original = fs::read(place.component()).unwrap();
    assert_eq!(place.load().unwrap(), Code::Cached);
    for other in [packed(guests::rogue(), "1", ""), original[..original.len() - 1].to_vec(), Vec::new()] {
        fs::write(place.component(), &other).unwrap();
        // The code that was compiled from the right file is still there, and no other is looked at.
        assert_eq!(place.load().unwrap(), Code::Cached);
        fs::remove_dir_all(place.home.cache()).unwrap();
        let error = place.load().unwrap_err();
        assert!(matches!(error, RegistryError::Altered { .. }), "{error}");
        assert!(error.hint().unwrap().contains("provider install"));
        fs::write(place.component(), &original).unwrap();
        assert_eq!(place.load().unwrap(), Code::Compiled);
    }
    fs::remove_file(place.component()).unwrap();
    assert_eq!(place.load().unwrap(), Code::Cached);
    fs::remove_dir_all(place.home.cache()).unwrap();
    assert!(matches!(place.load(), Err(RegistryError::Missing { .. })));
}

#[test]
fn p41_a_digest_edited_by_hand_runs_nothing_that_is_not_of_it() {
    let place = Place::new();
    place.install(&candidate("1", ""));
    let digest = place.registry().expect("notes").unwrap().current.sha256.to_string();
    let path = Registry::grants_path(&place.home);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(&digest, &"0".repeat(64))).unwrap();
    assert!(matches!(place.load(), Err(RegistryError::Missing { .. })));
}

#[test]
fn p41_what_another_process_changed_meanwhile_is_not_what_was_agreed_to() {
    let place = Place::new();
    let (one, two, three) = (candidate("1", ""), candidate("2", ""), candidate("3", ""));
    place.install(&one);
    let agreed = place.registry().assess(&two).unwrap();
    place.install(&three);
    let late = Change::begin(&place.home).unwrap().install(&two, &agreed, Timestamp::now());
    assert!(matches!(late, Err(RegistryError::Overtaken(_))), "{late:?}");
    let before = place.registry().expect("notes").unwrap().clone();
    place.install(&two);
    let late = Change::begin(&place.home).unwrap().rollback(&before);
    assert!(matches!(late, Err(RegistryError::Overtaken(_))), "{late:?}");
    assert_eq!(place.registry().expect("notes").unwrap().current.granted.version, "2");
}

#[test]
fn p45_changes_beside_each_other_are_all_made() {
    let place = Place::new();
    place.install(&candidate("1", ""));
    std::thread::scope(|scope| {
        for n in 0..12 {
            let home = &place.home;
            scope.spawn(move || {
                let host = HostPattern::parse(&format!("https://h{n}.example"), Network::Public).unwrap();
                Change::begin(home).unwrap().grant("notes", vec![host]).unwrap();
            });
        }
    });
    assert_eq!(place.registry().expect("notes").unwrap().current.granted.hosts.len(), 12);
}

#[test]
fn p10_an_installed_provider_reaches_its_api_url_and_what_was_granted_and_nothing_else() {
    let place = Place::new();
    let api = ApiUrl::parse("https://api.example").unwrap();
    for (login, attach) in [
        ("", None),
        ("[login]\nkind = \"token\"", Some(Attach::Bearer)),
        ("[login]\nkind = \"oauth\"", Some(Attach::Bearer)),
        ("[login]\nkind = \"password\"", Some(Attach::Basic)),
    ] {
        place.install(&candidate("1", &format!("hosts = [\"https://a.example\"]\n{login}")));
        let registry = place.registry();
        let grants = registry.expect("notes").unwrap().grants(&api);
        for (origin, allowed) in
            [("https://api.example", true), ("https://a.example", true), ("https://b.example", false)]
        {
            let verdict = grants.hosts.check(&origin.parse().unwrap());
            assert_eq!(matches!(verdict, Verdict::Allowed(_)), allowed, "{origin}");
        }
        let credential = grants.credentials.get(LOGIN);
        assert_eq!(credential.map(|c| &c.attach), attach.as_ref(), "{login}");
        assert!(credential.is_none_or(|c| c.audience == *api.origin()));
    }
}

#[test]
fn p41_a_source_that_cannot_be_written_down_is_refused() {
    let from = |source: &str| Candidate::of(packed(guests::plain(), "1", ""), source, "notes.wasm");
    assert_eq!(from(&"x".repeat(4096)).unwrap().source().len(), 4096);
    let error = from(&"x".repeat(4097)).unwrap_err();
    assert!(matches!(error, RegistryError::Source(_)), "{error}");
}
