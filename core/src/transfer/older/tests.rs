use super::*;
use crate::project::{Payload, Project, TaskStatus};

fn taken(text: &str) -> (Payload, Vec<Change>) {
    let given = project(RawObject::parse(text).unwrap()).unwrap();
    (Payload::from_object(given.object).unwrap(), given.changes)
}

fn view(text: &str) -> Project {
    Project::from(&taken(text).0)
}

fn with(field: &str, value: &str) -> String {
    format!("{{\"id\":\"abcd1234\",\"name\":\"n\",\"{field}\":{value}}}")
}

#[test]
fn every_form_of_a_time_becomes_rfc_3339_in_utc() {
    for (time, wanted) in [
        (r#""2025-01-02 03:04:05""#, "2025-01-02T03:04:05.000Z"),
        (r#""2025-01-02 03:04:05.678""#, "2025-01-02T03:04:05.678Z"),
        (r#""2025-01-02T03:04:05""#, "2025-01-02T03:04:05.000Z"),
        (r#""2025-01-02T03:04:05Z""#, "2025-01-02T03:04:05.000Z"),
        (r#""2025-01-02T05:04:05.123456789+02:00""#, "2025-01-02T03:04:05.123Z"),
        (r#""2025-01-02""#, "2025-01-02T00:00:00.000Z"),
        ("1735787045", "2025-01-02T03:04:05.000Z"),
        (r#""1735787045""#, "2025-01-02T03:04:05.000Z"),
        ("1735787045678", "2025-01-02T03:04:05.678Z"),
        ("1735787045678901", "2025-01-02T03:04:05.678Z"),
        ("1735787045.5", "2025-01-02T03:04:05.500Z"),
    ] {
        let (payload, _) = taken(&with("created_at", time));
        assert_eq!(payload.read::<String>("createdAt").as_deref(), Some(wanted), "{time}");
    }
    for none in ["null", "\"\"", "\" \""] {
        assert!(taken(&with("createdAt", none)).0.get("createdAt").is_none(), "{none}");
    }
    for bad in ["\"yesterday\"", "true", "[]", "1e300"] {
        let object = RawObject::parse(&with("updatedAt", bad)).unwrap();
        let refused = project(object).err().unwrap().to_string();
        assert!(refused.contains("`updatedAt` must be a time"), "{bad}: {refused}");
    }
}

#[test]
fn words_of_older_vocabularies_are_put_into_todays_and_unknown_ones_kept_and_each_is_told() {
    for (older, today) in [
        ("active", "building"),
        ("pre-launch", "planning"),
        ("On_Hold", "on-hold"),
        ("completed", "launched"),
    ] {
        let (payload, changes) = taken(&with("status", &format!("\"{older}\"")));
        assert_eq!(payload.read::<String>("status").as_deref(), Some(today));
        assert_eq!(changes, [Change::Word { field: "status", from: older.into(), to: today.into() }]);
    }
    let (payload, changes) = taken(&with("status", "\"someday\""));
    assert_eq!(payload.read::<String>("status").as_deref(), Some("someday"));
    assert_eq!(changes, [Change::Unknown { field: "status", word: "someday".into() }]);
    assert_eq!(view(&with("priority", "\"urgent\"")).priority, Priority::High);
    assert_eq!(taken(&with("status", "\"review\"")).1, []);
}

#[test]
fn an_id_of_another_form_gives_the_same_new_one_each_time_and_is_told() {
    let text = r#"{"id":"6f9619ff-8b86-d011-b42d-00cf4fc964ff","name":"n"}"#;
    let (payload, changes) = taken(text);
    assert_eq!(payload.id(), taken(text).0.id());
    assert_eq!(changes, [Change::Id { from: "6f9619ff-8b86-d011-b42d-00cf4fc964ff".into() }]);
    assert_eq!(taken(&with("x", "1")).1, []);
    let given = project(RawObject::parse(r#"{"id":"","name":"n"}"#).unwrap()).unwrap();
    assert!(Payload::from_object(given.object).is_err(), "an empty id names nothing");
}

#[test]
fn tasks_keep_what_is_unknown_and_take_todays_names_numbers_and_words() {
    let tasks = r#"[{"id":"1","name":"A","test_strategy":"look","details":null,"status":"in_progress","created_at":"2025-01-02 03:04:05",
        "depends_on":["2"],"sub_tasks":[{"id":1,"title":"B","status":"completed","description":"","dependencies":[],"testStrategy":null}],
        "owner":{"z":1.50}},{"id":2,"title":"C","status":"someday","description":null,"subtasks":[]}]"#
        .replace('\n', " ");
    let (payload, changes) = taken(&with("manual_tasks", &tasks));
    assert_eq!(changes, []);
    let project = Project::from(&payload);
    let [a, c] = &project.manual_tasks[..] else { panic!("{payload:?}") };
    assert_eq!((a.id, a.title.as_str(), a.test_strategy.as_deref()), (1, "A", Some("look")));
    assert_eq!((a.status.clone(), &a.dependencies[..]), (TaskStatus::InProgress, &[2][..]));
    assert_eq!(a.created_at.as_deref(), Some("2025-01-02T03:04:05.000Z"));
    assert_eq!(a.subtasks[0].status, TaskStatus::Done);
    assert_eq!(a.extra.get("owner").unwrap().get(), r#"{"z":1.50}"#);
    assert_eq!(c.status, TaskStatus::Other("someday".into()));
    let wrapped = format!("{{\"tasks\":{tasks}}}");
    assert_eq!(view(&with("manualTasks", &wrapped)).manual_tasks, project.manual_tasks);
}

#[test]
fn a_value_of_no_known_form_is_kept_and_told() {
    for (field, value) in [
        ("manualTasks", r#"[{"id":"a-uuid","title":"t"}]"#),
        ("tags", r#"{"a":1}"#),
        ("mcpServers", r#"{"a":[1]}"#),
        ("gitRepository", r#"{"owner":"acme"}"#),
        ("rank", "\"first\""),
        ("description", "[1]"),
    ] {
        let (payload, changes) = taken(&with(field, value));
        assert_eq!(payload.get(field).unwrap().get(), value);
        assert_eq!(changes, [Change::Unreadable { field: field.into() }]);
    }
    let deep = format!("{}[]{}", "[{\"subtasks\":".repeat(40), "}]".repeat(40));
    let (payload, _) = taken(&with("manualTasks", &deep));
    assert_eq!(payload.get("manualTasks").unwrap().get(), deep);
}

#[test]
fn servers_are_a_map_of_on_and_off_and_their_settings_stay_behind() {
    let wanted = |pairs: &[(&str, bool)]| pairs.iter().map(|(n, on)| ((*n).to_owned(), *on)).collect();
    assert_eq!(
        view(&with("mcp_servers", r#"{"a":true,"b":false}"#)).mcp_servers,
        wanted(&[("a", true), ("b", false)])
    );
    assert_eq!(view(&with("mcpServers", r#"["a","b"]"#)).mcp_servers, wanted(&[("a", true), ("b", true)]));
    let list = r#"[{"name":"a","enabled":false},{"name":"b","command":"npx","env":{"TOKEN":"secret"}}]"#;
    let (payload, changes) = taken(&with("mcp_servers", list));
    assert_eq!(Project::from(&payload).mcp_servers, wanted(&[("a", false), ("b", true)]));
    assert_eq!(changes, [Change::Left { field: "mcpServers" }]);
    assert!(!payload.to_json().contains("secret"));
}

#[test]
fn a_repository_is_read_in_either_spelling_and_loses_its_password() {
    let known = Project::from(
        &taken(&with(
            "git_repository",
            r#"{"owner":"acme","repo":"site","url":"https://joe:pw@github.com/acme/site.git","branch":null}"#,
        ))
        .0,
    );
    let git = known.git_repository.unwrap();
    assert_eq!((git.owner.as_str(), git.url.as_str()), ("acme", "https://github.com/acme/site.git"));
    let other = view(&with(
        "gitRepository",
        r#"{"remote_url":"git@github.com:acme/site.git","default_branch":"main","stars":3}"#,
    ));
    let git = other.git_repository.unwrap();
    assert_eq!(
        (git.owner.as_str(), git.repo.as_str(), git.branch.as_deref()),
        ("acme", "site", Some("main"))
    );
    assert_eq!(
        view(&with("git_repository", r#""https://github.com/a/b""#)).git_repository.unwrap().repo,
        "b"
    );
}

#[test]
fn ranks_and_tags_are_read_however_they_were_written() {
    assert_eq!(view(&with("rank", "\"3\"")).rank, Some(3));
    assert_eq!(view(&with("rank", "3.0")).rank, Some(3));
    assert_eq!(view(&with("tags", "\"web, rust,\"")).tags, ["web", "rust"]);
    assert_eq!(view(&with("tags", "[\"web\",7]")).tags, ["web", "7"]);
}

#[test]
fn unknown_fields_of_a_project_are_kept_as_they_are() {
    let (payload, _) = taken(&with("colour_scheme", r#"{"b":1.50,"a":null}"#));
    assert_eq!(payload.get("colour_scheme").unwrap().get(), r#"{"b":1.50,"a":null}"#);
}

#[test]
fn a_project_that_is_marked_deleted_says_so() {
    let given = project(RawObject::parse(&with("status", "\"deleted\"")).unwrap()).unwrap();
    assert!(given.is_deleted);
}
