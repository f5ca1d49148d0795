//! What a team refuses, and what it knows of who did what.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{Read, Write};

use orkee_tests::office::{Colleague, Office};
use serde_json::{Value, json};

const FRAMED: &str = "application/vnd.orkee.sync";

#[test]
fn t05_who_may_only_read_is_told_so_for_each_project_and_everything_else_goes_on() {
    let (office, id) = Office::with_a_project();
    let Office { server, ann, eve, .. } = &office;
    eve.device.edit(&id, "--description", "eve's");
    let own = eve.device.add("eve's");
    ann.device.add("news");
    ann.sync(&[]).success();

    let ran = eve.sync(&["--json"]).exits(3).json();
    assert_eq!((&ran["pushed"], &ran["pulled"]), (&json!(0), &json!(1)), "{ran}");
    let parked = ran["parked"].as_array().unwrap();
    assert_eq!(parked.len(), 2, "{ran}");
    for one in parked {
        let reason = one["reason"].as_str().unwrap();
        assert!(reason.contains("your role in team acme is read-only"), "{reason}");
    }
    assert_eq!(eve.device.field(&id, "description"), "eve's", "what was changed here stays");
    assert_eq!(ann.sees(), ["shop", "news"]);
    eve.sync(&[]).success();
    let told = eve.device.json(&["cloud", "parked"])["parked"].as_array().unwrap().len();
    assert_eq!(told, 2, "until it changes or is retried it is not sent again");

    let body = json!({"projects": [{"id": id, "name": "script"}]}).to_string();
    let json = [("content-type", "application/json")];
    let refused = eve.ask("POST", "/v1/sync", &json, body.as_bytes());
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (403, &json!("forbidden")));

    server.command(&["team", "role", "acme", &eve.email, "member"]).success();
    eve.device.run(&["cloud", "parked", "retry"]).success();
    eve.sync(&[]).success();
    ann.sync(&[]).success();
    assert_eq!(ann.device.field(&id, "description"), "eve's");
    assert_eq!(ann.device.field(&own, "name"), "eve's");
}

#[test]
fn t06_a_removed_members_offline_edits_stay_and_leave_the_machine_as_they_like() {
    let (office, id) = Office::with_a_project();
    let Office { server, ann, ben, .. } = &office;
    assert_eq!(ben.ask("GET", "/v1/projects", &[], b"").status, 200);
    ben.device.edit(&id, "--description", "on the train");
    let new = ben.device.add("on the train, too");
    server.command(&["team", "remove", "acme", &ben.email]).success();

    let refused = ben.ask("GET", "/v1/projects", &[], b"");
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (403, &json!("not-a-member")));
    let ran = ben.sync(&[]).fails(4, "E-TEAM-002").says("ben@example.com is no longer a member of team acme");
    ran.says("orkee projects export");
    let status = ben.run(&["cloud", "status"]).exits(4);
    assert!(status.stdout.contains("no longer a member of team acme"), "{status}");
    let exported = ben.device.export();
    assert!(exported.contains("on the train") && exported.contains(&new), "{exported}");
    ann.sync(&[]).success();
    assert_eq!(ann.device.field(&id, "description"), json!(null), "nothing of it reached the team");

    ben.device.run(&["cloud", "sync", "--yes"]).success();
    assert_eq!(ben.owns(), ["shop", "on the train, too"]);
    assert_eq!(ben.device.field(&id, "description"), "on the train");
    server.command(&["team", "add", "acme", &ben.email]).success();
    assert_eq!(ben.sees(), ["shop"], "who comes back is asked before anything is shared");
    ben.sync(&[]).fails(2, "E-CLI-003");
}

