//! The pages of a sign-in in a real browser: how they look, whether everybody can use them, and that they work.

#![allow(clippy::unwrap_used, clippy::panic)]

use orkee_tests::browser::Person;
use orkee_tests::chromium::{Chromium, Seen, Window};
use orkee_tests::device::Device;
use orkee_tests::home::finish;
use orkee_tests::server::Server;
use orkee_tests::terminal::Terminal;

fn headings(pages: &[Seen]) -> Vec<&str> {
    pages.iter().map(Seen::heading).collect()
}

/// Nobody said no to how it looks: the colours are those of the scheme.
fn is_of(page: &Seen, window: Window) -> bool {
    let light =
        page.ground().trim_start_matches("rgb(").split(',').next().unwrap().parse::<u8>().unwrap() > 127;
    light == (window.scheme == "light")
}

#[test]
fn a01_a17_a_login_in_chromium_is_usable_by_everybody_and_ends_well() {
    let server = Server::tireless();
    for window in Window::ALL {
        let Some(chromium) = Chromium::new(window, &server.person()) else { return };
        let device = Device::new(&server.url);
        let mut login = device.orkee(&["cloud", "login"]);
        login.env("BROWSER", chromium.program());
        finish(login, &[]).success().says("john@example.com");
        let pages = chromium.seen();
        assert_eq!(headings(&pages).len(), 3, "{pages:?}");
        assert_eq!(pages[0].heading(), "Sign in to Orkee");
        assert!(pages[1].heading().starts_with("Let Orkee on "), "{pages:?}");
        assert_eq!(pages[2].heading(), "You are signed in");
        assert!(pages[2].0["url"].as_str().unwrap().ends_with("/done"), "{pages:?}");
        assert!(pages.iter().all(|page| is_of(page, window)), "{window:?}: {pages:?}");
        device.run(&["cloud", "status"]).success();
    }
}

#[test]
fn a14_a_login_that_is_declined_in_chromium_says_so_there_and_in_the_terminal() {
    let server = Server::start();
    for window in Window::ALL {
        let Some(chromium) = Chromium::new(window, &server.person().declining()) else { return };
        let device = Device::new(&server.url);
        let mut login = device.orkee(&["cloud", "login"]);
        login.env("BROWSER", chromium.program());
        finish(login, &[]).exits(4).says("you declined");
        let pages = chromium.seen();
        assert_eq!(pages.last().unwrap().heading(), "You are not signed in");
        assert!(pages.last().unwrap().alert().contains("declined"), "{pages:?}");
        assert_eq!(device.auth_toml(), None);
    }
}

#[test]
fn a26_a_device_is_connected_in_chromium_by_typing_its_code() {
    let server = Server::tireless();
    for window in Window::ALL {
        let device = Device::new(&server.url);
        let mut command = device.orkee(&["cloud", "login", "--device"]);
        command.env("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22");
        let mut terminal = Terminal::open(command, 200);
        let screen = terminal.wait_for("or open ").to_owned();
        let code = screen.split_once("type the code ").unwrap().1.split_whitespace().next().unwrap();
        let typed = code.to_lowercase().replace('-', "");
        let Some(chromium) = Chromium::new(window, &server.person().typing(&typed)) else { return };
        let pages = chromium.visit(&format!("{}/device", server.url));
        let expected = ["Sign in to Orkee", "Connect a device"];
        assert_eq!(headings(&pages)[..2], expected);
        assert!(
            pages[2].text().contains(code) && pages[2].text().contains("Is this your device?"),
            "{pages:?}"
        );
        assert_eq!(pages[3].heading(), "Your device is connected");
        assert!(pages.iter().all(|page| is_of(page, window)), "{window:?}: {pages:?}");
        let (status, screen) = terminal.finish();
        assert!(status.success() && screen.contains("john@example.com"), "{screen}");
    }
}

/// The last of so many pages, which the person is shown from an address on, at every window.
fn last_of(pages: usize, address: &str, person: &Person) -> Option<Seen> {
    let mut last = None;
    for window in Window::ALL {
        let seen = Chromium::new(window, person)?.stopping_after(pages).visit(address);
        assert_eq!(seen.len(), pages, "{seen:?}");
        assert!(is_of(seen.last().unwrap(), window), "{window:?}: {seen:?}");
        last = seen.last().cloned();
    }
    last
}

#[test]
fn a17_the_pages_that_tell_of_a_problem_are_usable_by_everybody() {
    let server = Server::start();
    let nobody = format!("{}/oauth/authorize?client_id=somebody-else", server.url);
    let Some(page) = last_of(1, &nobody, &server.person()) else { return };
    assert_eq!(page.heading(), "This cannot go on");

    let device = Device::new(&server.url);
    let mut login = device.begin_login(&[]);
    let forged = login.callback(&[("state", "wrong"), ("code", "x")]);
    let page = last_of(1, forged.as_str(), &server.person()).unwrap();
    assert_eq!(page.heading(), "Not expected");
    assert!(page.alert().contains("still waiting"), "{page:?}");
    let wrong = Person::new("john@example.com", "not the password");
    let page = last_of(2, login.authorize().as_str(), &wrong).unwrap();
    assert_eq!(page.alert(), "That email and password do not match.");
    login.child.kill().unwrap();

    let unknown = server.person().typing("bbbb bbbb");
    let page = last_of(3, &format!("{}/device", server.url), &unknown).unwrap();
    assert!(page.alert().starts_with("No device is waiting with that code."), "{page:?}");
}

#[test]
fn a17_an_account_is_created_on_a_page_that_is_usable_by_everybody() {
    let server = Server::with_args(&["--open-registration"]);
    let register = format!("{}/oauth/register?errand=device", server.url);
    for (n, window) in Window::ALL.into_iter().enumerate() {
        let ann = Person::new(&format!("ann{n}@example.com"), "correct horse battery");
        let Some(chromium) = Chromium::new(window, &ann) else { return };
        let pages = chromium.stopping_after(2).visit(&register);
        assert_eq!(headings(&pages), ["Create an account", "Connect a device"]);
        assert!(pages[1].text().contains(&ann.email), "{pages:?}");
    }
}
