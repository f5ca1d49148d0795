//! The rules: what may change between two texts of one track, and what may not.

use std::fmt;

use semver::Version;
use wit_parser::{Interface, TypeDef};

use crate::shape::{Names, Shape};
use crate::types::Part;

pub const RECORD: &str = "a record keeps its fields, their types and their order";
pub const CASES: &str = "a variant, enum or flags type keeps its cases, their types and their order";
pub const TYPE: &str = "a type keeps its name and what it is";
pub const HOST: &str = "the host keeps each function that it offers as it is";
pub const EXPORTED: &str = "an interface that components export keeps its functions, and gets no more";
pub const INTERFACE: &str = "an interface stays, on the side that has it";
pub const WORLD: &str = "a world stays, imports no less, and exports the same";
pub const VERSION: &str = "what was published is changed under a later version only";

/// The world to which new optional interfaces are added.
const ALL: &str = "every-part";

/// A change that compiled components would notice.
#[derive(Debug, PartialEq)]
pub struct Break {
    /// In today's text: of what changed, or of what it was taken out of.
    pub line: usize,
    pub what: String,
    pub rule: &'static str,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wit/orkee-sync.wit:{}: {} (the rule: {})", self.line, self.what, self.rule)
    }
}

/// Whether components of the one version run on a host of the other; else no rule holds between them.
fn are_of_one_track(one: &Version, other: &Version) -> bool {
    match one.major {
        0 => (other.major, other.minor) == (0, one.minor),
        major => other.major == major,
    }
}

/// All that breaks components built against `old` on a host that has `new`.
pub fn breaks(old: &Shape, new: &Shape) -> Vec<Break> {
    if !are_of_one_track(&old.version, &new.version) {
        return Vec::new();
    }
    let mut found = Found { old, new, breaks: Vec::new(), added: Vec::new() };
    found.interfaces();
    found.worlds();
    let Found { mut breaks, added, .. } = found;
    if new.version <= old.version {
        breaks.extend(added.into_iter().map(|(line, what)| Break { line, what, rule: VERSION }));
    }
    if new.version < old.version {
        breaks.push(Break {
            line: 1,
            what: format!("{} follows {}", new.version, old.version),
            rule: VERSION,
        });
    }
    breaks.sort_by_key(|one| one.line);
    breaks
}

struct Found<'a> {
    old: &'a Shape,
    new: &'a Shape,
    breaks: Vec<Break>,
    /// What no compiled component notices.
    added: Vec<(usize, String)>,
}

impl<'a> Found<'a> {
    fn breaks(&mut self, rule: &'static str, line: usize, what: String) {
        self.breaks.push(Break { line, what, rule });
    }

    fn interfaces(&mut self) {
        let (old, new) = (self.old, self.new);
        for (name, before) in old.interfaces() {
            match new.interface(name) {
                None => self.breaks(INTERFACE, 1, format!("the interface `{name}` is gone")),
                Some(after) if old.is_exported(name) != new.is_exported(name) => {
                    let line = new.line(after.span);
                    self.breaks(INTERFACE, line, format!("the interface `{name}` changed sides"));
                }
                Some(after) => self.interface(name, before, after),
            }
        }
        for (name, after) in new.interfaces().filter(|(name, _)| old.interface(name).is_none()) {
            self.added.push((new.line(after.span), format!("the interface `{name}` is new")));
        }
    }

    fn interface(&mut self, name: &str, before: &Interface, after: &Interface) {
        let (old, new) = (self.old, self.new);
        for (called, id) in &before.types {
            match after.types.get(called) {
                None => {
                    self.breaks(TYPE, new.line(after.span), format!("the type `{name}.{called}` is gone"))
                }
                Some(now) => {
                    let (was, now) = (&old.resolve.types[*id], &new.resolve.types[*now]);
                    self.kind(&format!("{name}.{called}"), was, now);
                }
            }
        }
        for (called, id) in after.types.iter().filter(|(called, _)| !before.types.contains_key(*called)) {
            let line = new.line(new.resolve.types[*id].span);
            self.added.push((line, format!("the type `{name}.{called}` is new")));
        }
        self.functions(name, before, after);
    }

