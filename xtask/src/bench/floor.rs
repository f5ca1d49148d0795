//! The floor, measured as `orkee` is.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::REPEATS;
use super::table::{Figure, Figures};
use crate::projects;
use crate::run::{self, Error};
use crate::setup::Binaries;

pub fn measure(binaries: &Binaries, size: usize) -> Result<Figures, Error> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("projects.json");
    projects::write_export(&file, projects::made_up(1).take(size))?;
    let mut server = Command::new(binaries.floor())
        .arg("serve")
        .arg(folder.path().join("server.db"))
        .stdout(Stdio::piped())
        .spawn()?;
    let figures = against(&mut server, binaries, folder.path(), &file);
    server.kill()?;
    server.wait()?;
    figures
}

fn against(server: &mut Child, binaries: &Binaries, folder: &Path, file: &Path) -> Result<Figures, Error> {
    let mut address = String::new();
    BufReader::new(server.stdout.take().ok_or("the floor has no stdout")?).read_line(&mut address)?;
    let (first, second) = (folder.join("first.db"), folder.join("second.db"));
    let floor = |verb: &str, db: &Path, argument: &str| {
        run::measured(Command::new(binaries.floor()).arg(verb).arg(db).arg(argument))
            .map(|cost| Figure::of(&cost))
    };
    let address = address.trim();
    floor("load", &first, &file.display().to_string())?;
    let upload = floor("upload", &first, address)?;
    floor("download", &first, address)?;
    let download = floor("download", &second, address)?;
    let mut nothing = floor("download", &first, address)?;
    for _ in 1..REPEATS {
        nothing = nothing.least(floor("download", &first, address)?);
    }
    floor("touch", &first, "10")?;
    let ten = floor("upload", &first, address)?;
    Ok(Figures { upload, upload_rtt20: None, download, nothing, ten })
}
