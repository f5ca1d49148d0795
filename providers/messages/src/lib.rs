//! An event as a sentence for people, for the dispatchers that write into chats.
//!
//! Names in an event were typed by somebody, perhaps in order to be read as something else. Each of them goes through the chat's own
//! escaping before it becomes part of the sentence, in one line and cut; the words around them are fixed.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Characters of a name that are shown.
const MAX_NAME: usize = 200;
/// Of the words of an error.
const MAX_WORDS: usize = 400;
/// Fields of a project that are named; of more, only their number is told.
const MAX_FIELDS: usize = 8;

/// What an event tells, as far as people want to read it.
#[derive(Debug, Deserialize)]
struct Event {
    #[serde(default)]
    event: String,
    project_id: Option<String>,
    count: Option<u64>,
    #[serde(default)]
    data: Map<String, Value>,
}

/// The sentence for an event's body. None: it is no event. `escape` makes text of others' harmless in the chat that it is written to.
pub fn sentence(body: &[u8], escape: impl Fn(&str) -> String) -> Option<String> {
    let event: Event = serde_json::from_slice(body).ok()?;
    let shown = |text: &str, most| escape(&line(text, most));
    let data = |name: &str| event.data.get(name).and_then(Value::as_str);
    let project = match (data("name"), &event.project_id) {
        (Some(name), _) => format!("the project “{}”", shown(name, MAX_NAME)),
        (None, Some(id)) => format!("the project {}", shown(id, MAX_NAME)),
        (None, None) => "a project".to_owned(),
    };
    let device = event.data.get("device").and_then(|device| device.get("name")).and_then(Value::as_str);
    let device = device.map(|name| format!(": “{}”", shown(name, MAX_NAME))).unwrap_or_default();
    let sentence = match event.event.as_str() {
        "project.created" => format!("{project} was created"),
        "project.updated" => format!("{project} was changed{}", fields(&event, |name| shown(name, MAX_NAME))),
        "project.deleted" => format!("{project} was deleted"),
        "sync.completed" => match (event.count, &event.project_id) {
            (Some(count), None) => format!("{count} projects were synced"),
            _ => format!("{project} was synced"),
        },
        "sync.failed" => {
            let code = data("code").map(|code| format!(" ({})", shown(code, MAX_NAME))).unwrap_or_default();
            let why =
                data("message").map(|words| format!(": {}", shown(words, MAX_WORDS))).unwrap_or_default();
            format!("a sync failed{code}{why}")
        }
        "conflict.detected" => {
            let field = data("field").map(|field| format!(" over its {}", shown(field, MAX_NAME)));
            format!("{project} is in conflict{}", field.unwrap_or_default())
        }
        "device.added" => format!("a device was signed in{device}"),
        "device.revoked" => format!("a device was signed out{device}"),
        "orkee.test" => "a test of this webhook: messages from Orkee arrive here".to_owned(),
        other => format!("{}{}", shown(other, MAX_NAME), about(&event, &project)),
    };
    Some(capitalised(&sentence))
}

/// ": name, priority", as far as the event names them.
fn fields(event: &Event, shown: impl Fn(&str) -> String) -> String {
    let Some(fields) = event.data.get("fields").and_then(Value::as_array) else { return String::new() };
    let names: Vec<_> = fields.iter().filter_map(Value::as_str).map(shown).collect();
    match names.len() {
        0 => String::new(),
        1..=MAX_FIELDS => format!(": {}", names.join(", ")),
        more => format!(": {more} fields"),
    }
}

fn about(event: &Event, project: &str) -> String {
    match event.project_id {
        Some(_) => format!(": {project}"),
        None => String::new(),
    }
}

/// One line without control characters, of so many characters at most.
fn line(text: &str, most: usize) -> String {
    // Marks that turn the direction of what follows, or are not seen at all, are no part of a name.
    let hidden = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    let plain = text.chars().filter(|c| !hidden(*c)).map(|c| if c.is_control() { ' ' } else { c });
    let words = plain.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

fn capitalised(sentence: &str) -> String {
    let mut rest = sentence.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + rest.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str) -> String {
        sentence(body.as_bytes(), |text| text.replace('<', "&lt;")).unwrap()
    }

    #[test]
    fn each_event_is_told_in_a_sentence() {
        for (body, told) in [
            (
                r#"{"event":"project.created","project_id":"aaaaaaaa","data":{"name":"Boat"}}"#,
                "The project “Boat” was created",
            ),
            (
                r#"{"event":"project.updated","project_id":"aaaaaaaa","data":{"name":"Boat","fields":["name","status"]}}"#,
                "The project “Boat” was changed: name, status",
            ),
            (r#"{"event":"project.deleted","project_id":"aaaaaaaa"}"#, "The project aaaaaaaa was deleted"),
            (r#"{"event":"sync.completed","project_id":"aaaaaaaa"}"#, "The project aaaaaaaa was synced"),
            (r#"{"event":"sync.completed","project_id":null,"count":120}"#, "120 projects were synced"),
            (
                r#"{"event":"sync.failed","project_id":null,"data":{"code":"E-NET-001","message":"nobody answers"}}"#,
                "A sync failed (E-NET-001): nobody answers",
            ),
            (
                r#"{"event":"conflict.detected","project_id":"aaaaaaaa","data":{"name":"Boat","field":"status"}}"#,
                "The project “Boat” is in conflict over its status",
            ),
            (
                r#"{"event":"device.added","project_id":null,"data":{"device":{"name":"laptop"}}}"#,
                "A device was signed in: “laptop”",
            ),
            (r#"{"event":"device.revoked","project_id":null}"#, "A device was signed out"),
            (
                r#"{"event":"orkee.test","project_id":null}"#,
                "A test of this webhook: messages from Orkee arrive here",
            ),
            (r#"{"event":"project.moved","project_id":"aaaaaaaa"}"#, "Project.moved: the project aaaaaaaa"),
        ] {
            assert_eq!(of(body), told);
        }
    }

    #[test]
    fn a_name_is_escaped_cut_and_in_one_line() {
        let body = format!(
            r#"{{"event":"project.created","data":{{"name":"a\n\t<b>\u202e{}"}}}}"#,
            "x".repeat(MAX_NAME)
        );
        let told = of(&body);
        assert!(told.starts_with("The project “a &lt;b>x") && told.ends_with("x…” was created"), "{told}");
    }

    #[test]
    fn what_is_no_event_is_no_sentence() {
        for body in ["", "[]", "7", "{\"event\":7}", "\u{feff}{}"] {
            assert_eq!(sentence(body.as_bytes(), str::to_owned), None, "{body}");
        }
    }
}