    fn functions(&mut self, name: &str, before: &Interface, after: &Interface) {
        let (old, new) = (self.old, self.new);
        let rule = if old.is_exported(name) { EXPORTED } else { HOST };
        for (called, was) in &before.functions {
            match after.functions.get(called) {
                None => {
                    self.breaks(rule, new.line(after.span), format!("the function `{name}.{called}` is gone"))
                }
                Some(now) if old.show_function(was) != new.show_function(now) => {
                    self.breaks(
                        rule,
                        new.line(now.span),
                        format!("the function `{name}.{called}` has another type"),
                    );
                }
                Some(_) => {}
            }
        }
        for (called, now) in
            after.functions.iter().filter(|(called, _)| !before.functions.contains_key(*called))
        {
            let (line, what) = (new.line(now.span), format!("the function `{name}.{called}` is new"));
            match rule == EXPORTED {
                true => self.breaks(rule, line, what),
                false => self.added.push((line, what)),
            }
        }
    }

    fn kind(&mut self, name: &str, was: &TypeDef, now: &TypeDef) {
        let (old, new) = (self.old, self.new);
        let line = new.line(now.span);
        let (before, after) = (old.show_definition(was), new.show_definition(now));
        if before != after {
            return self.breaks(TYPE, line, format!("`{name}` was {before} and is {after}"));
        }
        let (Some(before), Some(after)) = (old.parts(was), new.parts(now)) else { return };
        let rule = if was.kind.as_str() == "record" { RECORD } else { CASES };
        self.parts(rule, name, line, &before, &after);
    }

    fn parts(&mut self, rule: &'static str, name: &str, line: usize, before: &[Part], after: &[Part]) {
        let known = self.breaks.len();
        for part in before {
            match after.iter().find(|now| now.name == part.name) {
                None => self.breaks(rule, line, format!("`{name}` lost `{}`", part.name)),
                Some(now) if now.kind != part.kind => {
                    let what =
                        format!("`{}` of `{name}` was `{}` and is `{}`", part.name, part.kind, now.kind);
                    self.breaks(rule, now.line, what);
                }
                Some(_) => {}
            }
        }
        for now in after.iter().filter(|now| before.iter().all(|part| part.name != now.name)) {
            self.breaks(rule, now.line, format!("`{name}` got `{}`", now.name));
        }
        let is_as_it_was = before.iter().map(|part| &part.name).eq(after.iter().map(|part| &part.name));
        if self.breaks.len() == known && !is_as_it_was {
            self.breaks(rule, line, format!("`{name}` has another order"));
        }
    }

    fn worlds(&mut self) {
        let (old, new) = (self.old, self.new);
        for was in old.worlds() {
            let name = was.name.as_str();
            let Some(now) = new.world(name) else {
                self.breaks(WORLD, 1, format!("the world `{name}` is gone"));
                continue;
            };
            let line = new.line(now.span);
            let (imported, imports) = (old.imports(was), new.imports(now));
            for gone in missing(&imported, &imports) {
                self.breaks(WORLD, line, format!("the world `{name}` imports `{}` no more", gone.0));
            }
            for more in missing(&imports, &imported) {
                self.added.push((more.1, format!("the world `{name}` imports `{}`", more.0)));
            }
            let (exported, exports) = (old.exports(was), new.exports(now));
            for gone in missing(&exported, &exports) {
                self.breaks(WORLD, line, format!("the world `{name}` exports `{}` no more", gone.0));
            }
            for more in missing(&exports, &exported) {
                let what = format!("the world `{name}` exports `{}`", more.0);
                // What is new altogether is optional: no component lacks it.
                match name == ALL && old.interface(&more.0).is_none() {
                    true => self.added.push((more.1, what)),
                    false => self.breaks(WORLD, more.1, what),
                }
            }
        }
        for now in new.worlds().filter(|now| old.world(&now.name).is_none()) {
            self.added.push((new.line(now.span), format!("the world `{}` is new", now.name)));
        }
    }
}

/// What is in `these` and not in `those`.
fn missing<'a>(these: &'a Names, those: &Names) -> Vec<&'a (String, usize)> {
    these.iter().filter(|(name, _)| those.iter().all(|(other, _)| other != name)).collect()
}
