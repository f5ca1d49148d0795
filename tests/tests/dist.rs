//! `cargo xtask dist`: what is in an archive, that it runs, and that nothing but its content decides about its bytes.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use orkee_tests::binaries;
use orkee_tests::home::{Home, finish};

/// What a client's archive holds, beside manual pages.
const CONTENT: [&str; 11] = [
    "INSTALL.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "bin/orkee",
    "docs/guide.md",
    "share/bash-completion/completions/orkee",
    "share/elvish/lib/orkee.elv",
    "share/fish/vendor_completions.d/orkee.fish",
    "share/powershell/orkee.ps1",
    "share/zsh/site-functions/_orkee",
];

/// Packs the client of this build; the archive's name.
fn pack(programs: &Path, output: &Path) -> String {
    let mut dist = Command::new(binaries::path("xtask"));
    dist.args(["dist", "--from"])
        .arg(programs)
        .arg("--output")
        .arg(output)
        .env("SOURCE_DATE_EPOCH", "1700000000");
    let said = finish(dist, &[]).success();
    let sums = std::fs::read_to_string(output.join("SHA256SUMS")).unwrap();
    assert!(said.stdout.ends_with(&sums), "{said}");
    sums.split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn d82_an_archive_runs_where_it_is_unpacked_and_is_packed_to_the_same_bytes_again() {
    let home = Home::new();
    // The client alone, so that the test is quick.
    let programs = home.folder("programs");
    std::os::unix::fs::symlink(binaries::orkee(), programs.join("orkee")).unwrap();
    let [one, two] = ["one", "two"].map(|name| home.folder(name));
    let name = pack(&programs, &one);
    assert_eq!(pack(&programs, &two), name);
    let read = |folder: &Path, name: &str| std::fs::read(folder.join(name)).unwrap();
    assert!(read(&one, &name) == read(&two, &name), "the second archive has other bytes");
    assert_eq!(read(&one, "SHA256SUMS"), read(&two, "SHA256SUMS"));

    let shell = |line: &str| {
        let mut shell = home.shell(line);
        shell.current_dir(&one).env("NAME", name.trim_end_matches(".tar.gz"));
        finish(shell, &[]).success().stdout
    };
    shell("sha256sum --check SHA256SUMS && tar -xzf \"$NAME.tar.gz\"");
    let files = shell("cd \"$NAME\" && find . -type f -printf '%P\\n' | sort");
    let (pages, rest): (Vec<&str>, Vec<&str>) =
        files.lines().partition(|file| file.starts_with("share/man/man1/"));
    assert_eq!(rest, CONTENT);
    for page in
        ["share/man/man1/orkee.1", "share/man/man1/orkee-projects-add.1", "share/man/man1/orkee-cloud-sync.1"]
    {
        assert!(pages.contains(&page), "{page}: {pages:?}");
    }
    let listed = shell("tar --numeric-owner -tvzf \"$NAME.tar.gz\"");
    assert!(listed.lines().all(|line| line.contains(" 0/0 ") && line.contains("2023-11-14")), "{listed}");
    // Below another prefix, with nothing of this build.
    shell("mkdir prefix && cp -R \"$NAME\"/bin \"$NAME\"/share prefix");
    assert!(shell("prefix/bin/orkee --version").starts_with("orkee "));
    assert!(
        shell("prefix/bin/orkee projects add --name shop && prefix/bin/orkee projects list").contains("shop")
    );
}
