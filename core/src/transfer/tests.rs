use std::fs;
use std::io::{self, Read};

use proptest::prelude::*;

use super::*;
use crate::diagnostic::{Diagnostic, Kind};
use crate::project::{Payload, Project, ProjectId};
use crate::store::{Filter, Options, Store, StoreError};

const FORMATS: [Format; 3] = [Format::Json, Format::Ndjson, Format::Toml];

fn store() -> Store {
    Options::default().device("laptop").in_memory().unwrap()
}

fn id(text: &str) -> ProjectId {
    text.parse().unwrap()
}

/// A store with a plain project and one that a newer version wrote.
fn filled() -> Store {
    let mut store = store();
    let mut plain = Project::new(id("bbbbbbbb"), "Shop \"One\"");
    plain.description = Some("two\nlines and a tab\t".to_owned());
    plain.tags = vec!["web".to_owned(), "ünï".to_owned()];
    store.add(plain).unwrap();
    let newer = r#"{"id":"aaaaaaaa","name":"Newer","status":"paused","manualTasks":[{"id":1,"title":"t","status":"done","weight":1.50}],
        "zeta":{"b":[1,2.5,null],"a":1e400},"when":"2026-01-01","big":123456789012345678901234567890,"$json":{"x":1},"nothing":null,
        "deep":[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]}"#;
    import(&mut store, newer.replace('\n', " ").as_bytes(), ImportOptions::default()).unwrap();
    store
}

fn all(store: &Store) -> Vec<String> {
    let mut found = Vec::new();
    store
        .list_json(&Filter::default(), |text| {
            found.push(text.to_owned());
            Ok::<_, StoreError>(())
        })
        .unwrap();
    found
}

fn exported(store: &Store, format: Format) -> String {
    let mut out = Vec::new();
    export(store, format, None, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn with(on_conflict: OnConflict) -> ImportOptions {
    ImportOptions { on_conflict, ..ImportOptions::default() }
}

fn refused(text: &str) -> TransferError {
    let mut store = filled();
    let before = all(&store);
    let error = import(&mut store, text.as_bytes(), with(OnConflict::Replace)).unwrap_err();
    assert_eq!(all(&store), before, "the store is as it was");
    assert_eq!(error.kind(), Kind::Usage);
    assert!(error.hint().is_some());
    error
}

#[test]
fn an_export_in_each_format_brings_back_every_field_and_gives_the_same_bytes_again() {
    let source = filled();
    for format in FORMATS {
        let text = exported(&source, format);
        let mut copy = store();
        let report = import(&mut copy, text.as_bytes(), ImportOptions::default()).unwrap();
        assert_eq!(report.count(|action| action == Action::Added), 2, "{text}");
        assert_eq!(all(&copy), all(&source), "{text}");
        assert_eq!(exported(&copy, format), text);
        let again = import(&mut copy, text.as_bytes(), with(OnConflict::Replace)).unwrap();
        assert_eq!(again.count(|action| action == Action::Unchanged), 2);
    }
}

#[test]
fn an_export_of_nothing_can_be_imported() {
    for format in FORMATS {
        let text = exported(&store(), format);
        let options = ImportOptions { format: Some(format), ..ImportOptions::default() };
        assert_eq!(import(&mut store(), text.as_bytes(), options).unwrap().entries, []);
    }
}

#[test]
fn an_export_is_sorted_by_id_and_carries_a_time_only_when_it_is_stamped() {
    let source = filled();
    let text = exported(&source, Format::Json);
    assert!(
        text.starts_with("{\n  \"version\": 1,\n  \"projects\": [\n    {\n      \"id\": \"aaaaaaaa\",\n"),
        "{text}"
    );
    let mut stamped = Vec::new();
    export(&source, Format::Json, Some("2026-01-02T03:04:05Z".parse().unwrap()), &mut stamped).unwrap();
    assert!(
        String::from_utf8(stamped.clone()).unwrap().contains("\"exportedAt\": \"2026-01-02T03:04:05.000Z\"")
    );
    for format in FORMATS {
        let mut stamped = Vec::new();
        export(&source, format, Some("2026-01-02T03:04:05Z".parse().unwrap()), &mut stamped).unwrap();
        assert_eq!(
            import(&mut store(), &stamped[..], ImportOptions::default()).unwrap().entries.len(),
            2,
            "{format:?}"
        );
    }
}

#[test]
fn the_older_file_with_projects_by_id_is_taken_whatever_the_order_of_its_keys() {
    let mut store = store();
    let older = r#"{"projects": {"abcd1234": {"name": "Old", "status": "active", "tags": null},
        "abcd1235": {"id": "abcd1235", "name": "Older", "mcpServers": {"files": true}}}, "version": "1.0.0"}"#;
    import(&mut store, older.as_bytes(), ImportOptions::default()).unwrap();
    let old = store.get(id("abcd1234")).unwrap().project();
    assert_eq!((old.name.as_str(), old.status.as_str()), ("Old", "building"));
    assert!(old.created_at.is_some() && old.updated_at.is_some());
    assert_eq!(store.get(id("abcd1235")).unwrap().project().mcp_servers.get("files"), Some(&true));
}

