//! The floor, measured as `orkee` is.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::REPEATS;
use super::figure::{Figure, Figures};
use crate::projects;
use crate::proxy::Proxy;
use crate::run::{self, Error};
use crate::setup::Binaries;

pub fn measure(binaries: &Binaries, size: usize, one_way: Duration) -> Result<Figures, Error> {
    let folder = tempfile::tempdir()?;
    projects::write_export(&folder.path().join("projects.json"), projects::made_up(1).take(size))?;
    let mut server = Command::new(binaries.floor())
        .arg("serve")
        .arg(folder.path().join("server.db"))
        .stdout(Stdio::piped())
        .spawn()?;
    let figures = against(&mut server, binaries, folder.path(), one_way);
    server.kill()?;
    server.wait()?;
    figures
}

fn against(
    server: &mut Child,
    binaries: &Binaries,
    folder: &Path,
    one_way: Duration,
) -> Result<Figures, Error> {
    let mut address = String::new();
    BufReader::new(server.stdout.take().ok_or("the floor has no stdout")?).read_line(&mut address)?;
    let proxy = Proxy::start(one_way)?;
    proxy.forward_to(address.trim().parse()?);
    let proxied = proxy.url();
    let address = if one_way.is_zero() { address.trim() } else { proxied.trim_start_matches("http://") };
    let run = |verb: &str, db: &str, argument: &str| {
        let before = run::cpu_of(server.id())?;
        let cost =
            run::measured(Command::new(binaries.floor()).arg(verb).arg(folder.join(db)).arg(argument))?;
        let server_cpu = run::cpu_of(server.id())?.saturating_sub(before);
        Ok::<_, Error>(Figure { server_cpu, ..Figure::of(&cost) })
    };
    run("load", "first.db", &folder.join("projects.json").display().to_string())?;
    let upload = run("upload", "first.db", address)?;
    run("download", "first.db", address)?;
    let download = run("download", "second.db", address)?;
    let nothing = Figure::least(REPEATS, |_| run("download", "first.db", address))?;
    let ten = Figure::least(3, |_| {
        run("touch", "first.db", "10")?;
        run("upload", "first.db", address)
    })?;
    Ok(Figures { upload, download, nothing, ten })
}
