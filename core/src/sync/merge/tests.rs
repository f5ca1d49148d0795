//! What comes out of a merge, case by case.

use super::*;

fn payload(fields: &str) -> Payload {
    Payload::parse(&format!("{{\"id\":\"abcd1234\",\"name\":\"N\",{fields}}}").replace(",}", "}")).unwrap()
}

/// Merges what the fields say and returns the field's text and the conflicts' names.
fn merged(field: &str, base: &str, ours: &str, theirs: &str) -> (Option<String>, Vec<String>) {
    let [base, ours, theirs] = [base, ours, theirs].map(payload);
    let merged = merge(Some(&base), Some(&ours), Some(&theirs), Side::Ours);
    let value = merged.payload.unwrap().get(field).map(|value| value.get().to_owned());
    (value, merged.conflicts.into_iter().map(|conflict| conflict.field).collect())
}

fn clean(value: &str) -> (Option<String>, Vec<String>) {
    (Some(value.to_owned()), Vec::new())
}

#[test]
fn a_field_changed_on_one_side_is_that_sides() {
    let (base, changed) = (r#""description":"a""#, r#""description":"b""#);
    assert_eq!(merged("description", base, base, changed), clean("\"b\""));
    assert_eq!(merged("description", base, changed, base), clean("\"b\""));
    assert_eq!(merged("description", base, base, ""), (None, vec![]));
    assert_eq!(merged("description", base, "", base), (None, vec![]));
}

#[test]
fn a_field_changed_on_both_is_ours_and_theirs_is_a_conflict() {
    let [base, ours, theirs] = ["a", "b", "c"].map(|text| payload(&format!("\"description\":\"{text}\"")));
    let merged = merge(Some(&base), Some(&ours), Some(&theirs), Side::Ours);
    assert_eq!(merged.payload.unwrap().get("description").unwrap().get(), "\"b\"");
    assert_eq!(merged.conflicts[0].theirs.as_ref().unwrap().get(), "\"c\"");
    let merged = merge(Some(&base), Some(&ours), Some(&theirs), Side::Theirs);
    assert_eq!(merged.payload.unwrap().get("description").unwrap().get(), "\"c\"");
}

#[test]
fn tags_are_a_set() {
    let got = merged("tags", r#""tags":["a","b"]"#, r#""tags":["b","x"]"#, r#""tags":["a","b","y"]"#);
    assert_eq!(got, clean(r#"["b","x","y"]"#));
    assert_eq!(merged("tags", "", r#""tags":["x"]"#, r#""tags":["x","y"]"#), clean(r#"["x","y"]"#));
    let got = merged("tags", r#""tags":["a"]"#, r#""tags":["b"]"#, "");
    assert_eq!(got, clean(r#"["b"]"#));
}

#[test]
fn mcp_servers_are_merged_by_name() {
    let got = merged(
        "mcpServers",
        r#""mcpServers":{"a":true}"#,
        r#""mcpServers":{"a":false}"#,
        r#""mcpServers":{"a":true,"b":true}"#,
    );
    assert_eq!(got, clean(r#"{"a":false,"b":true}"#));
    let got = merged("mcpServers", "", r#""mcpServers":{"a.b":true}"#, r#""mcpServers":{"a.b":false}"#);
    assert_eq!(got, (Some(r#"{"a.b":true}"#.to_owned()), vec!["mcpServers.a.b".to_owned()]));
}

#[test]
fn the_git_repository_is_one_value() {
    let with = |owner: &str, branch: &str| {
        format!(r#""gitRepository":{{"owner":"{owner}","repo":"r","url":"u","branch":"{branch}"}}"#)
    };
    let (value, conflicts) =
        merged("gitRepository", &with("o", "main"), &with("o", "dev"), &with("p", "main"));
    assert!(value.unwrap().contains("\"dev\""));
    assert_eq!(conflicts, ["gitRepository"]);
}

#[test]
fn of_two_times_of_change_the_later_and_of_two_births_the_earlier() {
    let at = |field: &str, hour: u8| format!("\"{field}\":\"2026-01-01T{hour:02}:00:00.000Z\"");
    for (field, expected) in [("updatedAt", 7), ("createdAt", 3)] {
        let got = merged(field, &at(field, 1), &at(field, 3), &at(field, 7));
        assert_eq!(got, merged(field, &at(field, 1), &at(field, 7), &at(field, 3)));
        assert_eq!(got, clean(at(field, expected).split_once(':').unwrap().1));
    }
}

#[test]
fn an_unknown_field_travels_byte_for_byte_and_as_one_value() {
    let strange = r#"{"b":1.50,"a":[1e400,"\u0041",{"z":null}],"big":123456789012345678901234567890}"#;
    assert_eq!(merged("xFuture", "", &format!("\"xFuture\":{strange}"), ""), clean(strange));
    let (value, conflicts) =
        merged("xFuture", "", &format!("\"xFuture\":{strange}"), r#""xFuture":{"b":1.5}"#);
    assert_eq!((value.unwrap().as_str(), conflicts), (strange, vec!["xFuture".to_owned()]));
}

#[test]
fn an_edit_beats_a_delete_and_a_delete_beats_what_did_not_change() {
    let [old, new] = ["old", "new"].map(|text| payload(&format!("\"description\":\"{text}\"")));
    let outcome = |ours, theirs| merge(Some(&old), ours, theirs, Side::Ours).payload;
    assert_eq!(outcome(Some(&new), None).as_ref(), Some(&new));
    assert_eq!(outcome(None, Some(&new)).as_ref(), Some(&new));
    assert_eq!(outcome(Some(&old), None), None);
    assert_eq!(outcome(None, Some(&old)), None);
    assert_eq!(outcome(None, None), None);
}

const TASK: &str = r#"{"id":1,"title":"One","status":"pending"}"#;

fn tasks(list: &str) -> String {
    format!("\"manualTasks\":[{list}]")
}

#[test]
fn a_task_is_merged_by_field() {
    let got = merged(
        "manualTasks",
        &tasks(TASK),
        &tasks(r#"{"id":1,"title":"One","status":"done"}"#),
        &tasks(r#"{"id":1,"title":"Uno","status":"pending","x":{"deep":1.0}}"#),
    );
    assert_eq!(got, clean(r#"[{"id":1,"title":"Uno","status":"done","x":{"deep":1.0}}]"#));
    let got = merged(
        "manualTasks",
        &tasks(TASK),
        &tasks(r#"{"id":1,"title":"Eins","status":"pending"}"#),
        &tasks(r#"{"id":1,"title":"Uno","status":"pending"}"#),
    );
    assert_eq!(got.1, ["manualTasks.1.title"]);
}

#[test]
fn a_task_made_on_both_sides_is_two_and_ours_gets_a_free_number_that_references_follow() {
    let ours = r#"{"id":2,"title":"Ours","status":"pending","subtasks":[{"id":1,"title":"S","status":"pending","dependencies":[2,"2.1"]}]},
        {"id":3,"title":"After","status":"pending","dependencies":[1,2]}"#;
    let theirs = r#"{"id":2,"title":"Theirs","status":"pending","dependencies":[1]}"#;
    let got = merged(
        "manualTasks",
        &tasks(TASK),
        &tasks(&format!("{TASK},{ours}")),
        &tasks(&format!("{TASK},{theirs}")),
    );
    let expected = r#"[{"id":1,"title":"One","status":"pending"},{"id":2,"title":"Theirs","status":"pending","dependencies":[1]},{"id":3,"title":"After","status":"pending","dependencies":[1,4]},{"id":4,"title":"Ours","status":"pending","subtasks":[{"id":1,"title":"S","status":"pending","dependencies":[2,"4.1"]}]}]"#;
    assert_eq!(got, clean(expected));
}

#[test]
fn a_subtask_made_on_both_sides_is_two_as_well() {
    let with = |title: &str| {
        format!(
            r#"{{"id":1,"title":"One","status":"pending","subtasks":[{{"id":1,"title":"{title}","status":"pending"}}]}}"#
        )
    };
    let (value, conflicts) = merged("manualTasks", &tasks(TASK), &tasks(&with("A")), &tasks(&with("B")));
    let value = value.unwrap();
    assert!(value.contains(r#"{"id":1,"title":"B""#) && value.contains(r#"{"id":2,"title":"A""#), "{value}");
    assert!(conflicts.is_empty());
}

#[test]
fn one_task_that_both_sides_have_without_a_base_stays_one() {
    let at = |title: &str| {
        format!(r#"{{"id":5,"title":"{title}","status":"pending","createdAt":"2026-01-01T00:00:00Z"}}"#)
    };
    let (value, conflicts) = merged("manualTasks", "", &tasks(&at("A")), &tasks(&at("B")));
    assert_eq!(value.unwrap().matches("\"id\"").count(), 1);
    assert_eq!(conflicts, ["manualTasks.5.title"]);
}

#[test]
fn a_number_that_was_freed_and_taken_again_is_another_task() {
    let made = |title: &str, day: u8| {
        format!(r#"{{"id":1,"title":"{title}","status":"pending","createdAt":"2026-01-0{day}T00:00:00Z"}}"#)
    };
    let got = merged(
        "manualTasks",
        &tasks(&made("Old", 1)),
        &tasks(&made("New", 2)),
        &tasks(&made("Old, edited", 1)),
    );
    let value = got.0.unwrap();
    assert!(
        value.contains(r#"{"id":1,"title":"Old, edited""#) && value.contains(r#"{"id":2,"title":"New""#),
        "{value}"
    );
    let got =
        merged("manualTasks", &tasks(&made("Old", 1)), &tasks(&made("New", 2)), &tasks(&made("Old", 1)));
    assert_eq!(got.0.unwrap().matches("\"id\"").count(), 1);
}

#[test]
fn a_deleted_task_goes_unless_the_other_side_edited_it() {
    let edited = r#"{"id":1,"title":"One","status":"done"}"#;
    assert_eq!(merged("manualTasks", &tasks(TASK), "", &tasks(TASK)), (None, vec![]));
    assert_eq!(merged("manualTasks", &tasks(TASK), "", &tasks(edited)), clean(&format!("[{edited}]")));
}

#[test]
fn tasks_that_are_none_are_one_value() {
    let got =
        merged("manualTasks", "", r#""manualTasks":[{"title":"no id"}]"#, r#""manualTasks":"a string""#);
    assert_eq!(got, (Some(r#"[{"title":"no id"}]"#.to_owned()), vec!["manualTasks".to_owned()]));
}
