//! What directives say of the block that comes next.

use super::shell::Typed;

/// What was said of the next block.
#[derive(Default)]
pub(super) struct Said {
    pub each: Option<String>,
    pub exit: Option<i32>,
    pub file: Option<String>,
    pub typed: Option<Typed>,
    pub with: Vec<(String, String)>,
    pub like: Option<String>,
}

impl Said {
    /// Takes one down. Nothing is said twice.
    pub(super) fn hear(&mut self, name: &str, told: &str) -> Result<(), String> {
        let is_new = match name {
            "each" => self.each.replace(told.to_owned()).is_none(),
            "exit" => {
                let code = told.parse().map_err(|_| format!("no exit code: {told}"))?;
                self.exit.replace(code).is_none()
            }
            "file" => self.file.replace(told.to_owned()).is_none(),
            "type" => self.typed.replace(Typed::AtTerminal(told.to_owned())).is_none(),
            "input" => self.typed.replace(Typed::Piped(told.to_owned())).is_none(),
            "like" => self.like.replace(told.to_owned()).is_none(),
            _ => return self.hear_replacements(told),
        };
        match is_new {
            true => Ok(()),
            false => Err(format!("`{name}` is said twice of one block")),
        }
    }

    fn hear_replacements(&mut self, told: &str) -> Result<(), String> {
        for line in told.lines() {
            let (this, that) = line.split_once('=').ok_or_else(|| format!("`{line}` replaces nothing"))?;
            self.with.push((this.to_owned(), that.to_owned()));
        }
        Ok(())
    }

    /// Whether a block of this language, a session or none, takes up all that was said.
    pub(super) fn is_for(&self, language: &str, is_session: bool) -> Result<(), String> {
        let is_run = ["bash", "console"].contains(&language);
        let overlooked = [
            (self.each.is_some(), is_run, "each"),
            (self.exit.is_some(), is_run, "exit"),
            (self.typed.is_some(), is_run, "type or input"),
            (self.file.is_some(), ["toml", "dotenv"].contains(&language), "file"),
            (self.like.is_some(), language == "json", "like"),
            (!self.with.is_empty(), is_run || ["", "toml", "dotenv", "json"].contains(&language), "with"),
        ];
        if let Some((_, _, name)) = overlooked.iter().find(|(is_said, is_taken, _)| *is_said && !is_taken) {
            return Err(format!("no block takes up what `{name}` says"));
        }
        match is_session && language != "console" {
            true => Err("a session that nobody types: its language is not `console`".to_owned()),
            false => Ok(()),
        }
    }

    /// The block's text with what is to stand in it.
    pub(super) fn replaced(&self, text: &str) -> Result<String, String> {
        self.with.iter().try_fold(text.to_owned(), |text, (this, that)| match text.contains(this) {
            true => Ok(text.replace(this, that)),
            false => Err(format!("`{this}`, which is to be replaced, does not stand in it")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(directives: &[(&str, &str)]) -> Result<Said, String> {
        let mut said = Said::default();
        directives.iter().try_for_each(|(name, told)| said.hear(name, told))?;
        Ok(said)
    }

    #[test]
    fn what_nothing_takes_up_is_an_error() {
        for (name, language) in [
            ("exit", "toml"),
            ("each", "text"),
            ("type", "json"),
            ("file", "bash"),
            ("like", ""),
            ("with", "text"),
        ] {
            let told = if name == "exit" { "4" } else { "a=b" };
            let said = said(&[(name, told)]).unwrap();
            assert!(said.is_for(language, false).is_err(), "{name} {language}");
        }
        assert!(Said::default().is_for("text", true).is_err());
        assert!(said(&[("exit", "4")]).unwrap().is_for("bash", false).is_ok());
    }

    #[test]
    fn what_is_said_twice_or_not_understood_is_an_error() {
        for directives in [
            &[("exit", "4"), ("exit", "5")][..],
            &[("type", "y"), ("input", "y")],
            &[("exit", "four")],
            &[("with", "nothing")],
        ] {
            assert!(said(directives).is_err(), "{directives:?}");
        }
    }

    #[test]
    fn a_replacement_for_what_is_not_there_is_an_error() {
        let said = said(&[("with", "ID=3f9Kx2Qa")]).unwrap();
        assert_eq!(said.replaced("show ID").as_deref(), Ok("show 3f9Kx2Qa"));
        assert!(said.replaced("show it").is_err());
    }
}