#[test]
fn a_project_that_is_there_already_is_skipped_replaced_merged_or_copied() {
    let file = r#"{"version":1,"projects":[{"id":"bbbbbbbb","name":"File","tags":["web","new"]}]}"#;
    let import_with = |on_conflict| {
        let mut store = filled();
        let report = import(&mut store, file.as_bytes(), with(on_conflict)).unwrap();
        (report.entries[0].clone(), store)
    };
    let (entry, skipped) = import_with(OnConflict::Skip);
    assert_eq!(entry.action, Action::Skipped);
    assert_eq!(all(&skipped), all(&filled_like(&skipped)));

    let (entry, replaced) = import_with(OnConflict::Replace);
    assert_eq!(entry.action, Action::Replaced);
    assert_eq!(replaced.get(id("bbbbbbbb")).unwrap().project().description, None);

    let (entry, merged) = import_with(OnConflict::Merge);
    assert_eq!(entry.action, Action::Merged);
    let project = merged.get(id("bbbbbbbb")).unwrap().project();
    assert_eq!(project.name, "File");
    assert!(project.description.is_some());
    assert_eq!(project.tags, ["web", "ünï", "new"]);

    let (entry, copied) = import_with(OnConflict::Copy);
    assert_eq!(entry.action, Action::Copied(id("bbbbbbbb")));
    assert_eq!(copied.get(entry.id).unwrap().project().name, "File");
    assert_eq!(copied.count().unwrap(), 3);
}

/// A store with what `store` holds.
fn filled_like(store: &Store) -> Store {
    let mut copy = self::store();
    import(&mut copy, exported(store, Format::Json).as_bytes(), ImportOptions::default()).unwrap();
    copy
}

#[test]
fn a_dry_run_reports_the_same_and_changes_nothing() {
    let mut store = filled();
    let before = all(&store);
    let text = r#"{"projects":[{"id":"cccccccc","name":"C"},{"id":"aaaaaaaa","name":"A"}]}"#;
    let dry = ImportOptions { dry_run: true, ..with(OnConflict::Replace) };
    let planned = import(&mut store, text.as_bytes(), dry).unwrap();
    assert_eq!(all(&store), before);
    let done = import(&mut store, text.as_bytes(), with(OnConflict::Replace)).unwrap();
    assert_eq!((planned.point, done.point), (None, Some(1)));
    assert_eq!(planned, Report { point: None, ..done });
}

#[test]
fn a_deleted_project_comes_back_by_import_and_keeps_its_history() {
    let mut store = filled();
    let text = exported(&store, Format::Json);
    store.delete(id("bbbbbbbb")).unwrap();
    let report = import(&mut store, text.as_bytes(), ImportOptions::default()).unwrap();
    assert_eq!(report.count(|action| action == Action::Added), 1);
    assert_eq!(store.history(id("bbbbbbbb")).unwrap().len(), 3);
}

#[test]
fn a_truncated_file_is_refused_with_line_and_column() {
    let text = exported(&filled(), Format::Json);
    for end in [1, 20, text.len() / 2, text.len() - 3] {
        let end = (0..=end).rev().find(|end| text.is_char_boundary(*end)).unwrap();
        let options = ImportOptions { format: Some(Format::Json), ..ImportOptions::default() };
        let error = import(&mut store(), &text.as_bytes()[..end], options).unwrap_err();
        assert!(matches!(error, TransferError::Truncated { .. }), "{end}: {error}");
    }
    let error = refused("{\"version\": 1,\n \"projects\": [\n  {\"id\": \"aaaaaaaa\",");
    assert_eq!(error.to_string(), "the file ends in the middle, at line 3, column 20");
    let error = refused("{\"id\":\"cccccccc\",\"name\":\"C\"}\n{\"id\":\"dddddddd\",\"na");
    assert!(matches!(error, TransferError::Truncated { line: 2, .. }), "{error}");
}

