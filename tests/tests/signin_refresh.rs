//! A refresh under bad conditions: killed anywhere, on a full disk, by a clock that is wrong, by many processes at once, ended in the
//! middle, and with lifetimes that make no sense.
//!
//! `ORKEE_REFRESH_ROUNDS=100 cargo nextest run … -E 'test(a34_twenty_processes_again)'` runs more rounds of many processes.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use orkee_tests::device::Device;
use orkee_tests::home::{Ran, finish};
use orkee_tests::mock::{Answer, Mock, tokens};
use orkee_tests::rotating::{FIRST, Rotating, no_projects, unauthorized};
use orkee_tests::server::Server;
use orkee_tests::{binaries, clock, namespace, tally, trace, wait};
use rustix::process::{Pid, Signal, kill_process};

const TOKEN: &[&str] = &["cloud", "token"];
const LIST: &[&str] = &["cloud", "list"];

/// A device whose token is over.
fn expired(server: &Rotating) -> Device {
    let device = Device::new(&server.server.url);
    device.write_auth(&device.section("orkee_old", -10, Some(FIRST)));
    device
}

fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Runs a command eight times side by side, each of which has to succeed.
#[track_caller]
fn eight_at_once(command: impl Fn() -> Command) {
    let running: Vec<Child> = (0..8).map(|_| start(&mut command())).collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a33_a_token_of_unknown_lifetime_is_refreshed_when_the_api_refuses_it_and_not_before() {
    let refused = Arc::new(AtomicBool::new(false));
    let refuses = Arc::clone(&refused);
    let server = Mock::authorization_server(move |request| match request.target.split('?').next()? {
        "/oauth/token" => {
            let n = if request.field("refresh_token").as_deref() == Some(FIRST) { 1 } else { 2 };
            let mut reply = tokens(n);
            reply.as_object_mut().unwrap().remove("expires_in");
            Some(Answer::json(200, &reply))
        }
        "/v1/projects" => {
            let is_first = request.header("authorization") == Some("Bearer orkee_access_1");
            Some(if is_first && refuses.load(Ordering::SeqCst) { unauthorized() } else { no_projects() })
        }
        _ => None,
    });
    let device = Device::new(&server.url);
    device.write_auth(&device.section("orkee_old", -10, Some(FIRST)));
    for _ in 0..3 {
        device.run(LIST).success();
    }
    assert!(!device.auth_toml().unwrap().contains("expires_at"));
    assert_eq!(server.requests_for("/oauth/token").len(), 1);
    refused.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        device.run(LIST).success();
    }
    assert_eq!(server.requests_for("/oauth/token").len(), 2);
}

#[test]
fn a33_whatever_stands_for_a_lifetime_breaks_neither_a_login_nor_a_refresh() {
    let rotating = Rotating::start();
    let warm = expired(&rotating);
    warm.run(LIST).success();
    for odd in [
        "0",
        "-1",
        "1000000000000",
        "1e12",
        "1e400",
        "-1e400",
        "3600.5",
        "\"\"",
        "\"never\"",
        "null",
        "[]",
        "{\"s\": 1}",
        "true",
    ] {
        let server = Mock::authorization_server(move |request| {
            let reply = tokens(1).to_string().replace("3600", odd);
            (request.target == "/oauth/token")
                .then(|| Answer { body: reply, ..Answer::json(200, &().into()) })
        });
        let device = Device::new(&server.url).warmed_by(&warm);
        let login = device.begin_login(&[]);
        let answer = [("code", "a"), ("state", &*login.parameter("state")), ("iss", &server.url)];
        orkee_tests::http::get(&login.callback(&answer), &[]).unwrap();
        orkee_tests::http::get(&login.callback(&[]).join("/done").unwrap(), &[]).unwrap();
        login.finish().success();
        assert_eq!(device.run(TOKEN).success().stdout, "orkee_access_1\n", "{odd}");
        device.run(&["cloud", "login", "--refresh-token"]).success();
        assert_eq!(device.run(TOKEN).success().stdout, "orkee_access_1\n", "{odd}");
        assert!(!device.auth_toml().unwrap().contains("expires_at"), "{odd}");
        assert_eq!(server.requests_for("/oauth/token").len(), 2, "{odd}");
    }
}

