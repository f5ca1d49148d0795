//! What holds for every merge, over versions with few enough values that sides meet often.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// JSON that no version knows, in every spelling that must survive.
const ODD: [&str; 6] = [
    r#"{"b":1.50,"a":["\u0041",{"deep":{"z":null,"z":1e3}}]}"#,
    "123456789012345678901234567890",
    "1.0",
    "1e400",
    r#"[[],{},"\ud83d\ude00",-0.0]"#,
    "false",
];

/// What a person does to a list of tasks, or to the rest.
#[derive(Debug, Clone)]
enum Edit {
    Field(&'static str, Option<String>),
    Tag(u8, bool),
    TagsTurned,
    Server(u8, Option<bool>),
    Add(String),
    AddBelow(Index, String),
    Change(Index, &'static str, String),
    ChangeBelow(Index, Index, &'static str, String),
    Depend(Index, Index),
    Drop(Index),
    DropBelow(Index, Index),
    Turn(Index),
}

fn word() -> impl Strategy<Value = String> {
    (0..4u8).prop_map(|n| format!("\"w{n}\""))
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![word(), select(&ODD[..]).prop_map(ToOwned::to_owned)]
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    let field = || select(&["title", "status", "xOdd", "details"][..]);
    prop_oneof![
        (select(&["description", "xUnknown", "gitRepository", "rank"][..]), prop::option::of(value()))
            .prop_map(|(field, value)| Edit::Field(field, value)),
        (0..5u8, any::<bool>()).prop_map(|(tag, on)| Edit::Tag(tag, on)),
        Just(Edit::TagsTurned),
        (0..3u8, prop::option::of(any::<bool>())).prop_map(|(name, on)| Edit::Server(name, on)),
        word().prop_map(Edit::Add),
        word().prop_map(Edit::Add),
        (at(), word()).prop_map(|(task, title)| Edit::AddBelow(task, title)),
        (at(), field(), value()).prop_map(|(task, field, value)| Edit::Change(task, field, value)),
        (at(), at(), field(), value())
            .prop_map(|(task, below, field, value)| Edit::ChangeBelow(task, below, field, value)),
        (at(), at()).prop_map(|(task, on)| Edit::Depend(task, on)),
        at().prop_map(Edit::Drop),
        (at(), at()).prop_map(|(task, below)| Edit::DropBelow(task, below)),
        at().prop_map(Edit::Turn),
    ]
}

/// A task while it is edited: its fields as JSON text, its subtasks apart.
#[derive(Debug, Clone, Default)]
struct Draft {
    number: u64,
    fields: BTreeMap<String, String>,
    below: Vec<Draft>,
    needs: Vec<u64>,
}

impl Draft {
    fn json(&self) -> String {
        let mut fields = vec![format!("\"id\":{}", self.number)];
        fields.extend(self.fields.iter().map(|(key, value)| format!("{key:?}:{value}")));
        if !self.needs.is_empty() {
            fields.push(format!("\"dependencies\":{:?}", self.needs));
        }
        if !self.below.is_empty() {
            fields.push(format!("\"subtasks\":[{}]", drafts(&self.below)));
        }
        format!("{{{}}}", fields.join(","))
    }
}

fn drafts(tasks: &[Draft]) -> String {
    tasks.iter().map(Draft::json).collect::<Vec<_>>().join(",")
}

fn add(tasks: &mut Vec<Draft>, title: String, made: &mut u32, who: char) {
    *made += 1;
    let number = tasks.iter().map(|task| task.number).max().unwrap_or(0) + 1;
    let fields = [("title", title), ("createdAt", format!("\"made {made} by {who}\""))];
    let fields = fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    tasks.push(Draft { number, fields, ..Draft::default() });
}

/// A project while it is edited.
#[derive(Debug, Clone, Default)]
struct Sketch {
    fields: BTreeMap<&'static str, String>,
    tags: Vec<u8>,
    servers: BTreeMap<u8, bool>,
    tasks: Vec<Draft>,
    made: u32,
}

impl Sketch {
    /// This after some edits by one person.
    fn after(&self, edits: &[Edit], who: char) -> Self {
        let mut sketch = self.clone();
        edits.iter().for_each(|edit| sketch.apply(edit.clone(), who));
        sketch
    }

    fn apply(&mut self, edit: Edit, who: char) {
        let Self { tasks, made, .. } = self;
        match edit {
            Edit::Field(field, Some(value)) => drop(self.fields.insert(field, value)),
            Edit::Field(field, None) => drop(self.fields.remove(field)),
            Edit::Tag(tag, true) if !self.tags.contains(&tag) => self.tags.push(tag),
            Edit::Tag(tag, _) => self.tags.retain(|one| *one != tag),
            Edit::TagsTurned => self.tags.reverse(),
            Edit::Server(name, Some(on)) => drop(self.servers.insert(name, on)),
            Edit::Server(name, None) => drop(self.servers.remove(&name)),
            Edit::Add(title) => add(tasks, title, made, who),
            _ if tasks.is_empty() => {}
            Edit::AddBelow(task, title) => add(&mut task.get_mut(tasks).below, title, made, who),
            Edit::Change(task, field, value) => change(task.get_mut(tasks), field, value),
            Edit::ChangeBelow(task, below, field, value) => {
                let list = &mut task.get_mut(tasks).below;
                if !list.is_empty() {
                    change(below.get_mut(list), field, value);
                }
            }
            Edit::Depend(task, on) => {
                let on = on.get(tasks).number;
                let needs = &mut task.get_mut(tasks).needs;
                if !needs.contains(&on) {
                    needs.push(on);
                }
            }
            Edit::Drop(task) => drop(tasks.remove(task.index(tasks.len()))),
            Edit::DropBelow(task, below) => {
                let list = &mut task.get_mut(tasks).below;
                if !list.is_empty() {
                    list.remove(below.index(list.len()));
                }
            }
            Edit::Turn(task) => {
                let at = task.index(tasks.len());
                tasks.rotate_left(at);
            }
        }
    }

    fn payload(&self) -> Payload {
        let mut fields = vec![r#""id":"abcd1234""#.to_owned(), r#""name":"N""#.to_owned()];
        fields.extend(self.fields.iter().map(|(key, value)| format!("{key:?}:{value}")));
        let tags: Vec<String> = self.tags.iter().map(|n| format!("\"t{n}\"")).collect();
        fields.push(format!("\"tags\":[{}]", tags.join(",")));
        let servers: Vec<String> = self.servers.iter().map(|(n, on)| format!("\"s{n}\":{on}")).collect();
        fields.push(format!("\"mcpServers\":{{{}}}", servers.join(",")));
        fields.push(format!("\"manualTasks\":[{}]", drafts(&self.tasks)));
        Payload::parse(&format!("{{{}}}", fields.join(","))).unwrap()
    }
}

fn change(task: &mut Draft, field: &str, value: String) {
    task.fields.insert(field.to_owned(), value);
}

/// A base, and what two people made of it.
#[derive(Clone)]
struct Three {
    base: Payload,
    ours: Payload,
    theirs: Payload,
}

impl fmt::Debug for Three {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [base, ours, theirs] = [&self.base, &self.ours, &self.theirs].map(Payload::to_json);
        write!(f, "\nbase   {base}\nours   {ours}\ntheirs {theirs}\n")
    }
}

fn three() -> impl Strategy<Value = Three> {
    let edits = |upto| prop::collection::vec(edit(), 0..upto);
    (edits(14), edits(7), edits(7)).prop_map(|(base, ours, theirs)| {
        let base = Sketch::default().after(&base, 'x');
        let [ours, theirs] =
            [(ours, 'a'), (theirs, 'b')].map(|(edits, who)| base.after(&edits, who).payload());
        Three { base: base.payload(), ours, theirs }
    })
}

fn side() -> impl Strategy<Value = Side> {
    prop::bool::ANY.prop_map(|ours| if ours { Side::Ours } else { Side::Theirs })
}

fn other(side: Side) -> Side {
    if side == Side::Ours { Side::Theirs } else { Side::Ours }
}

/// Every value of a payload with its kind of place: task numbers and references, which a merge may give anew, left out.
fn leaves(payload: &Payload) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (field, value) in payload.iter() {
        match field {
            "manualTasks" => task_leaves(value, &mut found),
            "tags" => found.extend(list(value).iter().map(|tag| format!("tag {}", tag.get()))),
            "mcpServers" => {
                let servers = RawObject::parse(value.get()).unwrap();
                found.extend(servers.iter().map(|(name, on)| format!("server {name} {}", on.get())));
            }
            _ => drop(found.insert(format!("{field} {}", value.get()))),
        }
    }
    found
}

fn list(value: &RawValue) -> Vec<Box<RawValue>> {
    serde_json::from_str(value.get()).unwrap()
}

fn task_leaves(value: &RawValue, found: &mut BTreeSet<String>) {
    for task in list(value) {
        let task = RawObject::parse(task.get()).unwrap();
        let made = task.get("createdAt").unwrap().get();
        for (field, value) in task.iter() {
            match field {
                "id" | "dependencies" => {}
                "subtasks" => task_leaves(value, found),
                _ => drop(found.insert(format!("task {made} {field} {}", value.get()))),
            }
        }
    }
}

/// Which tasks and subtasks there are, by who made them.
fn makers(payload: &Payload) -> BTreeSet<String> {
    leaves(payload).into_iter().filter(|leaf| leaf.contains(" createdAt ")).collect()
}

/// What a conflict's other value is, as a leaf of some place.
fn told(merged: &Merged, side: Side) -> Vec<String> {
    let value = |told: &FieldConflict| {
        let value = if side == Side::Ours { &told.ours } else { &told.theirs };
        value.as_ref().map(|value| value.get().to_owned())
    };
    merged.conflicts.iter().filter_map(value).collect()
}

proptest! {
    #[test]
    fn merging_equal_versions_changes_nothing(three in three(), winner in side()) {
        let Three { base, ours: one, .. } = three;
        let merged = merge(Some(&base), Some(&one), Some(&one), winner);
        prop_assert_eq!(merged.payload.as_ref(), Some(&one));
        prop_assert!(merged.conflicts.is_empty() && merged.moved.is_empty());
    }

    #[test]
    fn a_side_without_changes_never_wins(three in three(), winner in side()) {
        let Three { base, ours: changed, .. } = three;
        for (ours, theirs) in [(&base, &changed), (&changed, &base)] {
            let merged = merge(Some(&base), Some(ours), Some(theirs), winner);
            prop_assert_eq!(merged.payload.as_ref(), Some(&changed));
            prop_assert!(merged.conflicts.is_empty() && merged.moved.is_empty());
        }
    }

    #[test]
    fn nothing_appears_that_nobody_wrote(three in three(), winner in side()) {
        let Three { base, ours, theirs } = three;
        let merged = merge(Some(&base), Some(&ours), Some(&theirs), winner).payload.unwrap();
        let known = &leaves(&ours) | &leaves(&theirs);
        let new: Vec<String> = leaves(&merged).difference(&known).cloned().collect();
        prop_assert!(new.is_empty(), "{new:?} in {}", merged.to_json());
    }

    #[test]
    fn nothing_vanishes_that_nobody_took_out(three in three(), winner in side()) {
        let Three { base, ours, theirs } = three;
        let merged = merge(Some(&base), Some(&ours), Some(&theirs), winner);
        let (before, after) = (leaves(&base), leaves(merged.payload.as_ref().unwrap()));
        for (side, version, opposite) in [(Side::Ours, &ours, &theirs), (Side::Theirs, &theirs, &ours)] {
            let kept = told(&merged, side);
            for leaf in leaves(version).difference(&before) {
                let is_told = kept.iter().any(|value| leaf.ends_with(value.as_str()));
                prop_assert!(after.contains(leaf) || is_told, "{side:?}'s {leaf} is gone");
            }
            // What was there and that this side left alone goes only where the other changed it.
            for leaf in before.intersection(&leaves(version)) {
                prop_assert!(after.contains(leaf) || !leaves(opposite).contains(leaf), "{leaf} is gone");
            }
        }
    }

    #[test]
    fn a_task_is_there_once_whoever_wins(three in three()) {
        let Three { base, ours, theirs } = three;
        let merged = |winner| merge(Some(&base), Some(&ours), Some(&theirs), winner).payload.unwrap();
        let [one, two] = [Side::Ours, Side::Theirs].map(merged);
        prop_assert_eq!(makers(&one), makers(&two));
        let json = one.to_json();
        for maker in makers(&one) {
            let made = maker.split(" createdAt ").nth(1).unwrap().to_owned();
            prop_assert_eq!(json.matches(&format!("\"createdAt\":{made}")).count(), 1, "{} in {}", made, json);
        }
        let tags = |payload: &Payload| payload.read::<BTreeSet<String>>("tags");
        prop_assert_eq!(tags(&one), tags(&two));
    }

    #[test]
    fn the_sides_may_be_swapped_with_the_winner(three in three(), winner in side()) {
        let Three { base, ours, theirs } = three;
        let one = merge(Some(&base), Some(&ours), Some(&theirs), winner);
        let two = merge(Some(&base), Some(&theirs), Some(&ours), other(winner));
        let fields = |merged: &Merged| merged.conflicts.iter().map(|told| told.field.clone()).collect::<BTreeSet<_>>();
        // Which of two new tasks keeps its number is the one thing that depends on who was first.
        if one.moved.is_empty() {
            prop_assert_eq!(&one.payload, &two.payload);
            prop_assert_eq!(fields(&one), fields(&two));
        } else {
            prop_assert_eq!(leaves(&one.payload.unwrap()), leaves(&two.payload.unwrap()));
        }
    }

    #[test]
    fn a_merge_that_is_merged_again_stays_as_it_is(three in three(), winner in side()) {
        let Three { base, ours, theirs } = three;
        let merged = merge(Some(&base), Some(&ours), Some(&theirs), winner).payload.unwrap();
        let on_theirs = merge(Some(&theirs), Some(&merged), Some(&theirs), winner);
        prop_assert_eq!(on_theirs.payload.as_ref(), Some(&merged));
        // With the old base and our side again, as after a backup was brought back.
        let again = merge(Some(&base), Some(&ours), Some(&merged), Side::Theirs);
        prop_assert_eq!(makers(&again.payload.unwrap()), makers(&merged));
    }

    #[test]
    fn what_refers_to_a_task_that_made_way_refers_to_it_still(three in three(), winner in side()) {
        let Three { base, ours, theirs } = three;
        let merged = merge(Some(&base), Some(&ours), Some(&theirs), winner).payload.unwrap();
        let before = numbered(&base);
        // A number that was freed and taken again while the other side began to refer to it is the other task's now.
        let is_reused = |number: &u64| {
            let other = |side: &Payload| numbered(side).get(number).is_some_and(|made| before.get(number) != Some(made));
            // Nor is it known what a reference means whose task its maker took out again.
            let dangles = |side: &Payload| !numbered(side).contains_key(number) && is_needed(side, *number);
            let was_there = before.contains_key(number);
            if was_there { other(&ours) || other(&theirs) } else { dangles(&ours) || dangles(&theirs) }
        };
        let all = |payload: &Payload| needs(payload, &before, |_| false);
        let known = &all(&ours) | &all(&theirs);
        let new: Vec<(String, String)> = needs(&merged, &before, is_reused).difference(&known).cloned().collect();
        prop_assert!(new.is_empty(), "{new:?} in {}", merged.to_json());
    }
}

/// Who made the task of each number.
fn numbered(payload: &Payload) -> BTreeMap<u64, String> {
    let tasks = payload.read::<Vec<RawObject>>("manualTasks").unwrap_or_default();
    tasks.iter().map(|task| (task.read("id").unwrap(), maker(task))).collect()
}

fn maker(task: &RawObject) -> String {
    task.get("createdAt").unwrap().get().to_owned()
}

/// Whether some task needs the one of this number.
fn is_needed(payload: &Payload, number: u64) -> bool {
    let tasks = payload.read::<Vec<RawObject>>("manualTasks").unwrap_or_default();
    tasks.iter().any(|task| task.read::<Vec<u64>>("dependencies").is_some_and(|on| on.contains(&number)))
}

/// Which task needs which, each by who made it; one that is gone is the one that was there before.
fn needs(
    payload: &Payload,
    before: &BTreeMap<u64, String>,
    skip: impl Fn(&u64) -> bool,
) -> BTreeSet<(String, String)> {
    let mut known = before.clone();
    known.extend(numbered(payload));
    let mut found = BTreeSet::new();
    for task in payload.read::<Vec<RawObject>>("manualTasks").unwrap_or_default() {
        let on = task.read::<Vec<u64>>("dependencies").unwrap_or_default();
        let on = on.iter().filter(|on| !skip(on)).filter_map(|on| known.get(on));
        found.extend(on.map(|on| (maker(&task), on.clone())));
    }
    found
}
