//! Teams, their members, their space.

use jiff::SignedDuration;

use super::{Bench, account, start};
use crate::storage::{
    Accounts, Cursor, Exchange, Exchanged, Invitation, Kind, Origin, PageLimit, RecordId, Records, Role,
    Standing, StorageError, Teams, Write, together,
};

pub(crate) fn a_member_has_a_role_until_they_are_removed_and_may_come_back(bench: &impl Bench) {
    let storage = bench.open();
    let (ann, bob) = (account(&storage, "ann"), account(&storage, "bob"));
    let team = storage.create_team("acme", start()).unwrap();
    assert_eq!(storage.team("acme").unwrap().as_ref(), Some(&team));
    assert!(matches!(storage.create_team("acme", start()), Err(StorageError::TeamExists(_))));
    assert_eq!(storage.standing(ann.key).unwrap(), Standing::Alone);

    storage.set_member(team.key, bob.key, Role::ReadOnly, start()).unwrap();
    storage.set_member(team.key, ann.key, Role::Owner, start()).unwrap();
    let later = start() + SignedDuration::from_mins(1);
    storage.set_member(team.key, bob.key, Role::Member, later).unwrap();
    let told: Vec<_> = storage.members(team.key).unwrap();
    let told: Vec<_> = told.iter().map(|m| (m.account.email.as_str(), m.role, m.joined_at)).collect();
    let expected = [("ann@example.com", Role::Owner, start()), ("bob@example.com", Role::Member, start())];
    assert_eq!(told, expected, "another role is no other joining");
    assert_eq!(storage.standing(bob.key).unwrap(), Standing::In(team.clone(), Role::Member));

    assert!(storage.remove_member(team.key, bob.key, later).unwrap());
    assert!(!storage.remove_member(team.key, bob.key, later).unwrap());
    assert_eq!(storage.standing(bob.key).unwrap(), Standing::Removed(team.clone()));
    assert_eq!(storage.members(team.key).unwrap().len(), 1);
    storage.set_member(team.key, bob.key, Role::ReadOnly, later).unwrap();
    assert_eq!(storage.standing(bob.key).unwrap(), Standing::In(team.clone(), Role::ReadOnly));
    assert_eq!(storage.members(team.key).unwrap()[1].joined_at, later, "they joined again");
}

pub(crate) fn nobody_is_in_two_teams_at_a_time(bench: &impl Bench) {
    let storage = bench.open();
    let ann = account(&storage, "ann");
    let (one, two) =
        (storage.create_team("one", start()).unwrap(), storage.create_team("two", start()).unwrap());
    storage.set_member(one.key, ann.key, Role::Owner, start()).unwrap();
    let refused = storage.set_member(two.key, ann.key, Role::Member, start());
    assert!(matches!(refused, Err(StorageError::InAnotherTeam(name)) if name == "one"));
    storage.remove_member(one.key, ann.key, start()).unwrap();
    storage.set_member(two.key, ann.key, Role::Member, start()).unwrap();
    storage.remove_member(two.key, ann.key, start() + SignedDuration::from_secs(1)).unwrap();
    assert_eq!(storage.standing(ann.key).unwrap(), Standing::Removed(two), "the last one");
    let names: Vec<String> = storage.teams().unwrap().into_iter().map(|team| team.name).collect();
    assert_eq!(names, ["one", "two"]);
}

pub(crate) fn whoever_is_disabled_is_given_no_role_and_keeps_their_place(bench: &impl Bench) {
    let storage = bench.open();
    let ann = account(&storage, "ann");
    let team = storage.create_team("acme", start()).unwrap();
    storage.set_member(team.key, ann.key, Role::Owner, start()).unwrap();
    storage.set_disabled(ann.key, Some(start())).unwrap();
    let refused = storage.set_member(team.key, ann.key, Role::Member, start());
    assert!(matches!(refused, Err(StorageError::AccountDisabled(email)) if email == ann.email));
    let members = storage.members(team.key).unwrap();
    assert_eq!((members.len(), members[0].role, members[0].account.disabled), (1, Role::Owner, true));
    assert!(storage.remove_member(team.key, ann.key, start()).unwrap());
}

pub(crate) fn what_is_done_together_is_done_whole_or_not_at_all(bench: &impl Bench) {
    let storage = bench.open();
    let ann = account(&storage, "ann");
    let taken = storage.create_team("taken", start()).unwrap();
    let failed: Result<(), StorageError> = together(&storage, |people| {
        let team = people.create_team("acme", start())?;
        people.set_member(team.key, ann.key, Role::Owner, start())?;
        assert!(matches!(people.standing(ann.key)?, Standing::In(..)), "it sees what it did");
        people.set_member(taken.key, ann.key, Role::Owner, start())
    });
    assert!(matches!(failed, Err(StorageError::InAnotherTeam(name)) if name == "acme"));
    assert_eq!(storage.team("acme").unwrap(), None);
    assert_eq!(storage.standing(ann.key).unwrap(), Standing::Alone);
    let made = together(&storage, |people| {
        let refused = people.create_team("taken", start());
        assert!(
            matches!(refused, Err(StorageError::TeamExists(_))),
            "what one part refuses undoes that part"
        );
        people.create_team("acme", start())
    });
    assert_eq!(storage.team("acme").unwrap(), Some(made.unwrap()));
}

pub(crate) fn an_invitation_is_for_one_address_until_it_is_taken_back(bench: &impl Bench) {
    let storage = bench.open();
    let team = storage.create_team("acme", start()).unwrap();
    storage.invite(team.key, "ann@example.com", Role::Member, start()).unwrap();
    storage.invite(team.key, "ann@example.com", Role::ReadOnly, start()).unwrap();
    let expected = Invitation { team: team.clone(), role: Role::ReadOnly };
    assert_eq!(storage.invitations("ann@example.com").unwrap(), [expected]);
    assert_eq!(storage.invitations("bob@example.com").unwrap(), []);
    assert!(storage.uninvite(team.key, "ann@example.com").unwrap());
    assert!(!storage.uninvite(team.key, "ann@example.com").unwrap());
    assert_eq!(storage.invitations("ann@example.com").unwrap(), []);
}

pub(crate) fn a_teams_space_is_nobodys_own(bench: &impl Bench) {
    let storage = bench.open();
    let ann = account(&storage, "ann");
    let team = storage.create_team("acme", start()).unwrap();
    storage.set_member(team.key, ann.key, Role::Owner, start()).unwrap();
    let id = RecordId::new("aaaaaaaa").unwrap();
    let write = Write { id, guard: None, kind: Kind::Project, envelope: b"shared", keep_replaced: false };
    let exchange = Exchange {
        cursor: Cursor::default(),
        writes: vec![write],
        page: PageLimit { changes: 0, bytes: 1 << 20 },
        witness: None,
        origin: Origin::Device,
    };
    assert!(matches!(storage.exchange(team.space, &exchange, start()).unwrap(), Exchanged::Reply(_)));
    assert!(storage.record(team.space, id).unwrap().is_some());
    assert_eq!(storage.record(ann.space, id).unwrap(), None);
}