#[test]
fn a34_twenty_processes_again_and_again_refresh_once_each_time() {
    let rounds = std::env::var("ORKEE_REFRESH_ROUNDS").map_or(5, |rounds| rounds.parse().unwrap());
    let server = Rotating::start();
    let device = expired(&server);
    // The provider is compiled once, before it counts.
    device.run(LIST).success();
    let begun = Instant::now();
    for round in 0..rounds {
        server.begin_anew();
        device.write_auth(&device.section("orkee_old", 60, Some(FIRST)));
        let running: Vec<Child> = (0..20)
            .map(|n| start(&mut device.orkee(if (n + round) % 2 == 0 { TOKEN } else { LIST })))
            .collect();
        for child in running {
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "round {round}: {said}");
        }
        assert_eq!(server.refreshes(), 1, "round {round}");
    }
    println!("{rounds} rounds in {:.1} s", begun.elapsed().as_secs_f64());
    assert_eq!(server.uses_of("orkee_old"), 0);
    tally::note("rounds of 20 processes with one refresh", rounds);
}

#[test]
fn a37_a_server_that_says_nothing_or_cannot_be_found_leaves_the_login_as_it_is() {
    let (gate, held) = std::sync::mpsc::channel::<()>();
    let held = Mutex::new(held);
    let silent = AtomicBool::new(true);
    let server = Rotating::start_but(move |request| {
        if request.target == "/oauth/token" && silent.swap(false, Ordering::SeqCst) {
            let _ = held.lock().unwrap().recv();
            return Some(Answer::empty(503));
        }
        None
    });
    let device = expired(&server);
    let before = device.auth_toml();
    device.run(TOKEN).fails(7, "E-NET-002");
    assert_eq!(device.auth_toml(), before);
    drop(gate);
    // What the server did with that request is unknown; here it did nothing.
    assert_eq!(device.run(TOKEN).success().stdout, "orkee_access_1\n");

    let nowhere = Device::new("https://nobody.invalid");
    nowhere.write_auth(&nowhere.section("orkee_old", -10, Some(FIRST)));
    let before = nowhere.auth_toml();
    let mut command = nowhere.orkee(TOKEN);
    command.env("RES_OPTIONS", "attempts:1 timeout:2");
    finish(command, &[]).fails(6, "E-NET-001").says("nobody.invalid");
    assert_eq!(nowhere.auth_toml(), before);
}

/// The times in the token file differ from run to run.
fn without_times(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("expires_at") && !line.starts_with("issued_at")).collect()
}

/// The hour and minute now, and those just before.
fn last_minutes() -> [String; 3] {
    [0, 1, 2].map(|ago| {
        let at = Timestamp::now() - SignedDuration::from_mins(ago);
        format!("interrupted at {}", at.strftime("%H:%M"))
    })
}

#[test]
fn a39_a_kill_at_any_step_of_a_refresh_leaves_a_whole_file_and_is_told() {
    if !trace::is_there() {
        return;
    }
    let server = Rotating::start();
    let device = Device::new(&server.server.url);
    let old = device.section("orkee_old", -10, Some(FIRST));
    let begin = || {
        let _ = std::fs::remove_dir_all(device.home());
        server.begin_anew();
        device.write_auth(&old);
    };
    begin();
    let (ran, calls) = trace::record(&device.orkee(TOKEN), b"");
    ran.success();
    let new = without_times(&device.auth_toml().unwrap());
    let points = trace::points(&calls, &device.home());
    let (mut told, mut unspent, mut kept) = (0, 0, 0);
    for point in &points {
        begin();
        let killed = finish(trace::killed_before(&device.orkee(TOKEN), point), b"");
        let context = format!("killed before {} (number {})", point.text, point.nth);
        assert_eq!(killed.code, None, "{context}: {killed}");
        let left = device.auth_toml().unwrap();
        assert!(left == old || without_times(&left) == new, "{context}: {left}");
        assert_eq!(device.auth_mode(), 0o600, "{context}");
        let is_lost = left == old && server.refreshes() == 1;
        let mut again = device.orkee(TOKEN);
        again.env("TZ", "UTC");
        let again = finish(again, &[]);
        match is_lost {
            true => {
                let again = again.fails(4, "E-AUTH-004").says("hint: run `orkee cloud login`");
                assert!(last_minutes().iter().any(|at| again.stderr.contains(at)), "{context}: {again}");
                told += 1;
            }
            false => {
                assert_eq!(again.success().stdout, "orkee_access_1\n", "{context}");
                *(if left == old { &mut unspent } else { &mut kept }) += 1;
            }
        }
        assert_eq!(server.refreshes(), if is_lost { 2 } else { 1 }, "{context}");
        assert!(!device.files().iter().any(|name| name.ends_with(".new")), "{context}: {:?}", device.files());
    }
    assert!(
        told >= 3 && unspent >= 5 && kept >= 2,
        "told {told}, unspent {unspent}, kept {kept}: {points:?}"
    );
    tally::note("crash points of a refresh", points.len());
}

