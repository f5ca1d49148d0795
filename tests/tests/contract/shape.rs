//! A text of the contract, read: its interfaces and worlds with the lines on which everything stands.

use std::collections::BTreeSet;

use semver::Version;
use wit_parser::{Interface, InterfaceId, Resolve, Span, World, WorldItem};

/// The world that names every interface, and so says which side has it.
const ALL: &str = "every-part";

/// One text.
pub struct Shape {
    pub resolve: Resolve,
    pub version: Version,
    /// What components export.
    exported: BTreeSet<String>,
}

/// A world's imports or exports, by name, each with its line.
pub type Names = Vec<(String, usize)>;

impl Shape {
    pub fn read(text: &str) -> Result<Self, String> {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("wit/orkee-sync.wit", text).map_err(|error| error.to_string())?;
        let name = &resolve.packages[package].name;
        let version = name.version.clone().ok_or("it has no version")?;
        let mut shape = Self { resolve, version, exported: BTreeSet::new() };
        let exported =
            shape.worlds().filter(|world| world.name == ALL).flat_map(|world| shape.exports(world));
        shape.exported = exported.map(|(name, _)| name).collect();
        Ok(shape)
    }

    pub fn interfaces(&self) -> impl Iterator<Item = (&str, &Interface)> {
        self.resolve.interfaces.iter().filter_map(|(_, it)| Some((it.name.as_deref()?, it)))
    }

    pub fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces().find(|(known, _)| *known == name).map(|(_, it)| it)
    }

    pub fn worlds(&self) -> impl Iterator<Item = &World> {
        self.resolve.worlds.iter().map(|(_, world)| world)
    }

    pub fn world(&self, name: &str) -> Option<&World> {
        self.worlds().find(|world| world.name == name)
    }

    /// Whether components have this interface, and not the host.
    pub fn is_exported(&self, interface: &str) -> bool {
        self.exported.contains(interface)
    }

    pub fn imports(&self, world: &World) -> Names {
        self.names(world.imports.values())
    }

    pub fn exports(&self, world: &World) -> Names {
        self.names(world.exports.values())
    }

    fn names<'a>(&self, items: impl Iterator<Item = &'a WorldItem>) -> Names {
        let name = |item: &WorldItem| match item {
            WorldItem::Interface { id, .. } => self.name(*id),
            WorldItem::Function(function) => function.name.clone(),
            WorldItem::Type { id, .. } => self.resolve.types[*id].name.clone().unwrap_or_default(),
        };
        items.map(|item| (name(item), self.line(item.span()))).collect()
    }

    pub fn name(&self, id: InterfaceId) -> String {
        self.resolve.interfaces[id].name.clone().unwrap_or_default()
    }

    /// The line on which something stands.
    pub fn line(&self, span: Span) -> usize {
        let location = self.resolve.render_location(span);
        location.split(':').nth(1).and_then(|line| line.parse().ok()).unwrap_or(0)
    }
}
