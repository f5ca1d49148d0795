//! The agent of launchd, on macOS.

use super::Runs;

/// Its label.
const LABEL: &str = "ai.orkee.sync";
/// The name of its file.
pub(super) const NAME: &str = "ai.orkee.sync.plist";

/// The user's session.
pub(super) fn domain() -> String {
    format!("gui/{}", rustix::process::getuid().as_raw())
}

/// The agent within it.
pub(super) fn target() -> String {
    format!("{}/{LABEL}", domain())
}

/// The description.
pub(super) fn plist(runs: &Runs<'_>) -> String {
    let program = escaped(runs.program);
    let home = escaped(runs.home);
    let environment = match runs.names_home {
        true => format!(
            "  <key>EnvironmentVariables</key>\n  <dict>\n    <key>ORKEE_HOME</key>\n    <string>{home}</string>\n  </dict>\n"
        ),
        false => String::new(),
    };
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Written by `orkee cloud enable`; `orkee cloud disable` takes it away. -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{LABEL}</string>
  <key>ProgramArguments</key>
  <array>
    <string>{program}</string>
    <string>cloud</string>
    <string>watch</string>
  </array>
  <key>WorkingDirectory</key>
  <string>{home}</string>
{environment}  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>30</integer>
  <key>ProcessType</key>
  <string>Background</string>
  <key>Umask</key>
  <integer>63</integer>
</dict>
</plist>
"#
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_names_program_and_home_folder_whatever_they_are_called() {
        let runs = Runs { program: "/a & b/<orkee>", home: "/h", names_home: true };
        let plist = plist(&runs);
        assert!(plist.contains("<string>/a &amp; b/&lt;orkee&gt;</string>"), "{plist}");
        assert!(plist.contains("<key>ORKEE_HOME</key>\n    <string>/h</string>"), "{plist}");
        // Each element that is opened is closed.
        for element in ["plist", "dict", "array", "string", "key", "integer"] {
            let opened = plist.matches(&format!("<{element}>")).count()
                + plist.matches(&format!("<{element} ")).count();
            assert_eq!(opened, plist.matches(&format!("</{element}>")).count(), "{element}: {plist}");
        }
    }
}
