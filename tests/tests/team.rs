//! A team shares its projects: which, with whom, and what each may do with them.

#![allow(clippy::unwrap_used, clippy::panic)]

use orkee_tests::office::Office;
use orkee_tests::terminal::Terminal;
use serde_json::json;

#[test]
fn t01_a_stores_projects_are_shared_once_somebody_said_yes_and_no_others_are() {
    let office = Office::open();
    let Office { ann, ben, .. } = &office;
    ["shop", "blog"].iter().for_each(|name| drop(ann.device.add(name)));
    ann.device.sync();

    let nobody = ann.sync(&[]).fails(2, "E-CLI-003");
    let nobody =
        nobody.says("Share the 2 projects of this store with team acme: 3 members, ann@example.com, ben");
    nobody.says("add --yes");
    ann.sync(&["--dry-run"]).success();
    let (status, screen) = {
        let mut terminal = Terminal::open(ann.command(&["cloud", "sync"]), 200);
        terminal.answer("Share the 2 projects", "n\n");
        terminal.finish()
    };
    assert!(!status.success() && screen.contains("E-CLI-004"), "{screen}");
    assert_eq!(ben.sees(), [""; 0], "nothing was sent yet");

    let mut terminal = Terminal::open(ann.command(&["cloud", "sync"]), 200);
    terminal.answer("Share the 2 projects", "y\n");
    let (status, screen) = terminal.finish();
    assert!(status.success(), "{screen}");
    ann.sync(&[]).success();
    ben.sync(&[]).success();
    assert_eq!(ben.device.export(), ann.device.export());
    assert_eq!(ben.sees(), ["shop", "blog"]);
    assert_eq!(ben.owns(), [""; 0], "what is the team's is in nobody's own space");
    assert_eq!(ann.owns(), ["shop", "blog"], "and what was there stays there");
}

#[test]
fn t01_a_way_back_to_ones_own_space_is_asked_for_too() {
    let (office, _) = Office::with_a_project();
    let ben = &office.ben;
    ben.device
        .run(&["cloud", "sync"])
        .fails(2, "E-CLI-003")
        .says("so far team acme's, along to ben@example.com at");
    assert_eq!(ben.owns(), [""; 0]);
    ben.device.run(&["cloud", "sync", "--yes"]).success();
    assert_eq!(ben.owns(), ["shop"]);
    ben.device.add("private");
    ben.device.sync();
    assert_eq!(ben.sees(), ["shop"], "what came later is not the team's");
    ben.sync(&[]).fails(2, "E-CLI-003").says("Share the 2 projects");
}

#[test]
fn t01_status_says_with_whom_projects_are_shared() {
    let office = Office::open();
    let told = office.eve.json(&["cloud", "status"]);
    assert_eq!((&told["team_mode"], &told["team"]["name"]), (&json!(true), &json!("acme")), "{told}");
    assert_eq!((&told["team"]["role"], &told["team"]["members"]), (&json!("read-only"), &json!(3)), "{told}");
    let words = office.ann.run(&["cloud", "status"]).success().stdout;
    assert!(words.contains("Team: acme (your role: owner; members: 3)"), "{words}");
    let alone = office.ann.device.json(&["cloud", "status"]);
    assert_eq!((&alone["team_mode"], &alone["team"]), (&json!(false), &json!(null)), "{alone}");
}

#[test]
fn t02_who_is_in_a_team_was_added_or_invited_and_has_joined() {
    let office = Office::open();
    let (ann, zoe) = (&office.ann, office.visitor("zoe"));
    zoe.device.add("zoe's");
    zoe.sync(&["--yes"]).fails(4, "E-TEAM-001").says("zoe@example.com is in no team");
    zoe.run(&["cloud", "team", "join", "acme"]).fails(2, "E-PLUGIN-023").says("not invited");

    ann.run(&["cloud", "team", "invite", "zoe@example.com", "--role", "read-only"]).success();
    zoe.sync(&["--yes"]).fails(4, "E-TEAM-001").says("cloud team join acme");
    assert_eq!(zoe.ask("GET", "/v1/projects", &[], b"").json()["error"]["code"], "no-team");
    let invited = zoe.json(&["cloud", "team"]);
    assert_eq!(invited["invitations"], json!([{"team": "acme", "role": "read-only"}]));
    zoe.run(&["cloud", "team", "join", "acme"]).success();
    let joined = zoe.json(&["cloud", "team"]);
    assert_eq!((&joined["team"]["name"], &joined["team"]["role"]), (&json!("acme"), &json!("read-only")));
    assert_eq!(joined["team"]["members"].as_array().unwrap().len(), 4);

    let server = &office.server;
    let again = server.command(&["team", "create", "other", "--owner", "zoe@example.com"]).exits(2);
    assert!(again.stderr.contains("nobody is in two"), "{again}");
    ann.run(&["cloud", "team", "invite", "nobody@example.com"]).fails(2, "E-PLUGIN-023").says("no account");
}

