//! What holds for every merge.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// A payload with few enough values that sides meet often.
fn any_payload() -> impl Strategy<Value = Payload> {
    let word = || prop::option::of(0..4u8);
    let task = (1..4u64, 0..3u8, 0..3u8, prop::collection::vec(1..4u64, 0..2));
    (
        word(),
        word(),
        word(),
        prop::collection::btree_set(0..5u8, 0..4),
        prop::collection::btree_map(0..3u8, any::<bool>(), 0..3),
        prop::collection::vec(task, 0..3),
        (0..4u8, 0..4u8),
    )
        .prop_map(|(description, unknown, git, tags, servers, tasks, (made, changed))| {
            let mut fields = vec![r#""id":"abcd1234""#.to_owned(), r#""name":"N""#.to_owned()];
            fields.extend(description.map(|n| format!("\"description\":\"d{n}\"")));
            fields.extend(unknown.map(|n| format!("\"xUnknown\":{{\"b\":{n}.50,\"a\":[\"\\u0041\"]}}")));
            fields.extend(git.map(|n| format!("\"gitRepository\":{{\"owner\":\"o{n}\",\"repo\":\"r\"}}")));
            let tags: Vec<String> = tags.iter().map(|n| format!("\"t{n}\"")).collect();
            fields.push(format!("\"tags\":[{}]", tags.join(",")));
            let servers: Vec<String> = servers.iter().map(|(n, on)| format!("\"s{n}\":{on}")).collect();
            fields.push(format!("\"mcpServers\":{{{}}}", servers.join(",")));
            let mut seen = BTreeSet::new();
            let tasks = tasks.into_iter().filter(|task| seen.insert(task.0));
            let tasks: Vec<String> = tasks
                .map(|(n, title, status, after)| {
                    format!("{{\"id\":{n},\"title\":\"title{title}\",\"status\":\"s{status}\",\"dependencies\":{after:?}}}")
                })
                .collect();
            fields.push(format!("\"manualTasks\":[{}]", tasks.join(",")));
            fields.push(format!("\"createdAt\":\"2026-01-0{}T00:00:00.000Z\"", made + 1));
            fields.push(format!("\"updatedAt\":\"2026-02-0{}T00:00:00.000Z\"", changed + 1));
            Payload::parse(&format!("{{{}}}", fields.join(","))).unwrap()
        })
}

fn side() -> impl Strategy<Value = Side> {
    prop::bool::ANY.prop_map(|ours| if ours { Side::Ours } else { Side::Theirs })
}

fn other(side: Side) -> Side {
    if side == Side::Ours { Side::Theirs } else { Side::Ours }
}

/// All strings, numbers and keys of a JSON text, but the numbers of tasks, which a merge may give anew.
fn atoms(payload: &Payload) -> BTreeSet<String> {
    let text = payload.to_json();
    let parts = text.split(|c: char| "{}[],:".contains(c)).filter(|part| part.parse::<u64>().is_err());
    parts.map(ToOwned::to_owned).collect()
}

fn without_tasks(payload: Payload) -> Payload {
    payload.with([("manualTasks", None)]).unwrap()
}

proptest! {
    #[test]
    fn merging_equal_versions_changes_nothing(base in any_payload(), one in any_payload(), winner in side()) {
        let merged = merge(Some(&base), Some(&one), Some(&one), winner);
        prop_assert_eq!(merged.payload.as_ref(), Some(&one));
        prop_assert!(merged.conflicts.is_empty());
    }

    #[test]
    fn a_side_without_changes_never_wins(base in any_payload(), changed in any_payload(), winner in side()) {
        for (ours, theirs) in [(&base, &changed), (&changed, &base)] {
            let merged = merge(Some(&base), Some(ours), Some(theirs), winner);
            prop_assert_eq!(merged.payload.as_ref(), Some(&changed));
            prop_assert!(merged.conflicts.is_empty());
        }
    }

    #[test]
    fn nothing_appears_that_nobody_wrote(
        base in any_payload(), ours in any_payload(), theirs in any_payload(), winner in side()
    ) {
        let merged = merge(Some(&base), Some(&ours), Some(&theirs), winner).payload.unwrap();
        let known = &atoms(&ours) | &atoms(&theirs);
        prop_assert!(atoms(&merged).is_subset(&known), "{}", merged.to_json());
    }

    #[test]
    fn the_sides_may_be_swapped_with_the_winner(
        base in any_payload(), ours in any_payload(), theirs in any_payload(), winner in side()
    ) {
        // Which of two new tasks keeps its number is the one thing that depends on who was first.
        let [base, ours, theirs] = [base, ours, theirs].map(without_tasks);
        let one = merge(Some(&base), Some(&ours), Some(&theirs), winner);
        let two = merge(Some(&base), Some(&theirs), Some(&ours), other(winner));
        prop_assert_eq!(one.payload, two.payload);
        prop_assert_eq!(one.conflicts.len(), two.conflicts.len());
    }

    #[test]
    fn a_merge_that_is_merged_again_stays_as_it_is(
        base in any_payload(), ours in any_payload(), theirs in any_payload(), winner in side()
    ) {
        let merged = merge(Some(&base), Some(&ours), Some(&theirs), winner).payload.unwrap();
        let again = merge(Some(&theirs), Some(&merged), Some(&theirs), winner);
        prop_assert_eq!(again.payload.as_ref(), Some(&merged));
    }

    #[test]
    fn what_loses_is_told(base in any_payload(), ours in any_payload(), theirs in any_payload()) {
        let merged = merge(Some(&base), Some(&ours), Some(&theirs), Side::Ours);
        let kept: BTreeSet<String> = merged
            .conflicts
            .iter()
            .filter_map(|conflict| conflict.theirs.as_ref())
            .flat_map(|value| value.get().split(|c: char| "{}[],:".contains(c)).map(ToOwned::to_owned).collect::<Vec<_>>())
            .collect();
        let new: BTreeSet<String> = atoms(&theirs).difference(&atoms(&base)).cloned().collect();
        let final_atoms = atoms(&merged.payload.unwrap());
        for atom in new.iter().filter(|atom| !atom.contains("2026-")) {
            prop_assert!(final_atoms.contains(atom) || kept.contains(atom), "{atom} is gone");
        }
    }
}
