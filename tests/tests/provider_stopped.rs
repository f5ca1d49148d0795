//! An installed provider that breaks a rule, and the command that meets it.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use orkee_tests::guests;
use orkee_tests::mock::{Answer, Mock};
use orkee_tests::tenants::TenantDevice;
use rustix::process::{Pid, Signal, kill_process};

/// Long before the usual limit of a call, and long after a Ctrl-C.
const AT_ONCE: Duration = Duration::from_secs(10);

/// A tenant whose provider does what it is told, in config.toml.
fn told(options: &[(&str, &str)], limits: &str) -> String {
    let options: String = options.iter().map(|(name, value)| format!("{name} = \"{value}\"\n")).collect();
    format!(
        "[tenants.acme]\nprovider = \"rogue\"\napi_url = \"http://127.0.0.1:9\"\n\
         [tenants.acme.options]\n{options}[tenants.acme.limits]\n{limits}\n"
    )
}

/// A device on which a provider is installed that does what its option `do` says.
fn device() -> TenantDevice {
    let device = TenantDevice::new("");
    let options = "[options.do]\n[options.url]\n";
    device.install(guests::rogue(), &guests::manifest("rogue", "1", options));
    device
}

#[test]
fn p28_a_guest_that_hangs_is_gone_with_its_limit_and_the_next_command_works() {
    const LIMIT: Duration = Duration::from_millis(300);
    let device = device();
    for (way, limits, code) in
        [("spin", "cpu = \"300 ms\"", 1), ("spin", "call = \"300 ms\"", 7), ("sleep", "call = \"300 ms\"", 7)]
    {
        device.configure(&told(&[("do", way)], limits));
        // Of several runs the fastest, since others use this machine, too.
        let took = (0..3).map(|_| {
            let begun = Instant::now();
            let ran = device
                .run("acme", &["cloud", "sync"])
                .exits(code)
                .says("`rogue` was stopped: its limit is 300 ms");
            assert!(ran.stderr.contains("error["), "{ran}");
            begun.elapsed()
        });
        let took = took.min().unwrap();
        assert!(took >= LIMIT && took < LIMIT + AT_ONCE, "{way} with {limits}: {took:?}");
    }
    device.configure("");
    device.run("", &["projects", "list"]).success();
}

#[test]
fn p28_ctrl_c_ends_a_command_at_once_while_a_guest_hangs() {
    let device = device();
    for way in ["spin", "sleep"] {
        device.configure(&told(&[("do", way)], "call = \"60 s\"\ncpu = \"5 s\""));
        let mut command = device.orkee("acme", &["cloud", "sync", "-vv"]);
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("loaded the provider")), "{way}");
        std::thread::sleep(Duration::from_millis(300));
        assert!(child.try_wait().unwrap().is_none(), "{way}: it ended by itself");
        let begun = Instant::now();
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let status = child.wait().unwrap();
        assert!(begun.elapsed() < AT_ONCE, "{way}: {:?}", begun.elapsed());
        assert_eq!((status.code(), status.signal()), (Some(130), None), "{way}");
    }
}

#[test]
fn p10_the_error_of_a_host_that_was_not_granted_names_the_command_that_grants_it() {
    let server = Mock::start(|_| Answer::json(200, &serde_json::json!({})));
    let device = device();
    device.configure(&told(&[("do", "send-and-fail"), ("url", &format!("{}/things", server.url))], ""));
    let ran = device.run("acme", &["cloud", "sync"]);
    assert!(server.requests().is_empty(), "{ran}");
    let command = format!("orkee cloud provider grant rogue {} --private-network", server.url);
    assert!(ran.stderr.contains(&command), "{ran}");
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    device.run("", &words).success();
    device.run("acme", &["cloud", "sync"]).says("status 200");
    assert_eq!(server.requests_for("/things").len(), 1);
    device.run("", &["cloud", "provider", "revoke", "rogue"]).success();
    device.run("acme", &["cloud", "sync"]).says(&command);
    assert_eq!(server.requests_for("/things").len(), 1);
}
