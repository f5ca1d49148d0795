//! Looking for a secret in what it must not be in, in every form in which it could hide.

use std::path::Path;

use crate::home::Ran;

/// Secrets that are looked for.
pub struct Canaries(pub Vec<&'static str>);

impl Canaries {
    /// Fails if `bytes` hold one of them. `what` is what they are.
    #[track_caller]
    pub fn are_not_in(&self, what: &str, bytes: &[u8]) {
        for form in self.0.iter().flat_map(|secret| forms(secret)) {
            let found = bytes.windows(form.len()).position(|window| window == form);
            if let Some(at) = found {
                let around = &bytes[at.saturating_sub(200)..(at + form.len() + 20).min(bytes.len())];
                panic!("{what} has a secret: {}", String::from_utf8_lossy(around));
            }
        }
    }

    /// Everything in the home folder but the token file.
    #[track_caller]
    pub fn are_not_in_files(&self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.are_not_in_files(&path);
            } else if path.file_name().unwrap() != "auth.toml" {
                self.are_not_in(&path.display().to_string(), &std::fs::read(&path).unwrap());
            }
        }
    }

    /// What a command printed.
    #[track_caller]
    pub fn are_not_printed(&self, ran: Ran) -> Ran {
        self.are_not_in("standard output", ran.stdout.as_bytes());
        self.are_not_in("standard error", ran.stderr.as_bytes());
        ran
    }
}

/// The forms in which a secret could hide.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let numbers = secret.bytes().map(|b| b.to_string()).collect::<Vec<_>>();
    let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
    let mut forms = vec![secret.as_bytes().to_vec(), hex.into_bytes()];
    // As `{:?}` and as JSON write a list of bytes.
    forms.extend([", ", ","].map(|between| numbers.join(between).into_bytes()));
    // In base64, what stands around a secret shifts it by none, one or two bytes.
    for skip in 0..3 {
        forms.push(base64(&secret.as_bytes()[skip..]).into_bytes());
    }
    forms
}

/// Of the whole groups of three bytes; what is left over depends on what follows.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups =
        bytes.chunks_exact(3).map(|c| u32::from(c[0]) << 16 | u32::from(c[1]) << 8 | u32::from(c[2]));
    groups
        .flat_map(|g| [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(g >> shift & 63) as usize])))
        .collect()
}
