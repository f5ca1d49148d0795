use proptest::prelude::*;

use super::*;

const NEWER: &str = r#"{ "zeta": {"b": 1.0, "a": [ ] }, "status": "paused", "tags": {"not": "a list"}, "name": "A\u0042",
    "id": "abcd1234", "description": null, "alpha": 12345678901234567890123, "manualTasks": [], "updatedAt": "2026-01-02T03:04:05Z" }"#;

#[test]
fn a_payload_has_known_fields_first_then_unknown_ones_sorted() {
    let payload = Payload::parse(NEWER).unwrap();
    assert_eq!(
        payload.to_json(),
        r#"{"id":"abcd1234","name":"AB","status":"paused","tags":{"not":"a list"},"updatedAt":"2026-01-02T03:04:05Z","alpha":12345678901234567890123,"zeta":{"b":1.0,"a":[]}}"#
    );
}

#[test]
fn an_edit_leaves_what_it_does_not_touch_as_it_was_even_what_it_cannot_read() {
    let payload = Payload::parse(NEWER).unwrap();
    let before = Project::from(&payload);
    assert_eq!(before.status, Status::Other("paused".into()));
    let after = Project { description: Some("words".to_owned()), ..before.clone() };
    let edited = after.write_changes(&before, &payload).unwrap();
    assert_eq!(edited.differences(&payload).iter().map(|d| d.field).collect::<Vec<_>>(), ["description"]);
}

#[test]
fn what_a_person_types_is_held_to_the_rules_and_the_error_names_field_and_rule() {
    let payload = Project::new("abcd1234".parse().unwrap(), "A").to_payload().unwrap();
    let refused = |change: fn(&mut Project)| {
        let before = Project::from(&payload);
        let mut after = before.clone();
        change(&mut after);
        after.write_changes(&before, &payload).unwrap_err().to_string()
    };
    assert_eq!(refused(|p| p.name = "  ".to_owned()), "`name` must not be empty");
    assert_eq!(refused(|p| p.name = "x".repeat(10_000)), "`name` is longer than 200 characters");
    assert_eq!(refused(|p| p.name = "a\u{1b}[31m".to_owned()), "`name` contains a control character");
    assert_eq!(refused(|p| p.name = "a\u{202e}b".to_owned()), "`name` contains a control character");
    assert_eq!(refused(|p| p.tags = vec!["a".to_owned(), "a".to_owned()]), "`tags` names an entry twice");
    assert_eq!(refused(|p| p.tags = vec![String::new()]), "`tags` must not be empty");
    assert_eq!(
        refused(|p| p.status = Status::Other("done".into())),
        "`status` must be one of: planning, building, review, launched, on-hold, archived"
    );
    assert_eq!(
        refused(|p| p.dev_script = Some("a\0b".to_owned())),
        "`devScript` contains a control character"
    );
    assert_eq!(refused(|p| p.id = "other000".parse().unwrap()), "`id` cannot be changed");
}

