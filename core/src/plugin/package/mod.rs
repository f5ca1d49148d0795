//! A component with its manifest, and perhaps a signature, in one file: one digest covers all of it.
//!
//! The manifest is the custom section `orkee:manifest`. A signature is the section `orkee:signature`, the last of the file, over every
//! byte before it, so that nothing of a signed file can be changed, added or taken away.

mod section;
mod signature;
#[cfg(test)]
mod tests;

use sha2::{Digest, Sha256};
use thiserror::Error;

pub use signature::{PublicKey, PublisherKey};

use super::manifest::{Manifest, ManifestError};
use crate::diagnostic::{Diagnostic, Kind};

/// The section that holds the manifest, as TOML.
const MANIFEST: &str = "orkee:manifest";
/// The section that holds the signature.
const SIGNATURE: &str = "orkee:signature";

/// What a packed component says of itself, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// What it is and asks for.
    pub manifest: Manifest,
    /// SHA-256 of the whole file.
    pub sha256: [u8; 32],
    /// Who signed it. The signature is right; whether the key is to be trusted is another question.
    pub signer: Option<PublicKey>,
}

/// A file that is no packed component.
#[derive(Debug, Error)]
pub enum PackageError {
    /// The file is cut short, or no component at all.
    #[error("the file is no whole component")]
    Damaged,
    /// Nobody packed it.
    #[error("the component has no manifest")]
    NoManifest,
    /// Two of what there can be one of.
    #[error("the component has several sections `{0}`")]
    Twice(&'static str),
    /// The manifest is no text.
    #[error("the component's manifest is no UTF-8 text")]
    NotText,
    /// The manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The signature is not of these bytes, or in the wrong place.
    #[error("the component's signature is wrong: {0}")]
    Signature(&'static str),
    /// A key for signing cannot be used.
    #[error("the key cannot be used: {0}")]
    Key(&'static str),
}

impl Diagnostic for PackageError {
    fn code(&self) -> &'static str {
        match self {
            Self::Manifest(error) => error.code(),
            Self::Signature(_) => "E-PLUGIN-032",
            Self::Key(_) => "E-PLUGIN-033",
            _ => "E-PLUGIN-031",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Manifest(error) => return error.hint(),
            Self::NoManifest => "its author packs one with `orkee cloud provider pack`".to_owned(),
            Self::Key(_) => "make one with `openssl genpkey -algorithm ed25519`".to_owned(),
            Self::Damaged | Self::Twice(_) | Self::NotText | Self::Signature(_) => {
                "fetch it again from its author; do not use it as it is".to_owned()
            }
        })
    }
}

impl Package {
    /// Reads what a file says of itself; nothing of it runs.
    pub fn read(file: &[u8]) -> Result<Self, PackageError> {
        let manifest = Self::manifest_of(file)?;
        let signer = match only(file, SIGNATURE)? {
            Some(section) if section.content.end != file.len() => {
                return Err(PackageError::Signature("there is more behind it, which it does not cover"));
            }
            Some(section) => Some(signature::verify(&file[..section.start], &file[section.content])?),
            None => None,
        };
        Ok(Self { manifest, sha256: Sha256::digest(file).into(), signer })
    }

    /// The manifest alone, where the file is part of the program and needs no proof: nothing is hashed, and little of it read.
    pub fn manifest_of(file: &[u8]) -> Result<Manifest, PackageError> {
        let section = only(file, MANIFEST)?.ok_or(PackageError::NoManifest)?;
        let text = std::str::from_utf8(&file[section.content]).map_err(|_| PackageError::NotText)?;
        Ok(Manifest::parse(text)?)
    }

    /// The digest as people compare it: 64 hexadecimal digits.
    pub fn digest(&self) -> String {
        hex::encode(self.sha256)
    }
}

/// `component` with this manifest, signed if there is a key. A component that was packed already is refused.
pub fn pack(component: &[u8], manifest: &str, key: Option<&PublisherKey>) -> Result<Vec<u8>, PackageError> {
    Manifest::parse(manifest)?;
    for name in [MANIFEST, SIGNATURE] {
        if only(component, name)?.is_some() {
            return Err(PackageError::Twice(name));
        }
    }
    let packed = section::append(component, MANIFEST, manifest.as_bytes());
    Ok(match key {
        Some(key) => section::append(&packed, SIGNATURE, &key.sign(&packed)),
        None => packed,
    })
}

fn only(file: &[u8], name: &'static str) -> Result<Option<section::Section>, PackageError> {
    let mut sections = section::find(file, name).ok_or(PackageError::Damaged)?.into_iter();
    match (sections.next(), sections.next()) {
        (first, None) => Ok(first),
        _ => Err(PackageError::Twice(name)),
    }
}
