//! Where things are on the server: paths below the API URL, and names that survive a file system which folds case.

use orkee_provider_sdk::{Failure, option, percent_encoded};

/// Commits in one folder of the log.
pub(crate) const PER_SHELF: u64 = 16;

/// The folder that the user chose.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Its parts, from the API URL down.
    parts: Vec<String>,
    /// `/a/b`, percent-encoded.
    root: String,
}

impl Place {
    /// What the option `folder` says.
    pub(crate) fn chosen() -> Result<Self, Failure> {
        Self::new(&option("folder").unwrap_or_else(|| "orkee".to_owned()))
    }

    fn new(folder: &str) -> Result<Self, Failure> {
        let parts: Vec<_> = folder.trim_matches('/').split('/').map(str::to_owned).collect();
        let plain = |part: &String| {
            !part.is_empty() && part != "." && part != ".." && !part.chars().any(char::is_control)
        };
        if !parts.iter().all(plain) {
            return Err(Failure::Unsuitable(
                "the option `folder` is no folder: write a name such as `orkee` or `backup/orkee`".to_owned(),
            ));
        }
        let root = parts.iter().map(|part| format!("/{}", percent_encoded(part))).collect();
        Ok(Self { parts, root })
    }

    /// As the user wrote it.
    pub(crate) fn shown(&self) -> String {
        self.parts.join("/")
    }

    /// The folders that there must be, outermost first.
    pub(crate) fn folders(&self) -> Vec<String> {
        let mut path = String::new();
        let mut folders: Vec<_> = self
            .parts
            .iter()
            .map(|part| {
                path.push('/');
                path.push_str(&percent_encoded(part));
                format!("{path}/")
            })
            .collect();
        folders.extend([self.records(), self.log()]);
        folders
    }

    pub(crate) fn root(&self) -> String {
        format!("{}/", self.root)
    }

    pub(crate) fn records(&self) -> String {
        format!("{}/r/", self.root)
    }

    /// The folder of the records whose names begin with this.
    pub(crate) fn shelf(&self, first: char) -> String {
        format!("{}/r/{first}/", self.root)
    }

    /// A record by its name.
    pub(crate) fn record(&self, name: &str) -> String {
        format!("{}/r/{}/{name}", self.root, first(name))
    }

    pub(crate) fn log(&self) -> String {
        format!("{}/log/", self.root)
    }

    /// The folder of the commits `number * PER_SHELF` and those after it.
    pub(crate) fn log_shelf(&self, number: u64) -> String {
        format!("{}/log/{number:09x}/", self.root)
    }

    /// The folder whose making is the turn of commit `number`.
    pub(crate) fn turn(&self, number: u64) -> String {
        format!("{}{:x}/", self.log_shelf(number / PER_SHELF), number % PER_SHELF)
    }

    /// What the turn's holder is about to write.
    pub(crate) fn intent(&self, number: u64) -> String {
        format!("{}intent", self.turn(number))
    }

    /// What it wrote.
    pub(crate) fn done(&self, number: u64, tag: &str) -> String {
        format!("{}{:x}-{tag}", self.log_shelf(number / PER_SHELF), number % PER_SHELF)
    }

    /// A name of its own for trying the server out.
    pub(crate) fn trial(&self, nonce: &str) -> String {
        format!("{}/trial-{nonce}", self.root)
    }
}

/// A shelf's number from its name in the log.
pub(crate) fn shelf_number(name: &str) -> Option<u64> {
    let plain = name.len() >= 9 && name.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    u64::from_str_radix(name, 16).ok().filter(|_| plain)
}

/// The name of a record: its id, with capitals as `_` and the small letter.
pub(crate) fn name(id: &str) -> Result<String, Failure> {
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(Failure::Protocol(format!("`{id}` is no id that this provider can keep")));
    }
    let mut name = String::with_capacity(id.len() * 2);
    for letter in id.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    Ok(name)
}

/// The id of a record by its name. None for what is no record's name, such as a file that somebody else put there.
pub(crate) fn id(name: &str) -> Option<String> {
    let mut id = String::with_capacity(name.len());
    let mut letters = name.chars();
    while let Some(letter) = letters.next() {
        id.push(match letter {
            '_' => letters.next().filter(char::is_ascii_lowercase)?.to_ascii_uppercase(),
            'a'..='z' | '0'..='9' => letter,
            _ => return None,
        });
    }
    (id.len() == 8).then_some(id)
}

/// The first letter of an id: of its name, `_` left out.
pub(crate) fn first(name: &str) -> char {
    name.chars().find(|letter| *letter != '_').unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_where_ids_differ_in_case_alone() {
        for id_ in ["aaaaaaaa", "AAAAAAAA", "aAbB01zZ", "00000000"] {
            let name = name(id_).unwrap();
            assert_eq!(name, name.to_ascii_lowercase());
            assert_eq!(id(&name).as_deref(), Some(id_));
        }
        assert_eq!(name("aB000000").unwrap(), "a_b000000");
        assert_eq!(first("_ab"), 'a');
    }

    #[test]
    fn what_is_no_records_name_has_no_id() {
        for stranger in
            ["", "a", "aaaaaaaaa", "AAAAAAAA", "aaaaaaa_", "aaaaaaa_1", "__aaaaaaa", "a.aaaaaa", "aaaaaaaé"]
        {
            assert_eq!(id(stranger), None, "{stranger}");
        }
        assert!(name("../../aa").is_err() && name("").is_err());
    }

    #[test]
    fn a_folder_may_lie_in_others_and_nowhere_else() {
        let place = Place::new("/My files/orkee/").unwrap();
        assert_eq!(place.folders()[..2], ["/My%20files/", "/My%20files/orkee/"]);
        assert_eq!(place.record("_ab"), "/My%20files/orkee/r/a/_ab");
        assert_eq!(place.done(35, "t"), "/My%20files/orkee/log/000000002/3-t");
        assert_eq!(place.intent(16), "/My%20files/orkee/log/000000001/0/intent");
        assert_eq!(place.shown(), "My files/orkee");
        for wrong in ["", "/", "a//b", "..", "a/../b", ".", "a\nb"] {
            assert!(matches!(Place::new(wrong), Err(Failure::Unsuitable(_))), "{wrong:?}");
        }
    }

    #[test]
    fn a_shelf_is_known_by_its_name() {
        assert_eq!(shelf_number("00000000a"), Some(10));
        for stranger in ["", "a", "00000000A", "+00000001", "00000000g", "ffffffffffffffffff"] {
            assert_eq!(shelf_number(stranger), None, "{stranger}");
        }
    }
}