#[test]
fn a_project_without_a_usable_id_or_name_is_refused() {
    assert!(matches!(Payload::parse("[]"), Err(PayloadError::Json(_))));
    assert!(matches!(Payload::parse(r#"{"name":"a"}"#), Err(PayloadError::NoId)));
    assert!(matches!(Payload::parse(r#"{"id":"../../x","name":"a"}"#), Err(PayloadError::Id(_))));
    assert!(matches!(Payload::parse(r#"{"id":"abcd1234","name":7}"#), Err(PayloadError::NoName)));
    let large = format!(r#"{{"id":"abcd1234","name":"a","x":"{}"}}"#, "x".repeat(check::MAX_PAYLOAD));
    assert!(matches!(Payload::parse(&large), Err(PayloadError::TooLarge(_))));
}

#[test]
fn the_typed_view_and_the_payload_agree_on_every_field() {
    let mut project = Project::new("abcd1234".parse().unwrap(), "All");
    project.project_root = Some("/srv/all".to_owned());
    project.description = Some("d".to_owned());
    project.status = Status::OnHold;
    project.priority = Priority::High;
    project.rank = Some(-3);
    project.setup_script = Some("a".to_owned());
    project.dev_script = Some("b\nc".to_owned());
    project.cleanup_script = Some("c".to_owned());
    project.task_source = Some(TaskSource::Taskmaster);
    project.tags = vec!["x".to_owned(), "y z".to_owned()];
    project.manual_tasks =
        vec![Task { id: 1, title: "t".to_owned(), dependencies: vec![2], ..Task::default() }];
    project.mcp_servers = [("files".to_owned(), true)].into();
    project.git_repository = GitRepository::from_remote("git@github.com:acme/site.git");
    project.created_at = Some("2026-01-02T03:04:05.678Z".parse().unwrap());
    project.updated_at = project.created_at;
    let payload = project.to_payload().unwrap();
    assert_eq!(payload.iter().map(|(field, _)| field).collect::<Vec<_>>(), FIELDS);
    assert_eq!(Project::from(&payload), project);
    project.check().unwrap();
}

/// Any JSON, as text with white space where it may stand.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        "-?[1-9][0-9]{0,30}\\.[0-9]{1,20}(e[+-]?[0-9]{1,3})?",
        any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|v| format!("[ {} ]", v.join(" ,\n"))),
            prop::collection::btree_map("[a-z]{1,5}", inner, 0..4).prop_map(|m| {
                let fields: Vec<_> = m.iter().map(|(k, v)| format!("\"{k}\" :\t{v}")).collect();
                format!("{{ {} }}", fields.join(" , "))
            }),
        ]
    })
}

/// A project's fields in any order: id and name, some known ones of any form, and unknown ones.
fn project_text() -> impl Strategy<Value = Vec<(String, String)>> {
    let known = prop::collection::btree_map(prop::sample::select(&FIELDS[2..]), json(), 0..6);
    let unknown = prop::collection::btree_map("[a-z]{3,8}[0-9A-Zéß \"]{0,3}", json(), 0..6);
    (known, unknown, any::<String>())
        .prop_map(|(known, unknown, name)| {
            let mut fields: Vec<(String, String)> =
                known.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
            fields.extend(unknown.into_iter().filter(|(k, _)| !FIELDS.contains(&k.as_str())));
            fields.push(("id".to_owned(), "\"abcd1234\"".to_owned()));
            fields.push(("name".to_owned(), serde_json::to_string(&name).unwrap()));
            fields
        })
        .prop_shuffle()
}

fn object(fields: &[(String, String)]) -> String {
    let fields: Vec<_> =
        fields.iter().map(|(k, v)| format!("{}: {v}", serde_json::to_string(k).unwrap())).collect();
    format!("{{ {} }}", fields.join(", "))
}

#[test]
fn tags_that_a_merge_made_too_many_can_be_made_fewer_but_not_others() {
    let tags: Vec<String> = (0..check::MAX_TAGS + 20).map(|n| format!("t{n}")).collect();
    let before = Project { tags, ..Project::new("abcd1234".parse().unwrap(), "merged") };
    let payload = before.to_payload().unwrap();
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut after = before.clone();
        change(&mut after.tags);
        after.write_changes(&before, &payload)
    };
    assert!(with(&|tags| drop(tags.pop())).is_ok());
    assert!(with(&|tags| tags[0] = "other".to_owned()).is_err());
    assert!(with(&|tags| tags.push("more".to_owned())).is_err());
}

proptest! {
    #[test]
    fn the_canonical_form_does_not_depend_on_order_and_is_its_own_canonical_form(fields in project_text()) {
        let payload = Payload::parse(&object(&fields)).unwrap();
        let reversed: Vec<_> = fields.into_iter().rev().collect();
        prop_assert_eq!(&Payload::parse(&object(&reversed)).unwrap(), &payload);
        prop_assert_eq!(&Payload::parse(&payload.to_json()).unwrap(), &payload);
        prop_assert_eq!(&Payload::parse(&payload.to_pretty_json()).unwrap(), &payload);
    }

    #[test]
    fn unknown_fields_survive_an_edit_of_every_known_one(fields in project_text()) {
        let payload = Payload::parse(&object(&fields)).unwrap();
        let before = Project::from(&payload);
        let mut after = Project { name: "new name".to_owned(), status: Status::Review, rank: Some(1), ..before.clone() };
        after.tags = vec!["t".to_owned()];
        let edited = after.write_changes(&before, &payload).unwrap();
        for (field, value) in payload.iter().filter(|(field, _)| !FIELDS.contains(field)) {
            prop_assert_eq!(edited.get(field).map(|v| v.get()), Some(value.get()));
        }
    }

    #[test]
    fn reading_any_payload_into_the_typed_view_never_fails(fields in project_text()) {
        let payload = Payload::parse(&object(&fields)).unwrap();
        let view = Project::from(&payload);
        prop_assert_eq!(&view.write_changes(&view.clone(), &payload).unwrap(), &payload);
    }
}
