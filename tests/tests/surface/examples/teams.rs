//! The examples of `orkee cloud team`, typed by three people of a team.

use orkee_tests::server::Server;

use super::person::{Person, have_typed_all};

#[test]
fn s02_every_example_of_a_team_does_what_it_says() {
    let server = Server::tireless();
    let [ann, ben, eve] = ["ann", "ben", "eve"]
        .map(|name| Person::at(&server.url, &server.account(&format!("{name}@example.com"))));
    server.command(&["team", "create", "acme", "--owner", "ann@example.com"]).success();

    ann.types("orkee cloud team", &[], "Team: acme (your role: owner)");
    ann.types("orkee cloud team invite ben@example.com", &[], "ben@example.com may join as member");
    let invite = "orkee cloud team invite eve@example.com --role read-only";
    ann.types(invite, &[], "eve@example.com may join as read-only");
    ben.types("orkee cloud team join acme", &[], "joined acme");
    eve.types("orkee cloud team join acme --json", &[], r#""role":"read-only""#);
    let seen = ann.types("orkee cloud team show", &[], "ben@example.com  member");
    assert!(seen.contains("eve@example.com  read-only"), "{seen}");

    ann.types("orkee cloud team role eve@example.com member", &[], "eve@example.com is member now");
    ann.types("orkee cloud team role ben@example.com owner", &[], "ben@example.com is owner now");
    let told = ben.types("orkee cloud team show --json", &[], r#""role":"owner""#);
    assert!(told.contains(r#"{"email":"eve@example.com","role":"member"}"#), "{told}");
    let gone = "eve@example.com is no longer in the team";
    ann.types(
        "orkee cloud team remove eve@example.com",
        &[("Remove eve@example.com from the team", "y")],
        gone,
    );
    assert!(eve.ok("orkee cloud team").contains("In no team; no longer in acme"));
    ann.types(invite, &[], "may join");
    ann.types("orkee cloud team remove eve@example.com --yes", &[], gone);

    ben.types("orkee cloud team leave --yes", &[], "left the team");
    ann.types("orkee cloud team invite ben@example.com --role read-only", &[], "may join as read-only");
    ben.types("orkee cloud team join acme", &[], "joined acme");
    ben.types("orkee cloud team leave", &[("Leave the team?", "y")], "left the team");
    assert!(!ann.ok("orkee cloud team").contains("ben@example.com"));
    have_typed_all(&[&ann, &ben, &eve], &["orkee cloud team"], &[]);
}
