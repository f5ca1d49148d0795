//! The interface on one of two devices: syncs that are started there, and conflicts side by side.

use std::process::Command;

use orkee_tests::device::Device;
use orkee_tests::server::Server;
use orkee_tests::tmux::Tmux;

use super::LOCALE;

/// Two devices of one account; the first is where the interface is used.
struct Pair {
    server: Server,
    here: Device,
    there: Device,
    id: String,
}

impl Pair {
    fn new() -> Self {
        let server = Server::start();
        let token = server.token();
        let there = Device::with_token(&server.url, &token);
        let id = there.add("shop");
        there.sync();
        let here = Device::with_token(&server.url, &token).warmed_by(&there);
        here.sync();
        Self { server, here, there, id }
    }

    /// Each of these fields is changed on both devices, and the other one was first.
    fn in_conflict(fields: &[(&str, &str, &str)]) -> Self {
        let pair = Self::new();
        for (field, here, there) in fields {
            pair.here.edit(&pair.id, &format!("--{field}"), here);
            pair.there.edit(&pair.id, &format!("--{field}"), there);
        }
        pair.there.sync();
        pair
    }

    fn ui(&self, columns: u16, lines: u16) -> Option<Tmux> {
        Tmux::open(&self.command(), columns, lines)
    }

    fn command(&self) -> Command {
        let mut command = self.here.orkee(&["ui"]);
        command.env("LANG", LOCALE);
        let editor = self.here.path("editor.sh");
        std::fs::write(&editor, "echo 'written by hand' > \"$1\"").unwrap();
        command.env("EDITOR", format!("bash {}", editor.display()));
        command
    }
}

#[test]
fn d65_what_is_being_typed_when_a_sync_fails_is_not_lost() {
    let mut pair = Pair::new();
    let Some(tmux) = pair.ui(100, 30) else { return };
    tmux.wait_for("✓ In step");
    pair.server.stop();
    tmux.press(&["s", "n"]);
    tmux.wait_for("New project");
    tmux.write("request u");
    // It is told once, until the next key, and for as long as it is so; on a slow machine it comes before the last letter.
    tmux.wait_for("sync failed");
    tmux.write("nit");
    let screen = tmux.wait_for("request unit");
    assert!(!screen.contains("error["), "{screen}");
    tmux.press(&["Enter"]);
    tmux.wait_for("error[E-");
    assert_eq!(pair.here.run(&["projects", "show", "request unit"]).code, Some(0));
}

#[test]
fn d66_a_conflict_that_was_not_on_the_screen_is_not_decided() {
    let pair = Pair::in_conflict(&[("name", "here", "there"), ("description", "one", "two")]);
    pair.here.sync_whatever();
    let Some(tmux) = pair.ui(100, 30) else { return };
    tmux.wait_for("in conflict");
    tmux.press(&["c"]);
    tmux.wait_for("Conflicts  2");
    // Both keys at once: the second one is not meant for what nobody has seen.
    tmux.press(&["l", "l"]);
    tmux.wait_until("one left", |screen| screen.contains("Conflicts  1"));
    let left = pair.here.json(&["cloud", "conflicts"]);
    assert_eq!(left["conflicts"].as_array().unwrap().len(), 1, "{left}");
}

#[test]
fn d64_d66_what_was_decided_is_taken_back_and_nothing_that_was_done_elsewhere() {
    let pair = Pair::in_conflict(&[("name", "here", "there"), ("description", "one", "two")]);
    pair.here.sync_whatever();
    let Some(tmux) = pair.ui(100, 30) else { return };
    tmux.wait_for("in conflict");
    tmux.press(&["n"]);
    tmux.wait_for("New project");
    tmux.write("mine");
    tmux.press(&["Enter"]);
    tmux.wait_for("Added mine");
    tmux.press(&["c"]);
    tmux.wait_for("Conflicts  2");
    // What is left in the editor decides nothing, so that there is nothing to take back here.
    std::fs::write(pair.here.path("editor.sh"), "true").unwrap();
    tmux.press(&["e"]);
    tmux.wait_for("waits as before");
    tmux.press(&["u"]);
    tmux.wait_for("Nothing was decided here yet");
    assert_eq!(pair.here.run(&["projects", "show", "mine"]).code, Some(0));
    // The value here stays, by mistake.
    tmux.press(&["l"]);
    tmux.wait_for("description of here stays as it is here. u takes it back");
    tmux.press(&["u"]);
    let screen = tmux.wait_for("description of here waits again");
    assert!(screen.contains("Conflicts  2") && screen.contains("+ two"), "{screen}");
    // So with all of them, from the list, where the last one led to.
    tmux.press(&["L"]);
    tmux.wait_for("Settled 2 of here");
    for field in ["name", "description"] {
        tmux.press(&["u"]);
        tmux.wait_for(&format!("{field} of here waits again"));
    }
    let waits = pair.here.json(&["cloud", "conflicts"]);
    assert_eq!(waits["conflicts"].as_array().unwrap().len(), 2, "{waits}");
    tmux.press(&["u"]);
    tmux.wait_for("Took back the new project mine");
}

