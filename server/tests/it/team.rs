//! Teams: who may change who is in one, and what holds while several do at once.

use serde_json::json;

use crate::support::{Home, Request, Response, Server};

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";

/// A team of two owners, and their tokens.
fn two_owners() -> (Home, Server, [String; 2]) {
    let (home, server) = Home::with_ann(&[]);
    home.add_user(BOB);
    done(&home, &["team", "create", "acme", "--owner", ANN]);
    done(&home, &["team", "add", "acme", BOB, "--role", "owner"]);
    let tokens = [ANN, BOB].map(|who| home.token(who));
    (home, server, tokens)
}

#[track_caller]
fn done(home: &Home, args: &[&str]) -> String {
    let output = home.run(args, "");
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn fails(home: &Home, args: &[&str], says: &str) {
    let output = home.run(args, "");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {told}");
    assert!(told.contains(says), "{args:?}: {told}");
}

fn leave(server: &Server, token: &str) -> Response {
    server.send(&Request::post("/v1/team/leave", "").bearer(token))
}

#[test]
fn two_owners_who_leave_at_once_do_not_leave_the_team_without_one() {
    let (home, server, tokens) = two_owners();
    for round in 0..8 {
        let mut statuses = std::thread::scope(|scope| {
            let asked = tokens.each_ref().map(|token| scope.spawn(|| leave(&server, token).status));
            asked.map(|asked| asked.join().unwrap())
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409], "round {round}");
        let members = done(&home, &["team", "list", "acme"]);
        assert_eq!(members.lines().count(), 1, "{members}");
        let gone = if members.contains(ANN) { BOB } else { ANN };
        done(&home, &["team", "add", "acme", gone, "--role", "owner"]);
    }
}

#[test]
fn whoever_is_disabled_owns_nothing_and_is_given_nothing_and_can_be_removed() {
    let (home, server, [ann, _]) = two_owners();
    done(&home, &["user", "disable", BOB]);
    let last = leave(&server, &ann);
    assert_eq!(
        (last.status, last.code().as_str()),
        (409, "last-owner"),
        "only a disabled owner would be left"
    );
    let role = json!({ "role": "member" }).to_string();
    let put = |who: &str| Request::put(format!("/v1/team/members/{who}"), role.clone());
    let given = server.send(&put(BOB).bearer(&ann));
    assert_eq!((given.status, given.code().as_str()), (409, "disabled"));
    assert_eq!(server.send(&put(ANN).bearer(&ann)).code(), "last-owner");
    fails(&home, &["team", "role", "acme", BOB, "member"], "bob@example.com is disabled");
    let members = done(&home, &["team", "list", "acme"]);
    assert!(members.lines().any(|line| line.contains(BOB) && line.ends_with("disabled")), "{members}");
    done(&home, &["team", "remove", "acme", BOB]);
    fails(&home, &["team", "create", "other", "--owner", BOB], "bob@example.com is disabled");
    assert_eq!(done(&home, &["team", "list"]), "acme  1 members\n", "nothing is left of what failed");
}