#[test]
fn a_file_of_another_version_is_refused_wherever_the_version_stands() {
    for text in [
        r#"{"version":2,"projects":[]}"#,
        r#"{"projects":{"cccccccc":{"name":"C"}},"version":"2.0.0"}"#,
        "version = 2\n[[projects]]\nid = \"cccccccc\"\nname = \"C\"\n",
        "{\"version\":2}\n{\"id\":\"cccccccc\",\"name\":\"C\"}\n",
    ] {
        let error = refused(text);
        assert!(
            matches!(&error, TransferError::Version { found } if found.starts_with('2')),
            "{text}: {error}"
        );
    }
}

#[test]
fn bad_files_are_refused_with_what_is_wrong_and_where() {
    let twice = r#"{"projects":[{"id":"cccccccc","name":"C"},{"id":"cccccccc","name":"D"}]}"#;
    assert!(matches!(refused(twice), TransferError::Duplicate { .. }));
    assert!(matches!(refused(r#"{"items":[]}"#), TransferError::NoProjects | TransferError::Project { .. }));
    assert!(matches!(refused("{\n\"items\":[]}"), TransferError::NoProjects));
    assert!(matches!(refused("{\n\"projects\":7}"), TransferError::Syntax { line: 2, .. }));
    assert!(matches!(
        refused("<html>not found</html>"),
        TransferError::Syntax { format: "TOML", line: 1, .. }
    ));
    assert!(matches!(
        refused("\n[[projects]]\nid = \"cccccccc\"\nname = \n"),
        TransferError::Syntax { line: 4, .. }
    ));
    for (text, wanted) in [
        (
            r#"{"projects":[{"name":"C"}]}"#,
            "project 1 of the file is refused: `id` is missing or is not text",
        ),
        (
            r#"{"projects":[{"id":"cccccccc"}]}"#,
            "project 1 of the file is refused: `name` is missing or is not text",
        ),
        (
            r#"{"projects":[{"id":"cccccccc","name":"C"},{"id":"../../etc","name":"D"}]}"#,
            "project 2 of the file is refused: \"../../etc\" is not a project id",
        ),
        (
            "{\"projects\":[{\"id\":\"cccccccc\",\"name\":\"C\\u001b[31m\"}]}",
            "project 1 of the file is refused: `name` contains a control character",
        ),
    ] {
        assert_eq!(refused(text).to_string(), wanted);
    }
    let mixed = r#"{"projects":{"cccccccc":{"id":"dddddddd","name":"C"}}}"#;
    assert!(refused(mixed).to_string().contains("has another id"));
}

#[test]
fn a_project_nested_without_end_is_refused() {
    let deep = |levels| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!("{{\"projects\":[{{\"id\":\"cccccccc\",\"name\":\"C\",\"x\":{open}{close}}}]}}")
    };
    assert!(refused(&deep(100_000)).to_string().contains("deeper than 100 levels"));
    let mut source = store();
    import(&mut source, deep(100).as_bytes(), ImportOptions::default()).unwrap();
    for format in FORMATS {
        let mut copy = store();
        import(&mut copy, exported(&source, format).as_bytes(), ImportOptions::default()).unwrap();
        assert_eq!(all(&copy), all(&source));
    }
}

#[test]
fn a_project_too_large_to_travel_is_refused_without_reading_all_of_it() {
    struct Endless(u64);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let left = usize::try_from(self.0).unwrap().min(buffer.len());
            buffer[..left].fill(b'x');
            self.0 -= left as u64;
            Ok(left)
        }
    }
    let head = &b"{\"projects\":[{\"id\":\"cccccccc\",\"name\":\""[..];
    for format in FORMATS {
        let options = ImportOptions { format: Some(format), ..ImportOptions::default() };
        let error = import(&mut store(), head.chain(Endless(100 << 20)), options).unwrap_err();
        assert!(matches!(error, TransferError::TooLarge { .. }), "{format:?}: {error}");
    }
}

