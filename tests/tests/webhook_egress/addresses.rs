//! Which addresses are dialled, in a network of the tests' own: there a name server answers as each test wants it, and addresses of the
//! internet lead to this machine.

use std::time::Duration;

use orkee_tests::dns::Dns;
use orkee_tests::namespace::{self, PRIVATE, PUBLIC};
use orkee_tests::outlet::Outlet;
use orkee_tests::receiver::Receiver;
use orkee_tests::tls::Certificate;
use rusqlite::Connection;

use crate::{DNS, NAME, flags, public_and_here, trusting};

/// Each is an address that no delivery goes to, in some notation.
const BLOCKED: [&str; 43] = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "0.0.0.0",
    "[::]",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[2001::1]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "100.64.0.1",
    "100.127.255.254",
    "10.0.0.1",
    "10.255.255.254",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.0.1",
    "192.168.255.254",
    "192.0.0.1",
    "192.0.0.192",
    "198.18.0.1",
    "198.19.255.254",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "[fe80::1]",
    "[febf::1]",
    "[fc00::1]",
    "[fdff::1]",
    "[100::1]",
    "[3fff::1]",
    "[5f00::1]",
    "168.63.129.16",
];

#[test]
fn w26_an_address_that_is_not_of_the_internet_is_refused_when_it_is_added() {
    let outlet = Outlet::new();
    for host in BLOCKED {
        outlet.try_add(&format!("https://{host}/canary"), &[]).fails(2, "E-HOOK-013");
        let ran = outlet.home.run(["cloud", "webhook", "test", &format!("https://{host}/")]);
        assert_eq!(ran.code, Some(2), "{ran}");
    }
    for host in ["localhost", "metadata.google.internal"] {
        outlet.try_add(&format!("https://{host}/"), &[]).fails(2, "E-HOOK-013");
    }
    assert!(outlet.home.json(["cloud", "webhook", "list"])["webhooks"].as_array().unwrap().is_empty());
}

#[test]
fn w26_an_address_that_is_not_of_the_internet_is_blocked_when_it_is_sent_to() {
    let outlet = Outlet::new();
    let ids: Vec<_> =
        (0..BLOCKED.len()).map(|n| outlet.add(&format!("https://hooks.invalid/{n}"), &[])).collect();
    outlet.happen();
    // As if the rules had been others when they were added.
    let database = Connection::open(outlet.database()).unwrap();
    for (id, host) in ids.iter().zip(BLOCKED) {
        let url = format!("https://{host}/");
        let changed = database.execute("UPDATE endpoints SET url = ?2 WHERE id = ?1", [id, &url]).unwrap();
        assert_eq!(changed, 1);
    }
    outlet.drain();
    for (id, host) in ids.iter().zip(BLOCKED) {
        let newest = outlet.newest(id);
        assert_eq!(newest["class"], "blocked_address", "{host}: {newest}");
    }
}

#[test]
fn w26_a_name_that_leads_to_an_address_of_an_interface_of_this_machine_is_blocked() {
    if !namespace::is_inside(
        "addresses::w26_a_name_that_leads_to_an_address_of_an_interface_of_this_machine_is_blocked",
    ) {
        return;
    }
    let (outlet, dns) = (Outlet::new(), Dns::at(DNS));
    let own = "8.8.4.4";
    let added = std::process::Command::new("ip").args(["addr", "add", "8.8.4.4/32", "dev", "lo"]).status();
    assert!(added.unwrap().success());
    let here = Receiver::at(&format!("{own}:443"), None);
    dns.script(NAME, &[&[own]]);
    outlet.try_add(&format!("https://{NAME}/"), &[]).fails(2, "E-HOOK-014").says("this machine");
    outlet.try_add(&format!("https://{own}/"), &[]).fails(2, "E-HOOK-013").says("this machine");
    let (delivered, told) = outlet.test(&format!("https://{NAME}/"), &[]);
    assert_eq!((delivered, &told["class"]), (false, &"blocked_address".into()), "{told}");
    assert_eq!(here.connections(), 0);
}

