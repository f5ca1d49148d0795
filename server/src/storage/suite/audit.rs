//! The audit trail.

use jiff::SignedDuration;

use super::{Bench, space, start};
use crate::storage::{
    Audit, AuditQuery, AuditRow, Cursor, Deed, Exchange, Exchanged, Kind, Origin, PageLimit, RecordId,
    Records, Storage, Witness, Write,
};

fn rows(storage: &impl Storage, query: AuditQuery<'_>) -> Vec<AuditRow> {
    let mut rows = Vec::new();
    let take = &mut |row| {
        rows.push(row);
        true
    };
    storage.audit(query, take).unwrap();
    rows
}

fn ann_of(team: &str) -> Witness {
    Witness {
        team: Some(team.to_owned()),
        account: Some("ann@example.com".to_owned()),
        device: Some("grant".to_owned()),
        device_name: Some("laptop".to_owned()),
        request_id: Some("req".to_owned()),
        tenant: None,
    }
}

pub(crate) fn each_accepted_write_is_told_to_the_audit_trail_and_no_other(bench: &impl Bench) {
    let storage = bench.open();
    let space = space(&storage, "ann");
    let witness = ann_of("acme");
    let write = |id, guard, kind| Write {
        id: RecordId::new(id).unwrap(),
        guard,
        kind,
        envelope: b"x",
        keep_replaced: false,
    };
    let ask = |writes: Vec<Write<'_>>, bytes, witness| {
        let page = PageLimit { changes: 0, bytes };
        let exchange = Exchange { cursor: Cursor::default(), writes, page, witness, origin: Origin::Device };
        storage.exchange(space, &exchange, start()).unwrap()
    };
    let (ample, tight) = (1 << 20, 100);
    ask(vec![write("aaaaaaaa", None, Kind::Project)], ample, Some(&witness));
    let second = vec![
        write("aaaaaaaa", None, Kind::Project),
        write("aaaaaaaa", Some(1), Kind::Tombstone),
        write("bbbbbbbb", Some(7), Kind::Project),
    ];
    ask(second, ample, Some(&witness));
    ask(vec![write("cccccccc", None, Kind::Project)], ample, None);
    let undone = ask(vec![write("dddddddd", None, Kind::Project)], tight, Some(&witness));
    assert_eq!(undone, Exchanged::TooLarge);

    let told = rows(&storage, AuditQuery::default());
    let deed = |action: &str, outcome: &str| Deed {
        action: action.to_owned(),
        subject: Some("aaaaaaaa".to_owned()),
        outcome: outcome.to_owned(),
    };
    let expected = [deed("write", "revision 1"), deed("delete", "revision 2")].map(|deed| AuditRow {
        at: start(),
        by: witness.clone(),
        deed,
    });
    assert_eq!(told, expected);
}

pub(crate) fn the_audit_trail_is_read_by_team_and_by_time_and_goes_by_age_alone(bench: &impl Bench) {
    let storage = bench.open();
    let deed = Deed { action: "add-member".to_owned(), subject: None, outcome: "owner".to_owned() };
    let at = |minutes| start() + SignedDuration::from_mins(minutes);
    for (team, minutes) in [("acme", 2), ("acme", 1), ("other", 3)] {
        storage.note(&ann_of(team), &deed, at(minutes)).unwrap();
    }
    let when = |query| rows(&storage, query).into_iter().map(|row| row.at).collect::<Vec<_>>();
    assert_eq!(when(AuditQuery::default()), [at(1), at(2), at(3)]);
    assert_eq!(when(AuditQuery { team: Some("acme"), since: None }), [at(1), at(2)]);
    assert_eq!(when(AuditQuery { team: Some("acme"), since: Some(at(2)) }), [at(2)]);
    assert_eq!(when(AuditQuery { team: None, since: Some(at(3)) }), [at(3)]);
    storage.sweep(at(60 * 24 * 365 * 3)).unwrap();
    assert_eq!(when(AuditQuery::default()).len(), 3);
    assert_eq!(storage.forget_audit(at(2)).unwrap(), 1);
    assert_eq!(when(AuditQuery::default()), [at(2), at(3)]);
}
