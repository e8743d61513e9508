//! Every bound of the core's work and space in one place, with the relations between them asserted at compile time.
//!
//! Invariant: one command does a bounded amount of work; what is left over waits for [`crate::Action::Continue`].

use risk::limits::ASSETS_MAX;

/// Units of matching work of one command: a maker touched (filled, cancelled or passed over), a trigger fired and an order
/// whose turn comes are one each.
pub const MATCHES_PER_COMMAND: usize = 256;
/// Orders one command may cancel.
pub const CANCELS_PER_COMMAND: usize = 256;
/// Resting orders one command may look at to find those it cancels.
pub const LOOKS_PER_COMMAND: usize = 1024;
/// Timers that may run out in one command: of sessions, orders and instruments.
pub const TIMERS_PER_COMMAND: usize = 256;
/// Accounts one command may wake and re-evaluate after a price move.
pub const WAKES_PER_COMMAND: usize = 256;
/// Debtors charged with interest in one command.
pub const INTEREST_PER_COMMAND: usize = 64;
/// Sentinels one command may pass to find those a payment of funding concerns.
pub const SENTINELS_PER_COMMAND: u32 = 4096;
/// Makers a fill-or-kill order may need; it is refused beyond, so that all or nothing stays one command.
pub const FOK_MAKERS_MAX: usize = MATCHES_PER_COMMAND;
/// Events one command may emit.
pub const EVENTS_PER_COMMAND: usize = 6144;
/// Slots of the order store: an order number carries 24 bits of slot.
pub const ORDER_SLOTS_MAX: u32 = 1 << 24;
/// Generations of one slot: an order number carries 40 bits of it; a slot retires at the last.
pub const GENERATION_MAX: u64 = (1 << 40) - 1;
/// Keys of one ladder; an instrument has at most this many ticks.
pub const LADDER_KEYS_MAX: u32 = 1 << 26;
/// Sessions.
pub const SESSIONS_MAX: u32 = 1 << 21;
/// Sessions of one key.
pub const SESSIONS_PER_KEY_MAX: usize = 64;
/// Keys, revoked ones counted in.
pub const KEYS_MAX: usize = 1 << 20;
/// Orders of one batch.
pub const BATCH_ORDERS_MAX: usize = 16;
/// Quotes of one mass quote.
pub const QUOTES_MAX: usize = 16;
/// Market-maker protection groups of one account.
pub const PROTECTIONS_PER_ACCOUNT_MAX: usize = 16;
/// Accounts of one owner group.
pub const ACCOUNTS_PER_GROUP_MAX: usize = 1024;
/// Isolated positions of one account.
pub const ISOLATED_PER_ACCOUNT_MAX: usize = risk::limits::LEGS_PER_ACCOUNT_MAX as usize;
/// Owner groups from here on are of accounts that stand alone but for their isolated positions.
pub const OWN_GROUPS: u32 = 1 << 31;
/// Accounts of one owner group that are restricted in one command.
pub const RESTRICTIONS_PER_COMMAND: usize = 256;
/// Client order numbers from here on name the orders of quotes; a request's own numbers stay below.
pub const QUOTE_NUMBERS: u64 = 1 << 63;
/// Levels of quotes of one session in one instrument.
pub const QUOTE_LEVELS: u8 = 16;
/// Positions settled, or orders of a closed instrument cancelled, in one command.
pub const SETTLES_PER_COMMAND: usize = 256;
/// Account numbers a settlement may pass in one command.
pub const SETTLE_LOOKS_PER_COMMAND: usize = 4096;
/// Accounts one command may weigh or arm anew for a change of margin.
pub const WEIGHED_PER_COMMAND: usize = 256;
/// Account numbers one command may pass for it.
pub const WEIGH_LOOKS_PER_COMMAND: usize = 4096;
/// Orders an auction may look at in one command to find its price.
pub const AUCTION_LOOKS_PER_COMMAND: usize = 4096;
/// Instruments a restart may pass in one command.
pub const RESTARTS_PER_COMMAND: usize = 256;
/// Transfers of one account whose numbers and terms are remembered.
pub const RECEIPTS_PER_ACCOUNT: usize = 64;
/// Sources of index prices of one instrument.
pub const INDEX_SOURCES_MAX: usize = risk::limits::INDEX_SOURCES_MAX;
/// Instruments whose index, mark, funding and end one command of a tick may look at.
pub const PRICED_PER_COMMAND: usize = 64;
/// Levels of a side of a book that are looked at for its impact price; a book that needs more has none.
pub const IMPACT_LEVELS_MAX: usize = 64;
/// Liquidations that waited for a trusted index and go on in one command.
pub const RESUMES_PER_COMMAND: usize = 256;
/// Levels of a book that are looked at for how much one step of a liquidation may take.
pub const DEPTH_LEVELS_MAX: usize = 64;
/// Cuts of one part of a plan for a deleveraging.
pub const CUTS_PER_COMMAND: usize = 128;
/// Calls in succession that gave nothing up, after which the venue plans by itself.
pub const PLAN_ROUNDS_MAX: u8 = 3;
/// Holders one command may weigh for a plan of the venue's own.
pub const HOLDERS_PER_COMMAND: usize = 256;
/// Account numbers one command may pass for it.
pub const HOLDER_LOOKS_PER_COMMAND: usize = 4096;
/// Steps of an allocation one command may do.
pub const PLAN_STEPS_PER_COMMAND: usize = 1024;
/// Steps of one question of what would be.
pub const STEPS_MAX: usize = 32;
/// Shocks of one question of how an account stands stress.
pub const STRESSES_MAX: usize = 64;
/// Steps of each side of a map of liquidations.
pub const MAP_STEPS_MAX: u16 = 32;
/// Accounts, and legs of accounts, that one question about all accounts passes.
pub const SCAN_MAX: usize = 4096;

