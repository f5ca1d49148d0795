//! `cargo xtask demo`: the main job on two devices, with each command's real output.
//!
//! Succeeds only if both devices and the server hold the same projects at the end.

mod check;
mod device;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use device::Device;

use crate::projects;
use crate::run::{self, Error};
use crate::sandbox::{EMAIL, Sandbox, git_repository};
use crate::setup::{self, Binaries, root};

/// Enough that a sync takes several requests, so that it can be killed between two of them.
const BULK: usize = 3000;

pub fn run() -> Result<(), Error> {
    run::quietly(Command::new("git").arg("--version"))
        .map_err(|_| "git is not there: the demo has projects with repositories")?;
    show(&setup::build_for_tests()?)
}

/// The demo with these binaries.
pub fn show(binaries: &Binaries) -> Result<(), Error> {
    let sandbox = Sandbox::start(binaries, Duration::ZERO)?;
    let laptop = Device::new(&sandbox, "laptop");
    let desktop = Device::new(&sandbox, "desktop");
    say("A server runs, with an account for", EMAIL);

    let checkout = add_projects(&sandbox, &laptop)?;
    say("The laptop signs in through a browser and syncs", "");
    laptop.run(&["cloud", "login", "--browser"])?;
    laptop.run(&["cloud", "sync"])?;
    laptop.run(&["cloud", "status"])?;

    say("The desktop signs in and restores", "");
    desktop.run(&["cloud", "login", "--browser"])?;
    desktop.run(&["cloud", "restore", "--yes"])?;
    desktop.run(&["projects", "list"])?;
    check::same(&sandbox, &[&laptop, &desktop])?;

    edit_apart(&sandbox, &laptop, &desktop, &checkout)?;
    kill_half_way(&sandbox, &laptop)?;
    desktop.run(&["cloud", "sync"])?;
    laptop.run(&["cloud", "sync"])?;
    let count = check::same(&sandbox, &[&laptop, &desktop])?;
    say(&format!("Both devices and the server hold the same {count} projects"), "");
    seal(&sandbox, &laptop, &desktop)
}

/// From here on the server holds nothing that it could read, nor anything of before.
fn seal(sandbox: &Sandbox<'_>, laptop: &Device<'_>, desktop: &Device<'_>) -> Result<(), Error> {
    const SECRET: &str = "Nobody but us may read this";
    say("The laptop seals the account; whoever has these words can read it, and nobody else", "");
    let made = laptop.shown_json(&["cloud", "key", "init", "--yes"])?;
    let phrase = made["phrase"].as_str().ok_or("no phrase is told")?;
    laptop.run(&["projects", "edit", "on-the-train", "--description", SECRET])?;
    laptop.run(&["cloud", "sync"])?;
    say("The desktop is told so, and is let in by the same words", "");
    desktop.run_expecting(&["cloud", "sync"], &[4])?;
    desktop.run_with(&["cloud", "key", "recover"], phrase)?;
    desktop.run(&["cloud", "sync"])?;
    desktop.run(&["projects", "show", "on-the-train"])?;
    check::equal(laptop, desktop)?;
    check::unreadable(sandbox, &[SECRET, "on-the-train", "at-the-desk"])?;
    say("Both devices hold the same; no file of the server has a word of it", "");
    Ok(())
}

/// Real repositories: this checkout, and two that are made here. Returns the id of the first.
fn add_projects(sandbox: &Sandbox<'_>, laptop: &Device<'_>) -> Result<String, Error> {
    say("The laptop has three repositories", "");
    let code = sandbox.folder.path().join("code");
    git_repository(&code.join("shop"), "https://github.com/john/shop.git")?;
    git_repository(&code.join("notes"), "git@github.com:john/notes.git")?;
    let folders: [(&str, PathBuf); 3] =
        [("orkee", root()), ("shop", code.join("shop")), ("notes", code.join("notes"))];
    for (name, folder) in &folders {
        let path = folder.display().to_string();
        laptop.run(&["projects", "add", "--name", name, "--path", &path, "--status", "building"])?;
    }
    laptop.run(&["projects", "list"])?;
    laptop.id_of("orkee")
}

/// Different fields, the same field, a new project on each side, and a delete, while the two cannot see each other.
fn edit_apart(
    sandbox: &Sandbox<'_>,
    laptop: &Device<'_>,
    desktop: &Device<'_>,
    orkee: &str,
) -> Result<(), Error> {
    say("Both edit while apart: different fields, and one field both", "");
    laptop.run(&["projects", "edit", orkee, "--description", "Local-first projects", "--add-tag", "rust"])?;
    desktop.run(&[
        "projects",
        "edit",
        orkee,
        "--description",
        "Keeps my projects",
        "--priority",
        "high",
        "--add-tag",
        "cli",
    ])?;
    let notes = desktop.id_of("notes")?;
    desktop.run(&["projects", "delete", &notes, "--yes"])?;
    let path = sandbox.folder.path().display().to_string();
    laptop.run(&["projects", "add", "--name", "on-the-train", "--path", &path])?;
    desktop.run(&["projects", "add", "--name", "at-the-desk", "--path", &path])?;

    say("They sync: one field was changed on both sides, and nothing is lost", "");
    laptop.run(&["cloud", "sync"])?;
    desktop.run_expecting(&["cloud", "sync"], &[5])?;
    desktop.run(&["cloud", "conflicts"])?;
    desktop.run(&["cloud", "conflicts", "resolve", orkee, "--field", "description=cloud"])?;
    desktop.run(&["cloud", "sync"])?;
    laptop.run(&["cloud", "sync"])?;
    laptop.run(&["projects", "show", orkee])?;
    check::same(sandbox, &[laptop, desktop])?;
    Ok(())
}

/// A sync that is killed between two replies, and run again.
fn kill_half_way(sandbox: &Sandbox<'_>, laptop: &Device<'_>) -> Result<(), Error> {
    say(&format!("The laptop imports {BULK} projects; its sync is killed half-way"), "");
    let file = sandbox.folder.path().join("older.json");
    projects::write_export(&file, projects::made_up(7).take(BULK))?;
    laptop.run(&["projects", "import", &file.display().to_string()])?;
    // The first reply passes, a later one does not: the server has carried out what the laptop was never told.
    sandbox.proxy.hold_after(2_500);
    laptop.kill_when(&["cloud", "sync"], || sandbox.proxy.wait_until_held(Duration::from_secs(60)))?;
    sandbox.proxy.release();
    laptop.run(&["cloud", "status"])?;
    laptop.run(&["cloud", "sync", "--quiet"])
}

fn say(what: &str, detail: &str) {
    println!("\n── {what} {detail}");
}