#[test]
fn a39_an_interrupted_refresh_is_told_even_if_the_next_one_is_killed_too() {
    if !trace::is_there() {
        return;
    }
    let server = Rotating::start();
    let device = expired(&server);
    let (_, calls) = trace::record(&device.orkee(TOKEN), b"");
    let points = trace::points(&calls, &device.home());
    let commit = points.iter().find(|point| point.is_rename()).unwrap();
    let before = points.iter().take_while(|point| *point != commit);
    for point in before.filter(|point| point.on.ends_with("auth.lock")) {
        let _ = std::fs::remove_dir_all(device.home());
        server.begin_anew();
        device.write_auth(&device.section("orkee_old", -10, Some(FIRST)));
        for step in [commit, point] {
            let killed = finish(trace::killed_before(&device.orkee(TOKEN), step), b"");
            assert_eq!(killed.code, None, "{killed}");
        }
        device.run(TOKEN).fails(4, "E-AUTH-004").says("interrupted at");
    }
}

/// The refresh fails before it is sent, for want of a place to keep its outcome.
#[track_caller]
fn fails_unsent(ran: Ran, server: &Rotating, why: &str) {
    let ran = ran.fails(7, "E-AUTH-022").says(why).says("nothing is lost");
    assert_eq!(server.refreshes(), 0, "{ran}");
}

#[test]
fn a40_a_full_disk_stops_the_refresh_before_it_is_sent_and_the_login_stays_good() {
    let server = Rotating::start();
    // With the lock file of an earlier command, and without.
    for earlier in ["", "\"$ORKEE\" cloud logout --tenant nobody >&2;"] {
        server.begin_anew();
        let device = expired(&server);
        let script = format!(
            r#"cp "$ORKEE_HOME/auth.toml" ../auth.toml
            mount -t tmpfs -o size=200k,mode=700 tmpfs "$ORKEE_HOME"; cp -p ../auth.toml "$ORKEE_HOME/auth.toml"
            {earlier} dd if=/dev/zero of="$ORKEE_HOME/filler" bs=1k 2>/dev/null || true
            code=0; "$ORKEE" cloud token || code=$?; echo "exit $code" >&2
            cmp ../auth.toml "$ORKEE_HOME/auth.toml"; stat -c 'mode %a' "$ORKEE_HOME/auth.toml" >&2
            ls "$ORKEE_HOME" | tr '\n' ' ' >&2
            rm "$ORKEE_HOME/filler"; echo "requests so far: $("$ORKEE" cloud token)""#
        );
        let mut command = device.orkee(&[]);
        command.current_dir(device.path("home"));
        let Some(ran) = namespace::run(&command, &script) else { return };
        let ran = ran.success().says("exit 7").says("E-AUTH-022").says("o space left").says("mode 600");
        assert!(!ran.stderr.contains("auth.toml.new"), "{ran}");
        assert!(ran.stdout.ends_with("orkee_access_1\n"), "{ran}");
        assert_eq!(server.refreshes(), 1, "the one after there was room again");
    }
}

