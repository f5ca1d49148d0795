//! Runs a page of documentation: what a reader would type is typed, on a machine of its own, against real servers at the addresses
//! that the page names, and what the page says is printed has to be printed.
//!
//! # What a page may hold
//!
//! A page is run section by section, from its first heading to its last. What is in a fenced block depends on its language:
//!
//! | language | is |
//! | --- | --- |
//! | `bash` | commands, each of which has to succeed |
//! | `zsh`, `fish` | the same for that shell, where it is installed; after it, words have to be completed there |
//! | `console` | commands behind `$ ` (more lines of one behind `> `), and below each what it prints. Nothing below it: what it prints is not looked at |
//! | none | what the block before it prints, all of it |
//! | `toml`, `dotenv` | a file, named by its first line (`# ~/.orkee/config.toml`) or by a directive. Each of its keys has to be one, with this value, from this file, as `orkee config list` (for `auth.toml`: `cloud status`) shows it |
//! | `json` | an example, which a directive compares with something real |
//! | any other | text; no session stands in it |
//!
//! What varies is compared by its kind: dates, times, what was measured (`0.03 s`, `12 ms`, `658 B`, `1.4 KB`), ports of 127.0.0.1, hashes, tokens, and
//! ids of projects, webhooks, events and requests. All other numbers are compared as they are, settings and limits such as `300 s` and `128 MiB` too. `…` stands for anything within a line; alone in a line, for any lines.
//! How many blanks there are does not matter.
//!
//! Directives are comments that no reader sees. One that does not exist, or that no block takes up, is an error:
//!
//! | directive | does |
//! | --- | --- |
//! | `<!-- run: COMMANDS -->` | types these where they stand, over as many lines as wanted; each has to succeed. To prepare, and to check |
//! | `<!-- each: COMMANDS -->` | types these before each command of the next block |
//! | `<!-- exit: N -->` | one command of the next block ends with this code; the others succeed |
//! | `<!-- file: PATH -->` | the next block is this file |
//! | `<!-- type: LINES -->` | runs each command of the next block on a terminal, where somebody types the next of these lines whenever something is asked |
//! | `<!-- input: LINES -->` | has each command of the next block read these from standard input, which is no terminal |
//! | `<!-- with: THIS=THAT -->` | puts THAT in the place of THIS, which has to be there, in the next block; a line each |
//! | `<!-- like: COMMANDS -->` | the next block, JSON, has keys that the JSON printed by these has too, with values of the same type |
//!
//! # The machine
//!
//! Each section has a new shell, in the home folder; variables that are set there are exported. [`Reading::Sections`] gives each section a
//! new machine and new servers too, on which there is one project: `shop`, 3f9Kx2Qa, in `~/code/shop`. [`Reading::Story`] keeps them from the first
//! section to the last. `tests/guide/prelude.sh` has what directives may call, `tests/guide/bin` what stands for programs that a test
//! cannot have.
//!
//! | address | is |
//! | --- | --- |
//! | `https://api.orkee.ai`, `https://dev-api.orkee.ai` | an `orkee-server` each, with the account john@example.com, and ann@example.com and eve@example.com where the section names them |
//! | `https://enterprise-api.orkee.ai` | one with the tenant `your-company`, whose people sign in at a certified OpenID provider, `your-sso-provider`. Where a section signs in so without naming it, `api.orkee.ai` has such a tenant, `acme` |
//! | `https://orkee.example.com` | whatever listens at 127.0.0.1:8787 |
//! | `https://your-server.com`, `https://example.com` | a receiver of webhooks; what it got is in `$RECEIVED`, a line each |
//! | `https://s3.eu-central-1.amazonaws.com` | a store with the bucket `projects`, whose keys are in `$S3_KEYS` |
//! | `http://proxy:8080` | a proxy; what it was asked for is in `$PROXY_LOG` |

mod block;
mod compare;
mod document;
mod front;
mod page;
mod places;
mod said;
mod settings;
mod shell;
mod world;

pub use document::Document;
pub use page::{NotRun, Reading, prepare, read};
