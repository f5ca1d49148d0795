//! The ways to break the contract.

use crate::orkee::sync::settings;

macro_rules! faults {
    ($($fault:ident = $name:literal),* $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Fault { None, $($fault),* }

        impl Fault {
            /// The one that is set.
            pub(crate) fn set() -> Self {
                match settings::get("fault").as_deref() {
                    None => Self::None,
                    $(Some($name) => Self::$fault,)*
                    Some(other) => panic!("no fault `{other}`"),
                }
            }
        }
    };
}

faults! {
    DescribeAsks = "describe-asks",
    StoresNothing = "stores-nothing",
    OneRevision = "one-revision",
    HidesTombstones = "hides-tombstones",
    Overwrites = "overwrites",
    OverwritesStale = "overwrites-stale",
    ConflictsWithNothing = "conflicts-with-nothing",
    CreatesOnUpdate = "creates-on-update",
    OutcomesReversed = "outcomes-reversed",
    Trims = "trims",
    Text = "text",
    CutsLarge = "cuts-large",
    TooLargeFails = "too-large-fails",
    ManyCalls = "many-calls",
    HeavyBatch = "heavy-batch",
    GreedyPages = "greedy-pages",
    ForgetsMore = "forgets-more",
    SkipsBehind = "skips-behind",
    NewestFirst = "newest-first",
    ListsTwice = "lists-twice",
    OwnPosition = "own-position",
    AlwaysMore = "always-more",
    PushMoves = "push-moves",
    ListsOwn = "lists-own",
    WrittenLies = "written-lies",
    OneAtATime = "one-at-a-time",
    LooksThenWrites = "looks-then-writes",
    AcceptsLost = "accepts-lost",
    Sulks = "sulks",
    AuthIsBackend = "auth-is-backend",
    ForbiddenIsBackend = "forbidden-is-backend",
    NoWait = "no-wait",
    RejectsFailures = "rejects-failures",
    StatusAlone = "status-alone",
    HtmlIsEmpty = "html-is-empty",
    HtmlPanics = "html-panics",
    WritesFirst = "writes-first",
    ExpiresListings = "expires-listings",
    NoHead = "no-head",
    HeadFalls = "head-falls",
    ZeroIsAny = "zero-is-any",
    NeverWakes = "never-wakes",
    NeverRests = "never-rests",
    ReadsMemory = "reads-memory",
}