#[test]
fn d65_what_is_done_here_is_synced_by_itself_at_once_and_leaves_no_process_behind() {
    let pair = Pair::new();
    let mut command = pair.command();
    command.env("ORKEE_CLOUD_SYNC_ON_CREATE", "true");
    let Some(tmux) = Tmux::open(&command, 100, 30) else { return };
    tmux.wait_for("✓ In step");
    tmux.press(&["n"]);
    tmux.wait_for("New project");
    tmux.write("made here");
    tmux.press(&["Enter"]);
    tmux.wait_for("Added made here");
    orkee_tests::wait::until("the other device to have it", || {
        pair.there.sync();
        (pair.there.run(&["projects", "show", "made here"]).code == Some(0)).then_some(())
    });
    tmux.press(&["g"]);
    tmux.wait_for("✓ In step");
    orkee_tests::wait::until("no child", || tmux.children().trim().is_empty().then_some(()));
}

#[test]
fn d65_d66_a_sync_finds_conflicts_and_they_are_settled_side_by_side() {
    let pair = Pair::in_conflict(&[
        ("name", "from here", "from there"),
        ("description", "one\ntwo\nthree", "one\n2\nthree"),
        ("setup", "make here", "make there"),
    ]);
    let Some(tmux) = pair.ui(100, 30) else { return };
    let screen = tmux.wait_for("↑ 1 to send");
    assert!(screen.contains("▌ ↑ from here"), "{screen}");
    tmux.press(&["s"]);
    let screen = tmux.wait_for("3 in conflict. c shows them");
    assert!(screen.contains("▌ ! from here"), "{screen}");
    tmux.press(&["c"]);
    let screen = tmux.wait_for("Conflicts  3");
    for told in ["▌ from here  description", "Here  ", "│ Cloud  ", "- two", "│ + 2", "  one ", "│   one"]
    {
        assert!(screen.contains(told), "{told}:\n{screen}");
    }
    tmux.press(&["l"]);
    tmux.wait_for("description of from here stays as it is here");
    tmux.press(&["c"]);
    let screen = tmux.wait_for("name of from here is the cloud's now. u takes it back");
    assert!(screen.contains("Conflicts  1"), "{screen}");
    assert_eq!(pair.here.field(&pair.id, "name"), "from there");
    tmux.press(&["u"]);
    let screen = tmux.wait_for("Took back the decision: name of from here waits again");
    assert!(screen.contains("Conflicts  2"), "{screen}");
    assert!(screen.contains("▌ from here  name"), "{screen}");
    assert_eq!(pair.here.field(&pair.id, "name"), "from here");
    tmux.press(&["j"]);
    tmux.wait_for("▌ from here  setupScript");
    tmux.press(&["e"]);
    tmux.wait_for("setupScript of from here is what you wrote");
    assert_eq!(pair.here.field(&pair.id, "setupScript"), "written by hand");
    tmux.press(&["l"]);
    let screen = tmux.wait_for("No conflict is left: s sends it");
    assert!(screen.contains("Projects  1"), "{screen}");
    tmux.press(&["s"]);
    tmux.wait_for("Synced: 1 sent");
    tmux.press(&["g"]);
    tmux.wait_for("✓ In step");
    pair.there.sync();
    assert_eq!(pair.there.field(&pair.id, "setupScript"), "written by hand");
    assert_eq!(pair.there.field(&pair.id, "description"), "one\ntwo\nthree");
}

#[test]
fn d65_a_sync_that_fails_says_why_and_the_interface_goes_on() {
    let mut pair = Pair::new();
    let Some(tmux) = pair.ui(100, 30) else { return };
    tmux.wait_for("✓ In step");
    pair.server.stop();
    pair.here.edit(&pair.id, "--name", "renamed");
    tmux.wait_for("↑ 1 to send");
    tmux.press(&["s"]);
    let screen = tmux.wait_for("error[E-");
    assert!(screen.contains("caused by: ") || screen.contains("hint: "), "{screen}");
    tmux.press(&["Escape"]);
    tmux.wait_until("the list", |screen| !screen.contains("error[E-") && screen.contains("↑ 1 to send"));
    pair.server.resume();
    tmux.press(&["s"]);
    tmux.wait_for("Synced: 1 sent");
}
