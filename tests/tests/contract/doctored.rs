//! The comparison itself: texts that were changed on purpose, and what it says of each.

use crate::compare::{self, CASES, EXPORTED, HOST, INTERFACE, RECORD, TYPE, VERSION, WORLD};
use crate::shape::Shape;
use crate::today;

/// Today's text under a later version of its track.
fn later() -> String {
    let version = Shape::read(&today()).unwrap().version;
    let next = semver::Version::new(version.major, version.minor, version.patch + 1);
    today().replace(&format!("package orkee:sync@{version};"), &format!("package orkee:sync@{next};"))
}

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}` stands there once");
    text.replacen(from, to, 1)
}

/// What the comparison says of a text, beside today's.
fn said(text: &str) -> Vec<compare::Break> {
    let read = |text: &str| Shape::read(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    compare::breaks(&read(&today()), &read(text))
}

/// The number of the line that has `marker`, the only one.
fn line_of(text: &str, marker: &str) -> usize {
    let lines: Vec<usize> =
        text.lines().enumerate().filter(|(_, line)| line.contains(marker)).map(|(n, _)| n + 1).collect();
    assert_eq!(lines.len(), 1, "`{marker}` marks one line: {lines:?}");
    lines[0]
}

/// Changes that break components: what is replaced by what; what stands on the line that is named, and the rule.
const BREAKING: &[(&str, &str, &str, &str)] = &[
    // Records.
    ("        tag: string,\n", "        tag: string,\n        epoch: u32,\n", "epoch: u32", RECORD),
    ("        tag: string,\n", "", "record head {", RECORD),
    ("        number: u64,\n", "        number: u32,\n", "number: u32", RECORD),
    ("        number: u64,\n", "        commit: u64,\n", "commit: u64", RECORD),
    (
        "        max-mutations: u32,\n        /// Of all envelopes of one request together, in bytes.\n        max-bytes: u64,\n",
        "        max-bytes: u64,\n        max-mutations: u32,\n",
        "record limits {",
        RECORD,
    ),
    ("        compress: bool,\n", "        compress: option<bool>,\n", "compress: option<bool>", RECORD),
    // Variants and enums.
    ("        accepted(string),\n", "        accepted(string),\n        queued,\n", "queued", CASES),
    ("        refused(string),\n", "", "variant failure {", CASES),
    ("        tombstone: bool,\n", "", "record mutation {", RECORD),
    (
        "wait: func(cursor: cursor, wait-ms: u32) -> result<bool, failure>;",
        "wait: func(cursor: cursor, wait-ms: u64) -> result<bool, failure>;",
        "wait-ms: u64",
        EXPORTED,
    ),
    ("        busy(option<u64>),\n", "        busy(option<u32>),\n", "busy(option<u32>)", CASES),
    (
        "        too-large,\n        invalid,\n",
        "        invalid,\n        too-large,\n",
        "enum reject-reason {",
        CASES,
    ),
    ("        withheld,\n", "        withheld,\n        cancelled,\n", "        cancelled,", CASES),
    ("enum level { error, warn,", "enum level { fatal, error, warn,", "enum level", CASES),
    // Types as a whole.
    ("    enum reject-reason {", "    flags reject-reason {", "flags reject-reason {", TYPE),
    // Functions of the host.
    ("    get: func(name: string) -> option<string>;\n", "", "interface settings {", HOST),
    (
        "    get: func(name: string) -> option<string>;",
        "    get: func(name: string) -> string;",
        "get: func(name: string) -> string;",
        HOST,
    ),
    (
        "    get: func(name: string) -> option<string>;",
        "    get: func(key: string) -> option<string>;",
        "get: func(key: string) -> option<string>;",
        HOST,
    ),
    (
        "    enumerate: func() -> list<credential>;",
        "    known: func() -> list<credential>;",
        "interface credentials {",
        HOST,
    ),
    // Functions of components.
    (
        "    whoami: func() -> result<profile, failure>;",
        "    whoami: func() -> result<profile, failure>;\n    plans: func() -> list<string>;",
        "plans: func()",
        EXPORTED,
    ),
    ("    revoke: func(id: string) -> result<_, failure>;\n", "", "interface devices {", EXPORTED),
    (
        "    deliver: func(delivery: delivery) -> outcome;",
        "    deliver: func(delivery: delivery) -> result<outcome>;",
        "deliver: func(delivery: delivery) -> result<outcome>;",
        EXPORTED,
    ),
    // Worlds.
    ("    import credentials;\n", "", "world sync-provider {", WORLD),
    ("    export watch;\n}", "    export watch;\n    export webhooks;\n}", "    export webhooks;", WORLD),
    ("    export listing;\n", "", "world cloud-provider {", WORLD),
    ("    export watch;\n", "", "world cloud-provider {", WORLD),
    ("world webhook-dispatcher {", "world dispatchers {", "/// The contract between Orkee", WORLD),
];

#[test]
fn p03_each_change_that_breaks_components_is_found_with_its_line_and_its_rule() {
    for &(from, to, marker, rule) in BREAKING {
        let text = replaced(&later(), from, to);
        let breaks = said(&text);
        let line = text.lines().position(|line| line.contains(marker)).map_or(0, |n| n + 1);
        let found = breaks.iter().find(|one| one.rule == rule && one.line == line);
        assert!(found.is_some(), "{marker} (line {line}, {rule}): {breaks:#?}");
        // What the world with everything exports no more is not the components' any more.
        let others: Vec<_> = breaks.iter().filter(|one| ![rule, INTERFACE].contains(&one.rule)).collect();
        assert!(others.is_empty(), "{marker}: {others:#?}");
    }
}

#[test]
fn p03_a_type_or_an_interface_that_is_gone_is_found() {
    let text = later();
    let log = text.find("/// Offered by the host.\ninterface log {").unwrap();
    let end = log + text[log..].find("\n}\n").unwrap() + 3;
    let without = format!("{}{}", &text[..log], &text[end..]).replace("    import log;\n", "");
    let breaks = said(&without);
    assert!(
        breaks.iter().any(|one| one.rule == INTERFACE && one.what == "the interface `log` is gone"),
        "{breaks:#?}"
    );
    let text = replaced(&later(), "    record span {", "    record stretch {")
        .replace("option<span>", "option<stretch>");
    let breaks = said(&text);
    let line = line_of(&text, "interface types {");
    assert!(breaks.iter().any(|one| (one.rule, one.line) == (TYPE, line)), "{breaks:#?}");
    assert!(breaks.iter().any(|one| one.rule == RECORD && one.what.contains("types.stretch")), "{breaks:#?}");
}

/// New functions of the host, new types, optional parts and worlds; another name for the same; comments.
#[test]
fn p03_what_no_component_notices_passes() {
    let one_new_function = replaced(
        &later(),
        "    enumerate: func() -> list<credential>;",
        "    enumerate: func() -> list<credential>;\n    count: func() -> u32;",
    );
    let one_new_type = replaced(
        &later(),
        "    record head {",
        "    record tail {\n        number: u64,\n    }\n\n    record head {",
    );
    let optional = "/// Optional: older versions.\ninterface versions {\n    enumerate: func(id: string) -> list<string>;\n}\n";
    let one_new_part = replaced(
        &(later() + optional),
        "    export webhook-deliveries;\n    export dispatcher;\n}",
        "    export webhook-deliveries;\n    export versions;\n    export dispatcher;\n}",
    );
    let one_new_world = later() + "\nworld keeper {\n    include sync-provider;\n    export account;\n}\n";
    let one_more_import = replaced(
        &later(),
        "    import settings;\n    import log;\n    export dispatcher;\n}",
        "    import settings;\n    import log;\n    import credentials;\n    export dispatcher;\n}",
    );
    let an_alias = replaced(&later(), "        number: u64,\n", "        number: number,\n").replacen(
        "    record head {",
        "    type number = u64;\n    record head {",
        1,
    );
    let a_comment = replaced(&later(), "/// The words that provider and host share.", "/// Words.");
    let another_place =
        replaced(&later(), "    record head {", "    enum nothing { yet }\n\n    record head {");
    for text in [
        later(),
        one_new_function,
        one_new_type,
        one_new_part,
        one_new_world,
        one_more_import,
        an_alias,
        a_comment,
        another_place,
    ] {
        assert_eq!(said(&text), [], "{text}");
    }
}

#[test]
fn p03_an_addition_under_a_version_that_was_published_is_found() {
    let from = "    enumerate: func() -> list<credential>;";
    let text = replaced(&today(), from, &format!("{from}\n    count: func() -> u32;"));
    let breaks = said(&text);
    assert_eq!((breaks.len(), breaks[0].rule, breaks[0].line), (1, VERSION, line_of(&text, "count: func()")));
    assert_eq!(
        breaks[0].to_string(),
        format!(
            "wit/orkee-sync.wit:{}: the function `credentials.count` is new (the rule: {VERSION})",
            breaks[0].line
        )
    );
    assert_eq!(said(&today()), []);
}

#[test]
fn p03_another_track_may_differ_and_a_version_does_not_go_back() {
    let version = Shape::read(&today()).unwrap().version;
    let line = format!("package orkee:sync@{version};");
    let changed = replaced(&today(), "        tag: string,\n", "");
    let next_track = match version.major {
        0 => format!("package orkee:sync@0.{}.0;", version.minor + 1),
        major => format!("package orkee:sync@{}.0.0;", major + 1),
    };
    assert_eq!(said(&replaced(&changed, &line, &next_track)), []);
    let newer = Shape::read(&later()).unwrap();
    let breaks = compare::breaks(&newer, &Shape::read(&today()).unwrap());
    assert!(breaks.iter().any(|one| one.rule == VERSION), "{breaks:#?}");
}