#[test]
fn t06_a_request_that_began_before_its_sender_was_removed_writes_nothing_after_it() {
    let (office, _) = Office::with_a_project();
    let head =
        r#"{"v":1,"ancestry":{"w":1},"device":"d","at":"2026-01-02T03:04:05Z","author":"ben@example.com"}"#;
    let body = framed(&format!("{head}\n{}", r#"{"id":"zzzzzzzz","name":"slow"}"#));
    let (first, rest) = body.split_at(body.len() / 2);
    let mut slow = office.ben.begin("POST", "/v1/sync", &[("content-type", FRAMED)], body.len());
    slow.write_all(first).unwrap();
    office.server.command(&["team", "remove", "acme", &office.ben.email]).success();
    slow.write_all(rest).unwrap();
    let mut reply = String::new();
    slow.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 403") && reply.contains("not-a-member"), "{reply}");
    assert_eq!(office.ann.sees(), ["shop"]);
}

#[test]
fn t06_a_disabled_account_is_out_at_its_next_request() {
    let (office, _) = Office::with_a_project();
    let Office { server, ben, .. } = &office;
    server.command(&["user", "disable", &ben.email]).success();
    assert_eq!(ben.ask("GET", "/v1/account", &[], b"").status, 401);
    ben.sync(&[]).fails(4, "E-AUTH-001");
    server.command(&["user", "enable", &ben.email]).success();
    assert_eq!(ben.ask("GET", "/v1/account", &[], b"").status, 401, "its tokens do not come back");
}

#[test]
fn t06_who_is_moved_to_another_team_shares_nothing_with_it_unasked() {
    let (office, id) = Office::with_a_project();
    let Office { server, ben, .. } = &office;
    let zoe = office.visitor("zoe");
    server.command(&["team", "create", "rivals", "--owner", &zoe.email]).success();
    server.command(&["team", "remove", "acme", &ben.email]).success();
    server.command(&["team", "add", "rivals", &ben.email]).success();
    ben.device.edit(&id, "--description", "secret");
    ben.sync(&[]).fails(2, "E-CLI-003").says("so far team acme's, with team rivals");
    assert_eq!(zoe.sees(), [""; 0]);
    let acme = [("orkee-team", "someotherteam000")];
    let refused = ben.ask("GET", "/v1/projects", &acme, b"");
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (403, &json!("another-team")));
}

#[test]
fn t07_history_says_who_changed_what_on_every_device() {
    let (office, id) = Office::with_a_project();
    let Office { ann, ben, eve, .. } = &office;
    ben.device.edit(&id, "--description", "ben's");
    let waiting = versions(ben, &id);
    assert_eq!(waiting.last().unwrap()["author"], json!(null), "nobody brought it to the team yet");
    ben.sync(&[]).success();
    ann.sync(&[]).success();
    let body = json!({"projects": [{"id": id, "name": "ann's script"}]}).to_string();
    let json = [("content-type", "application/json")];
    assert_eq!(ann.ask("POST", "/v1/sync", &json, body.as_bytes()).status, 200);
    for who in [ann, ben, eve] {
        who.sync(&[]).success();
    }
    let authors = |who: &Colleague| {
        versions(who, &id).iter().map(|v| v["author"].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>()
    };
    let expected = ["ann@example.com", "ben@example.com", "ann@example.com"];
    assert_eq!(authors(ann), expected);
    assert_eq!(authors(ben), expected);
    let words = ann.device.run(&["projects", "history", &id]).success().stdout;
    assert!(words.contains("ben@example.com"), "{words}");
    assert_eq!(authors(eve).last().map(String::as_str), Some("ann@example.com"));
}

#[test]
fn t07_nobody_writes_in_anothers_name_and_nobody_writes_without_one() {
    let (office, _) = Office::with_a_project();
    for (author, said) in
        [(r#","author":"ann@example.com""#, "ann@example.com wrote it"), ("", "nobody wrote it")]
    {
        let head =
            format!(r#"{{"v":1,"ancestry":{{"w":1}},"device":"d","at":"2026-01-02T03:04:05Z"{author}}}"#);
        let envelope = format!("{head}\n{}", r#"{"id":"zzzzzzzz","name":"forged"}"#);
        let reply = office.ben.ask("POST", "/v1/sync", &[("content-type", FRAMED)], &framed(&envelope));
        assert_eq!(reply.status, 200, "{}", reply.text());
        let told = reply.text();
        assert!(told.contains("rejected") && told.contains("forbidden") && told.contains(said), "{told}");
    }
    assert_eq!(office.ann.sees(), ["shop"]);
}

#[test]
fn t08_every_write_of_a_team_leaves_a_row_that_says_who_did_it() {
    let (office, id) = Office::with_a_project();
    let Office { server, ann, ben, eve } = &office;
    ben.device.edit(&id, "--description", "ben's");
    ben.sync(&[]).success();
    eve.device.edit(&id, "--description", "eve's");
    eve.sync(&[]).exits(3);
    ben.device.run(&["projects", "delete", &id, "--yes"]).success();
    ben.sync(&[]).success();
    let zoe = office.visitor("zoe");
    zoe.device.add("zoe's own");
    zoe.device.sync();
    ann.run(&["cloud", "team", "remove", &eve.email, "--yes"]).success();

    let all = office.audit(&["--team", "acme"]);
    let writes: Vec<&Value> =
        all.iter().filter(|row| matches!(row["action"].as_str(), Some("write" | "delete"))).collect();
    let told: Vec<_> = writes
        .iter()
        .map(|row| (row["account"].as_str().unwrap(), row["action"].as_str().unwrap()))
        .collect();
    let expected =
        [("ann@example.com", "write"), ("ben@example.com", "write"), ("ben@example.com", "delete")];
    assert_eq!(told, expected, "what was refused was not written");
    for row in &writes {
        assert_eq!((&row["subject"], &row["team"]), (&json!(id), &json!("acme")), "{row}");
        assert_eq!(row["device_name"], "API token", "{row}");
        assert!(row["device"].as_str().is_some() && row["request_id"].as_str().is_some(), "{row}");
        assert!(row["at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{row}");
    }
    let deeds: Vec<&str> = all.iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(deeds[..4], ["create-team", "add-member", "add-member", "add-member"]);
    assert_eq!(deeds.last(), Some(&"remove-member"));
    assert_eq!(all.last().unwrap()["account"], "ann@example.com");
    assert_eq!(office.audit(&[]), all, "a space of one's own is told of to nobody");
    assert_eq!(office.audit(&["--since", "2100-01-01"]), [json!(null); 0]);
    let words = server.command(&["audit", "--team", "acme", "--since", "1d"]).success().stdout;
    assert_eq!(words.lines().count(), all.len(), "{words}");
    assert!(words.contains("ben@example.com") && words.contains(&id), "{words}");
}

fn versions(who: &Colleague, id: &str) -> Vec<Value> {
    who.device.json(&["projects", "history", id])["versions"].as_array().unwrap().clone()
}

/// A request that writes one new record.
fn framed(envelope: &str) -> Vec<u8> {
    let head = json!({
        "cursor": {},
        "mutations": [{ "id": "zzzzzzzz", "guard": null, "len": envelope.len() }],
        "limit": 0,
    });
    format!("{head}\n{envelope}").into_bytes()
}
