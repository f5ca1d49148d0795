//! A page as it stands in its file: sections of blocks and directives.

use std::path::Path;

/// A page.
pub struct Document {
    pub(super) sections: Vec<Section>,
}

/// What stands below one heading, up to the next.
pub(super) struct Section {
    pub heading: String,
    pub parts: Vec<Part>,
}

/// A block or a directive, and the line that it begins in.
pub(super) struct Part {
    pub line: usize,
    pub what: What,
}

pub(super) enum What {
    /// The language and the text.
    Block(String, String),
    /// Its name and what it is told.
    Directive(String, String),
}

/// Languages of what a reader types, or writes into a file.
const TYPED: [&str; 6] = ["bash", "zsh", "fish", "console", "toml", "dotenv"];
const DIRECTIVES: [&str; 8] = ["run", "each", "exit", "file", "type", "input", "with", "like"];

impl Document {
    /// Reads a file of this repository, named from its root.
    pub fn read(path: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
        Self::parse(&std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display())))
    }

    fn parse(text: &str) -> Self {
        let mut sections = vec![Section { heading: String::new(), parts: Vec::new() }];
        let mut lines = text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            let what = if let Some(language) = line.strip_prefix("```") {
                let body: Vec<&str> = lines.by_ref().map(|(_, l)| l).take_while(|l| *l != "```").collect();
                assert!(!body.iter().any(|line| line.contains("@@")), "line {}: a place-holder", number + 1);
                Some(What::Block(language.trim().to_owned(), body.join("\n")))
            } else if let Some(comment) = line.strip_prefix("<!-- ") {
                let mut text = comment.to_owned();
                while !text.ends_with("-->") {
                    let (_, more) =
                        lines.next().unwrap_or_else(|| panic!("line {}: no end of it", number + 1));
                    text = format!("{text}\n{more}");
                }
                directive(text.trim_end_matches("-->")).unwrap_or_else(|e| panic!("line {}: {e}", number + 1))
            } else {
                let overlooked =
                    ["```", "~~~", "<!--"].iter().any(|begins| line.trim_start().starts_with(begins));
                assert!(
                    !overlooked,
                    "line {}: a block or a directive in a form that is not known",
                    number + 1
                );
                if line.starts_with('#') {
                    let heading = line.trim_start_matches('#').trim().to_owned();
                    sections.push(Section { heading, parts: Vec::new() });
                }
                None
            };
            if let Some(what) = what {
                sections.last_mut().unwrap().parts.push(Part { line: number + 1, what });
            }
        }
        Self { sections }
    }

    /// The lines of all blocks that hold commands or settings, without `$ ` and without what stands behind a command.
    pub fn typed_lines(&self) -> Vec<String> {
        let parts = self.sections.iter().flat_map(|section| &section.parts);
        parts
            .filter_map(|part| match &part.what {
                What::Block(language, text) if TYPED.contains(&language.as_str()) => Some(text),
                _ => None,
            })
            .flat_map(|text| text.lines())
            .map(|line| without_remark(line.strip_prefix("$ ").unwrap_or(line)).to_owned())
            .filter(|line| !line.is_empty())
            .collect()
    }
}

/// A line without the remark behind it.
fn without_remark(line: &str) -> &str {
    match line.starts_with('#') {
        true => "",
        false => line.split("  #").next().unwrap_or_default().split(" # ").next().unwrap_or_default().trim(),
    }
}

/// A comment that is one of ours; none: it is a remark.
fn directive(comment: &str) -> Result<Option<What>, String> {
    let Some((name, told)) = comment.split_once(':') else { return Ok(None) };
    if DIRECTIVES.contains(&name) {
        return Ok(Some(What::Directive(name.to_owned(), told.trim().to_owned())));
    }
    match name.contains(char::is_whitespace) {
        true => Ok(None),
        false => Err(format!("there is no directive `{name}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_falls_into_sections_of_blocks_and_directives() {
        let page = Document::parse(
            "# One\n\n<!-- a remark -->\n<!-- run: a\nb -->\n```console\n$ x  # why\ny\n```\n\n## Two\n```\nz\n```\n",
        );
        let headings: Vec<&str> = page.sections.iter().map(|section| section.heading.as_str()).collect();
        assert_eq!(headings, ["", "One", "Two"]);
        let [first, second] = page.sections[1].parts.as_slice() else { panic!("two parts") };
        assert!(matches!(&first.what, What::Directive(name, told) if name == "run" && told == "a\nb"));
        assert!(matches!(&second.what, What::Block(language, _) if language == "console"));
        assert_eq!((first.line, second.line), (4, 6));
        assert_eq!(page.typed_lines(), ["x", "y"]);
    }

    #[test]
    fn what_would_be_overlooked_is_refused() {
        for text in [
            "<!-- runs: a -->",
            "<!-- exits: 4 -->",
            "<!--run: a -->",
            "  <!-- run: a -->",
            "- a\n  ```bash\n  b\n  ```",
            "~~~bash\na\n~~~",
            "```text\n@@HERE@@\n```",
        ] {
            assert!(std::panic::catch_unwind(|| Document::parse(text)).is_err(), "{text:?} is taken");
        }
    }
}