#[test]
fn a40_a_limit_on_the_size_of_files_stops_the_refresh_before_it_is_sent() {
    let server = Rotating::start();
    let device = expired(&server);
    let before = device.auth_toml();
    let mut shell = Command::new("bash");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" cloud token"])
        .arg(binaries::orkee())
        .env_clear();
    shell.envs(device.orkee(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
    fails_unsent(finish(shell, &[]), &server, "auth.toml");
    assert_eq!(device.auth_toml(), before);
    assert!(!device.files().iter().any(|name| name.ends_with(".new")), "{:?}", device.files());
    device.run(TOKEN).success();
}

#[test]
fn a40_a_home_that_can_only_be_read_stops_the_refresh_and_not_the_use_of_a_good_token() {
    let server = Rotating::start();
    let device = expired(&server);
    let read_only = r#"mount --bind "$ORKEE_HOME" "$ORKEE_HOME"; mount -o remount,bind,ro "$ORKEE_HOME"; exec "$ORKEE" cloud token"#;
    let Some(ran) = namespace::run(&device.orkee(&[]), read_only) else { return };
    fails_unsent(ran, &server, "ead-only");
    device.run(TOKEN).success();
    let ran = namespace::run(&device.orkee(&[]), read_only).unwrap().success();
    assert_eq!(ran.stdout, "orkee_access_1\n", "{ran}");
    assert_eq!(server.refreshes(), 1);
}

#[test]
fn new_tokens_that_cannot_be_kept_are_not_called_a_sign_in_that_was_left_alone() {
    if !trace::is_there() {
        return;
    }
    let server = Rotating::start();
    let device = expired(&server);
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o", "/dev/null", "-e", "trace=/^rename", "-e", "inject=/^rename:error=EIO"]);
    strace.arg(binaries::orkee()).args(TOKEN).env_clear();
    strace.envs(device.orkee(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
    finish(strace, &[]).fails(7, "E-AUTH-050").says("is lost").says("orkee cloud login");
    device.run(TOKEN).fails(4, "E-AUTH-004");
}

/// The times of a token in the token file, in minutes from now, which is also what the clock said when it came.
fn issued(device: &Device, minutes: i64, lifetime: i64, token: &str) {
    let now = Timestamp::now();
    let section = device.section(token, (minutes + lifetime) * 60, Some(FIRST));
    let at = now + SignedDuration::from_mins(minutes);
    device.write_auth(&format!("{section}issued_at = \"{at:.0}\"\n"));
}

#[test]
fn a41_a_clock_that_is_two_hours_off_costs_one_refresh_and_so_does_its_return() {
    if !clock::is_there() {
        return;
    }
    for offset in ["+2h", "-2h"] {
        let server = Rotating::start();
        let device = Device::new(&server.server.url);
        issued(&device, -5, 60, "orkee_access_0");
        let off = || clock::off_by(offset, &device.orkee(LIST));
        finish(off(), &[]).success();
        assert!(server.refreshes() <= 1, "{offset}");
        // Told in seconds from its issue, the new token is good for an hour by this clock, too.
        let after_one = server.refreshes();
        eight_at_once(off);
        assert_eq!(server.refreshes(), after_one, "{offset}");
        let before = server.refreshes();
        for _ in 0..3 {
            device.run(LIST).success();
        }
        assert!(server.refreshes() <= before + 1, "{offset}: the clock is right again");
    }
}

#[test]
fn a41_an_expired_token_is_not_sent_though_the_clock_says_that_it_is_good() {
    if !clock::is_there() {
        return;
    }
    for offset in ["+2h", "-2h"] {
        let server = Rotating::start();
        let device = Device::new(&server.server.url);
        issued(&device, -5, 60, "orkee_access_0");
        device.run(LIST).success();
        issued(&device, -90, 60, "orkee_old");
        eight_at_once(|| clock::off_by(offset, &device.orkee(LIST)));
        assert_eq!((server.refreshes(), server.uses_of("orkee_old")), (1, 0), "{offset}");
    }
}

#[test]
fn a41_a_sign_in_by_a_wrong_clock_works_and_the_person_is_told_of_the_clock() {
    if !clock::is_there() {
        return;
    }
    let server = Server::start();
    for (offset, said) in [("+2h", "2h ahead of"), ("-2h", "2h behind")] {
        let device = Device::new(&server.url);
        let run = |command: Command| finish(clock::off_by(offset, &command), &[]);
        let ran = run(device.login_command(&server.person(), &[])).success();
        assert_eq!(ran.stderr.matches(&format!("this machine's clock is {said}")).count(), 1, "{ran}");
        let before = device.auth_toml();
        for _ in 0..3 {
            run(device.orkee(LIST)).success();
        }
        assert_eq!(device.auth_toml(), before, "told in seconds, a lifetime needs no clock that is right");
        run(device.orkee(&["cloud", "login", "--refresh-token"])).success().says(said);
    }
}

#[test]
fn a41_where_no_clock_can_tell_the_api_does() {
    if !clock::is_there() {
        return;
    }
    let server = Rotating::start();
    let device = Device::new(&server.server.url);
    // By a clock that was put back by two hours, this one was issued half an hour ago.
    issued(&device, -150, 60, "orkee_old");
    finish(clock::off_by("-2h", &device.orkee(LIST)), &[]).success();
    assert_eq!((server.refreshes(), server.uses_of("orkee_old")), (1, 1));
    finish(clock::off_by("-2h", &device.orkee(LIST)), &[]).success();
    assert_eq!((server.refreshes(), server.uses_of("orkee_old")), (1, 1));
}

#[test]
fn a41_a_server_whose_tokens_are_over_at_once_is_asked_once_a_run() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let server = Mock::authorization_server(move |request| match request.target.split('?').next()? {
        "/oauth/token" => {
            let mut reply = tokens(counter.fetch_add(1, Ordering::SeqCst));
            reply["expires_in"] = 1.into();
            Some(Answer::json(200, &reply))
        }
        "/v1/projects" => Some(unauthorized()),
        _ => None,
    });
    let device = Device::new(&server.url);
    device.write_auth(&device.section("orkee_old", -10, Some(FIRST)));
    for run in 1..=3 {
        device.run(LIST).fails(4, "E-AUTH-001");
        assert_eq!(asked.load(Ordering::SeqCst), run);
    }
}

#[test]
fn a_refresh_under_way_is_seen_through_when_the_command_is_ended() {
    for signal in [Signal::INT, Signal::TERM] {
        let server = slow_rotating(Duration::from_secs(1));
        let device = expired(&server);
        let child = start(&mut device.orkee(TOKEN));
        wait::until("the refresh", || (!server.server.requests_for("/oauth/token").is_empty()).then_some(()));
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), &*output.stdout), (Some(130), &b""[..]));
        assert!(device.auth_toml().unwrap().contains("orkee_refresh_1"));
        assert_eq!(device.run(TOKEN).success().stdout, "orkee_access_1\n");
    }
}