#[test]
fn t02_an_invitation_can_be_taken_back() {
    let office = Office::open();
    let zoe = office.visitor("zoe");
    office.ann.run(&["cloud", "team", "invite", "zoe@example.com"]).success();
    office.ann.run(&["cloud", "team", "remove", "zoe@example.com", "--yes"]).success();
    zoe.run(&["cloud", "team", "join", "acme"]).fails(2, "E-PLUGIN-023");
    assert_eq!(zoe.json(&["cloud", "team"])["invitations"], json!([]));
}

#[test]
fn t03_a_role_says_what_its_holder_may_do_from_the_next_request_on() {
    let (office, id) = Office::with_a_project();
    let Office { server, ann, ben, eve } = &office;
    for who in [ben, eve] {
        who.run(&["cloud", "team", "invite", "x@example.com"]).fails(4, "E-AUTH-002").says("only an owner");
        who.run(&["cloud", "team", "role", &who.email, "owner"]).fails(4, "E-AUTH-002");
        who.run(&["cloud", "team", "remove", &ann.email, "--yes"]).fails(4, "E-AUTH-002");
    }
    ben.device.edit(&id, "--description", "ben's");
    ben.sync(&[]).success();
    eve.sync(&[]).success();
    assert_eq!(eve.device.field(&id, "description"), "ben's", "who may only read reads");

    ann.run(&["cloud", "team", "role", &ben.email, "read-only"]).success();
    ben.device.edit(&id, "--description", "too late");
    ben.sync(&[]).exits(3);
    ann.run(&["cloud", "team", "role", &eve.email, "owner"]).success();
    eve.run(&["cloud", "team", "role", &ben.email, "member"]).success();
    ben.device.run(&["cloud", "parked", "retry"]).success();
    ben.sync(&[]).success();
    server.command(&["team", "role", "acme", &eve.email, "member"]).success();
    assert_eq!(eve.json(&["cloud", "team"])["team"]["role"], "member");
    let last = ann.run(&["cloud", "team", "role", &ann.email, "member"]).fails(2, "E-PLUGIN-023");
    last.says("the only owner");
    let listed = server.command(&["team", "list", "acme"]).success().stdout;
    assert!(
        listed.contains("ann@example.com  owner") && listed.contains("ben@example.com  member"),
        "{listed}"
    );
}

#[test]
fn t04_who_leaves_keeps_what_they_fetched_and_goes_on_alone() {
    let (office, id) = Office::with_a_project();
    let Office { ann, ben, .. } = &office;
    ann.run(&["cloud", "team", "leave", "--yes"]).fails(2, "E-PLUGIN-023").says("the only owner");
    ben.run(&["cloud", "team", "leave"]).fails(2, "E-CLI-003");
    ben.run(&["cloud", "team", "leave", "--yes"]).success();
    assert_eq!(ben.json(&["cloud", "team"])["removed_from"], "acme");
    ann.device.edit(&id, "--description", "after ben");
    ann.sync(&[]).success();
    ben.sync(&[]).fails(4, "E-TEAM-002").says("no longer a member of team acme");
    assert_eq!(ben.device.field(&id, "name"), "shop");
    ben.device.run(&["cloud", "sync", "--yes"]).success();
    assert_eq!(ben.owns(), ["shop"]);
    assert_eq!(ann.sees(), ["shop"], "the team keeps what they wrote");
    assert_eq!(ben.device.field(&id, "description"), json!(null), "and they get no more of it");
}
