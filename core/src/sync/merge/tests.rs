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
fn what_needed_a_task_before_its_number_was_taken_again_needs_that_task() {
    let with = |title: &str, day: u8| {
        let one = format!(r#"{{"id":1,"title":"{title}","createdAt":"2026-01-0{day}T00:00:00Z"}}"#);
        tasks(&format!(r#"{one},{{"id":2,"title":"Needs it","dependencies":[1]}}"#))
    };
    let got = merged("manualTasks", &with("Old", 1), &with("New", 2), &with("Old, edited", 1));
    let value = got.0.unwrap();
    assert!(value.contains(r#""title":"Needs it","dependencies":[1]"#), "{value}");
    assert!(value.contains(r#"{"id":3,"title":"New""#), "{value}");
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

/// The list that comes out, after a merge without a conflict.
#[track_caller]
fn merged_tasks(base: &str, ours: &str, theirs: &str) -> String {
    let (value, conflicts) = merged("manualTasks", &tasks(base), &tasks(ours), &tasks(theirs));
    assert_eq!(conflicts, Vec::<String>::new());
    value.unwrap()
}

fn task(number: u64, title: &str) -> String {
    format!(r#"{{"id":{number},"title":"{title}"}}"#)
}

fn list(numbers: &[u64]) -> String {
    numbers.iter().map(|number| task(*number, "T")).collect::<Vec<_>>().join(",")
}

#[test]
fn tags_and_tasks_that_one_side_moved_stay_where_they_were_moved() {
    let got = merged("tags", r#""tags":["a","b"]"#, r#""tags":["a","b","x"]"#, r#""tags":["b","a"]"#);
    assert_eq!(got, clean(r#"["b","a","x"]"#));
    let got = merged_tasks(&list(&[1, 2, 3]), &list(&[1, 2, 3, 4]), &list(&[3, 1, 2]));
    assert_eq!(got, format!("[{}]", list(&[3, 1, 2, 4])));
}

#[test]
fn a_tag_in_another_spelling_is_the_same_tag() {
    let got = merged("tags", "", r#""tags":["A","x"]"#, r#""tags":["\u0041","y"]"#);
    assert_eq!(got, clean(r#"["A","x","y"]"#));
}

#[test]
fn a_task_that_its_maker_deleted_and_made_anew_replaces_one_that_nobody_changed() {
    let made = |title: &str, day: u8| format!(r#"{{"id":1,"title":"{title}","createdAt":"2026-01-0{day}"}}"#);
    let other = |title: &str| task(2, title);
    let got = merged_tasks(
        &format!("{},{}", made("Old", 1), other("B")),
        &format!("{},{}", made("Old", 1), other("C")),
        &format!("{},{}", made("New", 2), other("B")),
    );
    assert_eq!(got, format!("[{},{}]", made("New", 2), other("C")));
}

#[test]
fn a_reference_to_a_subtask_that_made_way_follows_it_and_one_that_was_there_before_stays() {
    let with = |subtask: &str, needs: &str| {
        format!(
            r#"{{"id":1,"title":"One","subtasks":[{}]}},{{"id":2,"title":"Two","dependencies":[{needs}]}}"#,
            task(1, subtask)
        )
    };
    let base = r#"{"id":1,"title":"One"},{"id":2,"title":"Two","dependencies":["1.10",1.1]}"#;
    let got = merged_tasks(base, &with("Ours", r#""1.10",1.1,"1.1""#), &with("Theirs", r#""1.10",1.1"#));
    assert_eq!(
        got,
        r#"[{"id":1,"title":"One","subtasks":[{"id":1,"title":"Theirs"},{"id":2,"title":"Ours"}]},{"id":2,"title":"Two","dependencies":["1.10",1.1,"1.2"]}]"#
    );
}

#[test]
fn what_made_way_is_named_with_its_old_and_its_new_number() {
    let with = |subtask: &str, title: &str| {
        let below = task(1, subtask);
        format!(r#""manualTasks":[{{"id":1,"title":"One","subtasks":[{below}]}},{}]"#, task(2, title))
    };
    let [base, ours, theirs] =
        [tasks(&task(1, "One")), with("A", "Ours"), with("B", "Theirs")].map(|fields| payload(&fields));
    let merged = merge(Some(&base), Some(&ours), Some(&theirs), Side::Ours);
    let moved: Vec<(&str, &str)> = merged.moved.iter().map(|m| (&*m.from, &*m.to)).collect();
    let expected =
        [("manualTasks.2", "manualTasks.3"), ("manualTasks.1.subtasks.1", "manualTasks.1.subtasks.2")];
    assert_eq!(moved, expected);
    // Met again, as after a backup was brought back, it is known under its new number.
    let again = merge(Some(&base), Some(&ours), merged.payload.as_ref(), Side::Ours);
    assert_eq!(again.payload, merged.payload);
    assert_eq!(again.moved.len(), 2);
}

#[test]
fn a_dependency_on_a_task_that_is_gone_stays_and_makes_no_edit() {
    let needs = |on: &str| format!(r#"{{"id":2,"title":"Two","dependencies":[{on}]}}"#);
    let got = merged_tasks(&format!("{TASK},{}", needs("")), &format!("{TASK},{}", needs("1")), &needs(""));
    assert_eq!(got, format!("[{}]", needs("1")));
}

#[test]
fn lists_that_are_no_lists_of_numbered_tasks_are_one_value_and_lose_nothing() {
    for odd in [
        format!("[{},{}]", task(1, "A"), task(1, "B")),
        r#"[{"id":1,"title":"A"},{"title":"no number"}]"#.to_owned(),
        r#"[{"id":"1","title":"A"}]"#.to_owned(),
        r#"[{"id":1.0,"title":"A"}]"#.to_owned(),
        r#"[{"id":-1,"title":"A"}]"#.to_owned(),
        r#"[{"id":18446744073709551616,"title":"A"}]"#.to_owned(),
        r#"[{"id":1,"x":1,"x":2}]"#.to_owned(),
        r#"["text"]"#.to_owned(),
        r#"{"id":1}"#.to_owned(),
        "7e3".to_owned(),
    ] {
        let fields = format!("\"manualTasks\":{odd}");
        let [base, ours, theirs] = [tasks(TASK), fields, tasks(&task(2, "B"))].map(|fields| payload(&fields));
        for (ours, theirs) in [(&ours, &theirs), (&theirs, &ours)] {
            let merged = merge(Some(&base), Some(ours), Some(theirs), Side::Ours);
            assert_eq!(
                merged.payload.as_ref().unwrap().get("manualTasks").unwrap().get(),
                ours.get("manualTasks").unwrap().get()
            );
            let told = &merged.conflicts[0];
            assert_eq!((told.field.as_str(), merged.conflicts.len()), ("manualTasks", 1));
            assert_eq!(told.theirs.as_ref().unwrap().get(), theirs.get("manualTasks").unwrap().get());
        }
    }
}

#[test]
fn the_largest_number_has_none_after_it() {
    let last = |title: &str| task(u64::MAX, title);
    let got = merged("manualTasks", &tasks(TASK), &tasks(&last("A")), &tasks(&last("B")));
    assert_eq!(got, (Some(format!("[{}]", last("A"))), vec!["manualTasks".to_owned()]));
}

#[test]
fn values_of_tasks_travel_byte_for_byte() {
    let odd = r#"{"id":1,"title":"A\u0042","n":1.0,"m":1e3,"k":0.10000000000000000000001,"big":123456789012345678901234567890,"deep":{"a":1,"a":2,"\u0062":[-0.0,1E+2]}}"#;
    let got = merged_tasks(odd, &format!("{odd},{}", task(2, "X")), &odd.replace("1e3", "1000"));
    assert_eq!(got, format!("[{},{}]", odd.replace("1e3", "1000"), task(2, "X")));
}