// A touched maker is a fill, for each side two exits that grow, a pair partner and two trims or cancels of reduce-only
// orders, for the maker its next part, its protection group, a liquidation and the states of two
// accounts' margins; a command adds a handful of its own. More
// trims than that are paid for with units of work, but for those of the last touch: they cut at most
// `ORDERS_PER_LEG_MAX` orders on each side, and the list of events may grow for them.
const _: () = assert!(EVENTS_PER_COMMAND >= 18 * MATCHES_PER_COMMAND + 64);
// What a cancel takes along: a pair partner, and two exits of each.
const _: () = assert!(EVENTS_PER_COMMAND >= 6 * CANCELS_PER_COMMAND + TIMERS_PER_COMMAND + 64);
const _: () = assert!(EVENTS_PER_COMMAND >= 6 * CANCELS_PER_COMMAND + RESTRICTIONS_PER_COMMAND + 64);
const _: () = assert!(EVENTS_PER_COMMAND >= 6 * TIMERS_PER_COMMAND + 64);
// Both orders of an auction's pair are what a maker is elsewhere, and each may be the first at a price found anew.
const _: () = assert!(EVENTS_PER_COMMAND >= 22 * MATCHES_PER_COMMAND + 64);
// A settled position may leave its account below maintenance margin.
const _: () = assert!(EVENTS_PER_COMMAND >= 4 * SETTLES_PER_COMMAND + 64);
const _: () = assert!(EVENTS_PER_COMMAND >= RESTARTS_PER_COMMAND + 64);
// A side of a quote may cancel what stands there and be refused.
const _: () = assert!(EVENTS_PER_COMMAND >= 4 * QUOTES_MAX + 64);
// A sweep that cancels all it looks at meets the bound on cancels first.
const _: () = assert!(LOOKS_PER_COMMAND >= CANCELS_PER_COMMAND);
const _: () = assert!(EVENTS_PER_COMMAND >= 4 * WAKES_PER_COMMAND + 64);
// An instrument that time passed over says its index's state, its funding and its end; the last one its mark, which wakes.
const _: () = assert!(
    EVENTS_PER_COMMAND >= 6 * TIMERS_PER_COMMAND + 3 * PRICED_PER_COMMAND + 4 * WAKES_PER_COMMAND + 64
);
const _: () = assert!(EVENTS_PER_COMMAND >= RESUMES_PER_COMMAND + 64);
// Interest in each asset, each debt paid out of each asset, and a liquidation.
const _: () = assert!(EVENTS_PER_COMMAND >= INTEREST_PER_COMMAND * (ASSETS_MAX + 1) * 2 + 64);
const _: () = assert!(risk::limits::ORDERS_PER_LEG_MAX as usize >= CANCELS_PER_COMMAND);
const _: () = assert!(ISOLATED_PER_ACCOUNT_MAX < ACCOUNTS_PER_GROUP_MAX);
const _: () = assert!(risk::limits::ACCOUNTS_MAX < OWN_GROUPS, "every account has a group of its own");
const _: () = assert!(EVENTS_PER_COMMAND >= 4 * WEIGHED_PER_COMMAND + 64);
// A cut books funding twice, may begin a liquidation and tell two states; trims are as with a match.
const _: () = assert!(EVENTS_PER_COMMAND >= 10 * CUTS_PER_COMMAND + 64);