#[test]
fn a_file_that_is_too_large_is_refused_by_its_size_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.json");
    // Sparse: it has the size, not the blocks.
    fs::File::create(&path).unwrap().set_len(5 << 30).unwrap();
    let error = import_file(&mut store(), &path, ImportOptions::default()).unwrap_err();
    assert!(matches!(error, TransferError::TooLarge { what: "the file", .. }), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("none.json")] {
        let error = import_file(&mut store(), &path, ImportOptions::default()).unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert_eq!(error.code(), "E-TRANSFER-008");
    }
}

#[test]
fn the_database_of_an_earlier_orkee_is_imported_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    let older = rusqlite::Connection::open(&path).unwrap();
    older
        .execute_batch(
            "CREATE TABLE projects (id TEXT PRIMARY KEY, name TEXT, project_root TEXT, status TEXT, rank INTEGER, tags TEXT, \
             created_at TEXT, updated_at TEXT);
             INSERT INTO projects VALUES ('abcd1234', 'Old', '/srv/old', 'review', 3, '[\"a\"]', '2025-01-02 03:04:05', '');
             INSERT INTO projects VALUES ('abcd1235', 'Bare', NULL, NULL, NULL, NULL, NULL, NULL);",
        )
        .unwrap();
    let refused = Store::open(&path).map(drop).unwrap_err();
    assert!(refused.hint().unwrap().contains("--from-db"), "{:?}", refused.hint());
    let before = fs::read(&path).unwrap();
    let mut store = store();
    import_database(&mut store, &path, ImportOptions::default()).unwrap();
    let old = store.get(id("abcd1234")).unwrap();
    assert_eq!(old.project().project_root.as_deref(), Some("/srv/old"));
    assert_eq!(old.project().rank, Some(3));
    assert_eq!(old.project().tags, ["a"]);
    assert_eq!(old.payload.read::<String>("createdAt").as_deref(), Some("2025-01-02T03:04:05.000Z"));
    assert_eq!(store.count().unwrap(), 2);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_database_of_this_version_is_imported_too_and_another_programs_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orkee.db");
    let mut source = Store::open(&path).unwrap();
    source.add(Project::new(id("abcd1234"), "Shop")).unwrap();
    let mut store = store();
    import_database(&mut store, &path, ImportOptions::default()).unwrap();
    assert_eq!(all(&store), all(&source));
    let other = folder.path().join("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let error = import_database(&mut store, &other, ImportOptions::default()).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("E-TRANSFER-010", Kind::Usage));
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        any::<f64>().prop_filter_map("finite", |n| serde_json::to_string(&n).ok()),
        any::<i64>().prop_map(|n| n.to_string()),
        Just("null".to_owned()),
        Just("[{\"id\":1,\"title\":\"t\"},{}]".to_owned()),
        Just("{\"a b\":{\"z\":[],\"é\":-0.0}}".to_owned()),
        Just("\"\\u0041\\/\"".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_field_survives_every_format(fields in prop::collection::btree_map("[a-z$. \"é]{1,6}", scalar(), 0..8), tasks in scalar()) {
        let mut text = format!("{{\"id\":\"abcd1234\",\"name\":\"n\",\"manualTasks\":{tasks}");
        for (field, value) in fields.iter().filter(|(field, _)| !["id", "name", "tags", "rank"].contains(&field.as_str())) {
            text.push_str(&format!(",{}:{value}", serde_json::to_string(field).unwrap()));
        }
        text.push('}');
        let mut source = store();
        let payload = Payload::parse(&text).unwrap();
        let line = format!("{}\n", payload.to_json());
        let ndjson = ImportOptions { format: Some(Format::Ndjson), ..ImportOptions::default() };
        import(&mut source, line.as_bytes(), ndjson).unwrap();
        for format in FORMATS {
            let exported = exported(&source, format);
            let mut copy = store();
            let options = ImportOptions { format: Some(format), ..ImportOptions::default() };
            let result = import(&mut copy, exported.as_bytes(), options);
            prop_assert!(result.is_ok(), "{:?}: {}", result, exported);
            prop_assert_eq!(all(&copy), all(&source), "{}", exported);
        }
    }
}