#[test]
fn w27_of_a_names_addresses_the_public_ones_alone_are_reached() {
    if !namespace::is_inside("addresses::w27_of_a_names_addresses_the_public_ones_alone_are_reached") {
        return;
    }
    let (outlet, dns) = (Outlet::new(), Dns::at(DNS));
    let (public, here) = public_and_here();
    let private = Receiver::at(&format!("{PRIVATE}:443"), None);
    let trusting = trusting(&public);
    for addresses in [[PRIVATE, "127.0.0.1", PUBLIC], [PUBLIC, PRIVATE, "127.0.0.1"]] {
        dns.script(NAME, &[&addresses]);
        let id = outlet.add(&format!("https://{NAME}/{}", addresses[0]), &flags(&trusting));
        outlet.send();
        assert_eq!(outlet.class(&id), "delivered");
    }
    let reached = public.received().len();
    assert!(reached >= 2, "{reached}");

    let id = outlet.add(&format!("https://{NAME}/later"), &flags(&trusting));
    dns.script(NAME, &[&["127.0.0.1", PRIVATE, "169.254.169.254"]]);
    outlet.try_add(&format!("https://{NAME}/now"), &flags(&trusting)).fails(2, "E-HOOK-014");
    outlet.send();
    let newest = outlet.newest(&id);
    assert_eq!(newest["class"], "blocked_address", "{newest}");
    assert_eq!((here.connections(), private.connections(), public.received().len()), (0, 0, reached));
}

#[test]
fn w28_a_name_that_leads_elsewhere_later_leads_nowhere() {
    if !namespace::is_inside("addresses::w28_a_name_that_leads_elsewhere_later_leads_nowhere") {
        return;
    }
    let (outlet, dns) = (Outlet::new(), Dns::at(DNS));
    let (public, here) = public_and_here();
    let trusting = trusting(&public);
    dns.script(NAME, &[&[PUBLIC]]);
    let id = outlet.add(&format!("https://{NAME}/hook"), &flags(&trusting));
    assert!(dns.asked(NAME) > 0, "it was looked up when it was added");
    dns.script(NAME, &[&["127.0.0.1"]]);
    outlet.send();
    assert_eq!(outlet.class(&id), "blocked_address");
    assert_eq!((public.connections(), here.connections()), (0, 0));
}

#[test]
fn w28_a_name_that_flips_between_check_and_use_is_dialled_as_it_was_checked() {
    if !namespace::is_inside(
        "addresses::w28_a_name_that_flips_between_check_and_use_is_dialled_as_it_was_checked",
    ) {
        return;
    }
    let (outlet, dns) = (Outlet::new(), Dns::at(DNS));
    let (public, here) = public_and_here();
    let url = format!("https://{NAME}/hook");
    let trusting = trusting(&public);
    // Good at one question and bad at the next, in either order: whoever asks twice is betrayed.
    let mut classes = Vec::new();
    for first in [PUBLIC, "127.0.0.1"] {
        let second = if first == PUBLIC { "127.0.0.1" } else { PUBLIC };
        let turns: Vec<Vec<&str>> = (0..20).map(|n| vec![if n % 2 == 0 { first } else { second }]).collect();
        dns.script(NAME, &turns.iter().map(Vec::as_slice).collect::<Vec<_>>());
        for attempt in 1..=6 {
            let (_, told) = outlet.test(&url, &flags(&trusting));
            assert_eq!(dns.asked(NAME), attempt, "an attempt asks once: {told}");
            classes.push(told["class"].as_str().unwrap().to_owned());
        }
    }
    let count = |class: &str| classes.iter().filter(|known| *known == class).count();
    assert_eq!((count("delivered"), count("blocked_address")), (6, 6), "{classes:?}");
    assert_eq!(here.connections(), 0);
    for request in public.received() {
        assert_eq!(request.header("host"), Some(NAME));
        assert_eq!(request.server_name.as_deref(), Some(NAME));
    }
}

