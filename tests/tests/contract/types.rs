//! Types as words, so that those of two texts can be compared: an alias reads as what it stands for, and a type with a name as
//! that name, with the interface that has it.

use wit_parser::{Function, Handle, Type, TypeDef, TypeDefKind, TypeId, TypeOwner};

use crate::shape::Shape;

impl Shape {
    pub fn show(&self, kind: &Type) -> String {
        match kind {
            Type::Id(id) => self.show_id(*id),
            plain => format!("{plain:?}").to_lowercase(),
        }
    }

    fn show_id(&self, id: TypeId) -> String {
        let definition = &self.resolve.types[id];
        match (&definition.kind, &definition.name) {
            (TypeDefKind::Type(kind), _) => self.show(kind),
            (_, Some(name)) => match definition.owner {
                TypeOwner::Interface(owner) => format!("{}.{name}", self.name(owner)),
                _ => name.clone(),
            },
            (kind, None) => self.show_kind(kind),
        }
    }

    fn show_kind(&self, kind: &TypeDefKind) -> String {
        let maybe = |kind: &Option<Type>| kind.as_ref().map_or("_".to_owned(), |kind| self.show(kind));
        match kind {
            TypeDefKind::Option(of) => format!("option<{}>", self.show(of)),
            TypeDefKind::List(of) => format!("list<{}>", self.show(of)),
            TypeDefKind::FixedLengthList(of, length) => format!("list<{}, {length}>", self.show(of)),
            TypeDefKind::Map(key, value) => format!("map<{}, {}>", self.show(key), self.show(value)),
            TypeDefKind::Result(both) => format!("result<{}, {}>", maybe(&both.ok), maybe(&both.err)),
            TypeDefKind::Tuple(tuple) => {
                format!(
                    "tuple<{}>",
                    tuple.types.iter().map(|kind| self.show(kind)).collect::<Vec<_>>().join(", ")
                )
            }
            TypeDefKind::Future(of) => format!("future<{}>", maybe(of)),
            TypeDefKind::Stream(of) => format!("stream<{}>", maybe(of)),
            TypeDefKind::Handle(Handle::Own(id)) => self.show_id(*id),
            TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", self.show_id(*id)),
            TypeDefKind::Type(kind) => self.show(kind),
            other => other.as_str().to_owned(),
        }
    }

    /// A function with its parameters, their names included: they are part of a component's type.
    pub fn show_function(&self, function: &Function) -> String {
        let params: Vec<String> =
            function.params.iter().map(|param| format!("{}: {}", param.name, self.show(&param.ty))).collect();
        let result =
            function.result.as_ref().map_or(String::new(), |kind| format!(" -> {}", self.show(kind)));
        format!("{:?}({}){result}", std::mem::discriminant(&function.kind), params.join(", "))
            .replace("Discriminant", "func")
    }

    /// What a type is made of, in its order: fields or cases, each with its type and line. None: it has no parts.
    pub fn parts(&self, definition: &TypeDef) -> Option<Vec<Part>> {
        let part = |name: &str, kind: Option<&Type>, span| Part {
            name: name.to_owned(),
            kind: kind.map_or(String::new(), |kind| self.show(kind)),
            line: self.line(span),
        };
        Some(match &definition.kind {
            TypeDefKind::Record(it) => it.fields.iter().map(|f| part(&f.name, Some(&f.ty), f.span)).collect(),
            TypeDefKind::Variant(it) => {
                it.cases.iter().map(|c| part(&c.name, c.ty.as_ref(), c.span)).collect()
            }
            TypeDefKind::Enum(it) => it.cases.iter().map(|c| part(&c.name, None, c.span)).collect(),
            TypeDefKind::Flags(it) => it.flags.iter().map(|f| part(&f.name, None, f.span)).collect(),
            _ => return None,
        })
    }

    /// A type without parts, or the kind of one that has them.
    pub fn show_definition(&self, definition: &TypeDef) -> String {
        match self.parts(definition) {
            Some(_) => definition.kind.as_str().to_owned(),
            None => self.show_kind(&definition.kind),
        }
    }
}

/// A field or a case.
pub struct Part {
    pub name: String,
    pub kind: String,
    pub line: usize,
}
