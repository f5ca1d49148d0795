//! What is on disk when a command says that it was done.

use super::*;

/// Does `work` after a transaction of the other kind, and says what the last one of `work` survives.
fn survives(store: &mut Store, work: impl FnOnce(&mut Store)) -> Durability {
    store.write::<_, StoreError>(Durability::Refetchable, |_| Ok(())).unwrap();
    assert_eq!(store.durability(), Durability::Refetchable);
    work(store);
    store.durability()
}

#[test]
fn whatever_a_person_does_survives_a_loss_of_power_from_when_it_is_acknowledged() {
    let mut store = store();
    let shop = id("aaaaaaaa");
    type Work = Box<dyn FnOnce(&mut Store)>;
    let deeds: Vec<(&str, Work)> = vec![
        ("add", Box::new(|store| add(store, "aaaaaaaa", "Shop"))),
        ("update", Box::new(|store| drop(change(store, "aaaaaaaa", |p| p.status = Status::Review)))),
        (
            "an editor",
            Box::new(move |store| {
                let read = store.get(shop).unwrap().payload;
                let edited = read.with([("description", crate::project::raw("text"))]).unwrap();
                store.apply_edit(&read, &edited).unwrap();
            }),
        ),
        ("locate", Box::new(move |store| store.locate(shop, None).unwrap())),
        ("revert", Box::new(move |store| drop(store.revert(shop, 1).unwrap()))),
        ("delete", Box::new(move |store| drop(store.delete(shop).unwrap()))),
        ("restore", Box::new(move |store| drop(store.restore(shop).unwrap()))),
        ("a restore point", Box::new(|store| assert!(store.open_point("operation").unwrap() > 0))),
    ];
    for (what, work) in deeds {
        assert_eq!(survives(&mut store, work), Durability::Full, "{what}");
    }
}