#[test]
fn w35_a_private_receiver_needs_its_network_named_and_that_is_audited() {
    if !namespace::is_inside("addresses::w35_a_private_receiver_needs_its_network_named_and_that_is_audited")
    {
        return;
    }
    let (outlet, dns) = (Outlet::new(), Dns::at(DNS));
    let private = Receiver::at(&format!("{PRIVATE}:443"), Some(Certificate::of(NAME)));
    let public = Receiver::at(&format!("{PUBLIC}:443"), None);
    dns.script(NAME, &[&[PRIVATE]]);
    let (url, trusting) = (format!("https://{NAME}/hook"), trusting(&private));
    outlet.try_add(&url, &flags(&trusting)).fails(2, "E-HOOK-014");
    for network in ["10.8.0.0/16", "192.168.0.0/16"] {
        outlet
            .try_add(&url, &[&flags(&trusting)[..], &["--allow-private", network]].concat())
            .fails(2, "E-HOOK-014");
    }
    for network in ["0.0.0.0/0", "::/0", "10.0.0.0/7", "169.254.169.254/32", "everything"] {
        outlet.try_add(&url, &["--allow-private", network]).fails(2, "E-HOOK-016");
    }
    let id = outlet.add(&url, &[&flags(&trusting)[..], &["--allow-private", "10.9.0.0/16"]].concat());
    outlet.send();
    assert_eq!(outlet.class(&id), "delivered");
    assert_eq!(private.received().len(), 1);
    let audit = outlet.home.json(["audit"]).to_string();
    assert!(audit.contains("10.9.0.0/16") && audit.contains(&id), "{audit}");
    // It is that webhook's alone.
    let (_, told) = outlet.test(&format!("https://{NAME}/other"), &flags(&trusting));
    assert_eq!(told["class"], "blocked_address", "{told}");
    assert_eq!((private.received().len(), public.connections()), (1, 0));
}

#[test]
fn w35_metadata_services_stay_blocked_whatever_is_named() {
    if !namespace::is_inside("addresses::w35_metadata_services_stay_blocked_whatever_is_named") {
        return;
    }
    let (outlet, dns) = (Outlet::new(), Dns::at(DNS));
    let every = ["169.254.0.0/16", "100.64.0.0/10", "192.0.0.0/24", "168.63.0.0/16", "fd00::/8"];
    let named: Vec<&str> = every.iter().flat_map(|network| ["--allow-private", network]).collect();
    for address in ["169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16"] {
        let route = ["route", "add", "local", address, "dev", "lo", "src", "127.0.0.1"];
        assert!(std::process::Command::new("ip").args(route).status().unwrap().success());
        let service = Receiver::at(&format!("{address}:443"), None);
        dns.script(NAME, &[&[address]]);
        outlet.try_add(&format!("https://{address}/"), &named).fails(2, "E-HOOK-013");
        outlet.try_add(&format!("https://{NAME}/"), &named).fails(2, "E-HOOK-014");
        dns.script(NAME, &[&[PUBLIC], &[address]]);
        let id = outlet.add(&format!("https://{NAME}/{address}"), &named);
        outlet.send();
        assert_eq!(outlet.class(&id), "blocked_address", "{address}");
        assert_eq!(service.connections(), 0, "{address}");
    }
    for url in ["https://[fd00:ec2::254]/", "https://metadata.google.internal/"] {
        outlet.try_add(url, &named).fails(2, "E-HOOK-013");
    }
}

#[test]
fn w30_an_address_that_takes_no_connection_is_left_after_5_s() {
    if !namespace::is_inside("addresses::w30_an_address_that_takes_no_connection_is_left_after_5_s") {
        return;
    }
    let (outlet, dns) = (Outlet::new(), Dns::at(DNS));
    // What goes there comes back to where nobody has that address: it is dropped.
    let hole = "9.9.9.8";
    let route = ["route", "add", hole, "dev", "lo"];
    assert!(std::process::Command::new("ip").args(route).status().unwrap().success());
    dns.script(NAME, &[&[hole]]);
    let begun = std::time::Instant::now();
    let (delivered, told) = outlet.test(&format!("https://{NAME}/"), &[]);
    let took = begun.elapsed();
    assert_eq!((delivered, &told["class"]), (false, &"timeout".into()), "{told}");
    assert!((Duration::from_secs(5)..Duration::from_secs(8)).contains(&took), "{took:?}");
}
