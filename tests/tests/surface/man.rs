//! Manual pages.

use std::collections::BTreeSet;
use std::process::Command;

use orkee_tests::home::Home;

use super::grammar;

#[test]
fn s10_every_command_has_a_manual_page_that_man_accepts() {
    let home = Home::new();
    let folder = home.path("man/man1");
    let told = home.json(["man", "--output", folder.to_str().unwrap()]);
    let pages: BTreeSet<&str> =
        told["pages"].as_array().unwrap().iter().map(|page| page.as_str().unwrap()).collect();
    let wanted: Vec<String> =
        grammar::commands().iter().map(|one| one.name().replace(' ', "-") + ".1").collect();
    assert_eq!(pages, wanted.iter().map(String::as_str).collect());
    let there = Command::new("groff").arg("--version").output().is_ok();
    assert!(there || std::env::var_os("CI").is_none(), "groff is not there, and CI is set");
    if !there {
        println!("groff is not there: not checked");
        return;
    }
    let files: Vec<_> = wanted.iter().map(|name| folder.join(name)).collect();
    // What `man --warnings` has groff do: every warning, no output.
    let ran = Command::new("groff").args(["-man", "-ww", "-z", "-Kutf8"]).args(files).output().unwrap();
    assert!(ran.status.success() && ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    let mut man = Command::new("man");
    man.args(["--warnings", "-l"])
        .arg(folder.join("orkee-projects-add.1"))
        .env("LC_ALL", "C.UTF-8")
        .env("MANPAGER", "cat");
    if let Ok(shown) = man.output() {
        let text = String::from_utf8_lossy(&shown.stdout);
        assert!(
            shown.status.success() && shown.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&shown.stderr)
        );
        for part in ["orkee projects add", "EXAMPLES", "--status"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[test]
fn s10_a_single_page_goes_to_standard_output_and_a_folder_that_cannot_be_is_told() {
    let home = Home::new();
    let page = home.ok(["man", "projects", "add"]);
    assert!(page.contains(".TH ORKEE-PROJECTS-ADD 1") && page.contains("EXAMPLES"), "{page}");
    assert!(home.ok(["man"]).contains("EXIT STATUS"));
    home.run(["man", "projcts"]).fails(2, "E-CLI-001");
    home.file("taken", "");
    home.run(["man", "--output", "taken"]).fails(1, "E-CLI-007");
}