#[test]
fn a_refresh_under_way_is_seen_through_when_the_time_of_a_sync_is_over() {
    let server = slow_rotating(Duration::from_secs(4));
    let device = expired(&server);
    // The provider is compiled before it counts.
    device.run(LIST).success();
    server.begin_anew();
    device.write_auth(&device.section("orkee_old", -10, Some(FIRST)));
    device.run(&["cloud", "sync", "--timeout", "3"]).fails(7, "E-SYNC-006");
    assert!(device.auth_toml().unwrap().contains("orkee_refresh_1"));
    assert_eq!(server.refreshes(), 1);
}

/// Its token endpoint takes so long.
fn slow_rotating(pause: Duration) -> Rotating {
    Rotating::start_but(move |request| {
        if request.target == "/oauth/token" {
            std::thread::sleep(pause);
        }
        None
    })
}

#[test]
fn an_endless_refresh_does_not_keep_a_person_who_ends_the_command() {
    let server = slow_rotating(Duration::from_secs(60));
    let device = expired(&server);
    let child = start(&mut device.orkee(TOKEN));
    wait::until("the refresh", || (!server.server.requests_for("/oauth/token").is_empty()).then_some(()));
    let ended = Instant::now();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert!(ended.elapsed() < Duration::from_secs(40), "{:?}", ended.elapsed());
}
