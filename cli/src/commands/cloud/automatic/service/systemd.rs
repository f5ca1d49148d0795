//! The unit of systemd's user manager.

use super::Runs;

/// Its name, and that of its file.
pub(super) const NAME: &str = "orkee-sync.service";

/// The unit. It is started anew however it failed: a watcher in the foreground ends some time, and settings are corrected. What it forbids itself, a watcher never does; compiled components need memory that is written and then executed.
pub(super) fn unit(runs: &Runs<'_>) -> String {
    let Runs { program, home, names_home } = runs;
    let environment = match names_home {
        true => format!("Environment={}\n", quoted(&format!("ORKEE_HOME={home}"), false)),
        false => String::new(),
    };
    format!(
        "\
# Written by `orkee cloud enable`; `orkee cloud disable` takes it away.
[Unit]
Description=Orkee: keeps projects in step with your other devices

[Service]
Type=exec
ExecStart={} cloud watch
WorkingDirectory={}
{environment}Restart=on-failure
RestartSec=30
KillMode=process
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes

[Install]
WantedBy=default.target
",
        quoted(program, true),
        home.replace('%', "%%"),
    )
}

/// A word as systemd reads it: in quotes, with its own escapes, and where variables are put in, `$` twice.
fn quoted(word: &str, has_variables: bool) -> String {
    let word = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    let word = if has_variables { word.replace('$', "$$") } else { word };
    format!("\"{word}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d18_the_unit_runs_this_program_and_holds_what_it_needs_and_no_more() {
        let runs = Runs { program: "/usr/bin/orkee", home: "/home/john/.orkee", names_home: false };
        let unit = unit(&runs);
        assert!(unit.contains("\nExecStart=\"/usr/bin/orkee\" cloud watch\n"), "{unit}");
        assert!(!unit.contains("Environment"), "{unit}");
        let keys = unit.lines().filter_map(|line| line.split_once('=')).count();
        assert_eq!(keys, 12, "{unit}");
    }

    #[test]
    fn a_path_with_odd_characters_stays_one_word() {
        let runs = Runs { program: "/a b/$x/%h/\"q\\", home: "/h %u", names_home: true };
        let unit = unit(&runs);
        assert!(unit.contains("ExecStart=\"/a b/$$x/%%h/\\\"q\\\\\" cloud watch\n"), "{unit}");
        assert!(unit.contains("WorkingDirectory=/h %%u\n"), "{unit}");
        assert!(unit.contains("Environment=\"ORKEE_HOME=/h %%u\"\n"), "{unit}");
    }
}
