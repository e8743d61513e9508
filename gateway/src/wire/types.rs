//! Types of fields: what they are called in the schema, how wide they are, which value means "none".
//!
//! Invariant: every field has a named type (some SBE tools crash on bare primitives); an octet that is no value of an
//! enumeration decodes, and is told apart when the value is asked for, so that it costs a reject and not a connection.

use core::marker::PhantomData;

use engine::{ClientOrderId, ClientSeq, KeyId, OrderId, Seq, TimeNs, TradeId};
use risk::rounding::div_ceil;
use risk::{AccountId, AssetId, InstrumentId, Mark, Money, Price, Qty, Requirement, UnderlyingId, unit};

unit!(
    /// Milliseconds.
    Millis(u32)
);

/// A field's type.
pub trait WireType: bincode::Encode + bincode::Decode<()> + Copy + PartialEq + core::fmt::Debug {
    /// Its name in the schema.
    const NAME: &'static str;
    /// Octets.
    const SIZE: usize;
}

/// How a type is described in the schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Description {
    /// A number.
    Scalar {
        /// Name.
        name: &'static str,
        /// SBE primitive.
        primitive: &'static str,
    },
    /// A number with a value that means "none".
    Optional {
        /// Name.
        name: &'static str,
        /// SBE primitive.
        primitive: &'static str,
        /// The value.
        null: &'static str,
    },
    /// A fixed number of octets or characters.
    Array {
        /// Name.
        name: &'static str,
        /// SBE primitive.
        primitive: &'static str,
        /// How many.
        length: usize,
    },
    /// One octet out of a list.
    Enumeration {
        /// Name.
        name: &'static str,
        /// Names and octets.
        values: &'static [(&'static str, u8)],
    },
    /// Bits.
    Set {
        /// Name.
        name: &'static str,
        /// Names and bit numbers.
        choices: &'static [(&'static str, u8)],
    },
}

macro_rules! scalars {
    ($($name:literal $type:ty, $primitive:literal;)+) => {
        $(impl WireType for $type {
            const NAME: &'static str = $name;
            const SIZE: usize = size_of::<$type>();
        })+

        const SCALARS: &[Description] =
            &[$(Description::Scalar { name: $name, primitive: $primitive },)+];
    };
}

scalars! {
    "U8T" u8, "uint8";
    "U16T" u16, "uint16";
    "U32T" u32, "uint32";
    "U64T" u64, "uint64";
    "I32T" i32, "int32";
    "I64T" i64, "int64";
    "SeqNo" ClientSeq, "uint64";
    "EngineSeq" Seq, "uint64";
    "Millis" Millis, "uint32";
    "Mark" Mark, "int64";
    "AccountId" AccountId, "uint32";
    "InstrumentId" InstrumentId, "uint32";
    "OrderId" OrderId, "uint64";
    "ClOrdId" ClientOrderId, "uint64";
    "TradeId" TradeId, "uint64";
    "KeyId" KeyId, "uint64";
    "TimeNs" TimeNs, "uint64";
    "Price" Price, "int64";
    "Qty" Qty, "int64";
    "Money" Money, "int64";
    "AssetId" AssetId, "uint16";
    "UnderlyingId" UnderlyingId, "uint16";
}

macro_rules! optionals {
    ($($(#[$meta:meta])* $name:ident($inner:ty, $primitive:literal, $null:expr, $text:literal) => $value:ty,
        $wrap:expr, $unwrap:expr;)+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
            pub struct $name($inner);

            impl core::fmt::Debug for $name {
                fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                    self.get().fmt(f)
                }
            }

            impl $name {
                /// No value.
                pub const NONE: Self = Self($null);

                /// The value, if there is one.
                #[must_use]
                pub fn get(self) -> Option<$value> {
                    (self != Self::NONE).then(|| ($wrap)(self.0))
                }
            }

            impl From<Option<$value>> for $name {
                fn from(value: Option<$value>) -> Self {
                    value.map_or(Self::NONE, |value| Self(($unwrap)(value)))
                }
            }

            impl From<$value> for $name {
                fn from(value: $value) -> Self {
                    Self(($unwrap)(value))
                }
            }

            impl WireType for $name {
                const NAME: &'static str = stringify!($name);
                const SIZE: usize = size_of::<$inner>();
            }
        )+

        const OPTIONALS: &[Description] =
            &[$(Description::Optional { name: stringify!($name), primitive: $primitive, null: $text },)+];
    };
}

optionals! {
    /// A price, or none.
    PriceN(i64, "int64", i64::MIN, "-9223372036854775808") => Price, Price::new, Price::get;
    /// A quantity, or none.
    QtyN(i64, "int64", i64::MIN, "-9223372036854775808") => Qty, Qty::new, Qty::get;
    /// A mark or index price with its sub-units, or none.
    MarkN(i64, "int64", i64::MIN, "-9223372036854775808") => Mark, Mark::new, Mark::get;
    /// A signed number, or none.
    I64N(i64, "int64", i64::MIN, "-9223372036854775808") => i64, core::convert::identity, core::convert::identity;
    /// Money, or none.
    MoneyN(i64, "int64", i64::MIN, "-9223372036854775808") => Money, Money::new, Money::get;
    /// A time, or none.
    TimeNsN(u64, "uint64", u64::MAX, "18446744073709551615") => TimeNs, TimeNs::new, TimeNs::get;
    /// A number of an order, or none.
    IdN(u64, "uint64", u64::MAX, "18446744073709551615") => u64, core::convert::identity, core::convert::identity;
    /// A 32-bit number, or none.
    U32N(u32, "uint32", u32::MAX, "4294967295") => u32, core::convert::identity, core::convert::identity;
    /// A 16-bit number, or none.
    U16N(u16, "uint16", u16::MAX, "65535") => u16, core::convert::identity, core::convert::identity;
}

impl I64N {
    /// `over / under` in billionths, rounded up: riskier than it is, never safer. A requirement counts billionths of a
    /// money unit, so this is one division; a ratio too large to be written is the largest. None where `under` is not
    /// positive.
    #[must_use]
    pub fn ratio(over: Requirement, under: Money) -> Self {
        let ratio = (under > Money::ZERO).then(|| div_ceil(over.ppb(), i128::from(under.get())));
        ratio.map(|ratio| i64::try_from(ratio).unwrap_or(i64::MAX)).into()
    }

    /// A leverage in billionths, rounded up; none without one. Both sides of a fraction may take 124 bits, so it is divided
    /// digit by digit.
    #[must_use]
    pub fn leverage(leverage: Option<(i128, i128)>) -> Self {
        let known = leverage.filter(|(over, under)| *over >= 0 && *under > 0);
        let billionths = known.map(|(over, under)| {
            let (mut quotient, mut rest) = (over.div_euclid(under), over.rem_euclid(under));
            for _ in 0..9 {
                let next = rest.saturating_mul(10);
                quotient = quotient.saturating_mul(10).saturating_add(next.div_euclid(under));
                rest = next.rem_euclid(under);
            }
            quotient.saturating_add(i128::from(rest > 0))
        });
        billionths.map(|ratio| i64::try_from(ratio).unwrap_or(i64::MAX)).into()
    }
}

/// Octets of fixed number.
#[derive(Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Octets<const N: usize>(pub [u8; N]);

impl<const N: usize> core::fmt::Debug for Octets<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl WireType for Octets<32> {
    const NAME: &'static str = "Bytes32";
    const SIZE: usize = 32;
}

impl WireType for Octets<64> {
    const NAME: &'static str = "Bytes64";
    const SIZE: usize = 64;
}

/// Sixteen ASCII characters, filled up with zeros.
#[derive(Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Chars16(pub [u8; 16]);

impl Chars16 {
    /// The characters before the first zero.
    #[must_use]
    pub fn characters(&self) -> &[u8] {
        self.0.split(|octet| *octet == 0).next().unwrap_or_default()
    }
}

impl core::fmt::Debug for Chars16 {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "\"{}\"", self.characters().escape_ascii())
    }
}

impl WireType for Chars16 {
    const NAME: &'static str = "Chars16";
    const SIZE: usize = 16;
}

const ARRAYS: &[Description] = &[
    Description::Array { name: "Bytes32", primitive: "uint8", length: 32 },
    Description::Array { name: "Bytes64", primitive: "uint8", length: 64 },
    Description::Array { name: "Chars16", primitive: "char", length: 16 },
];

/// An enumeration that travels as one octet.
pub trait WireEnum: Copy + PartialEq + core::fmt::Debug + 'static {
    /// Its name in the schema.
    const NAME: &'static str;
    /// Names and octets.
    const VALUES: &'static [(&'static str, u8)];

    /// The value of an octet.
    fn of_octet(octet: u8) -> Option<Self>;

    /// The octet of a value.
    fn octet(self) -> u8;
}

/// An octet that should be a value of `E`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code<E>(u8, PhantomData<E>);

impl<E> bincode::Encode for Code<E> {
    fn encode<W: bincode::enc::Encoder>(&self, encoder: &mut W) -> Result<(), bincode::error::EncodeError> {
        bincode::Encode::encode(&self.0, encoder)
    }
}

impl<E, C> bincode::Decode<C> for Code<E> {
    fn decode<D: bincode::de::Decoder<Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, bincode::error::DecodeError> {
        Ok(Self(bincode::Decode::decode(decoder)?, PhantomData))
    }
}

impl<'de, E, C> bincode::BorrowDecode<'de, C> for Code<E> {
    fn borrow_decode<D: bincode::de::BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, bincode::error::DecodeError> {
        bincode::Decode::decode(decoder)
    }
}

impl<E: WireEnum> Code<E> {
    /// The octet of a value.
    #[must_use]
    pub fn of(value: E) -> Self {
        Self(value.octet(), PhantomData)
    }

    /// The octet, known or not.
    #[must_use]
    pub const fn octet(self) -> u8 {
        self.0
    }

    /// The value, if the octet is one.
    #[must_use]
    pub fn get(self) -> Option<E> {
        E::of_octet(self.0)
    }
}

impl<E: WireEnum> From<E> for Code<E> {
    fn from(value: E) -> Self {
        Self::of(value)
    }
}

impl<E: WireEnum> core::fmt::Debug for Code<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.get() {
            Some(value) => value.fmt(f),
            None => write!(f, "unknown {} {}", E::NAME, self.0),
        }
    }
}

impl<E: WireEnum> WireType for Code<E> {
    const NAME: &'static str = E::NAME;
    const SIZE: usize = 1;
}

macro_rules! enumerations {
    ($($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $octet:literal,)+ })+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, PartialEq, Eq, Debug)]
            #[repr(u8)]
            pub enum $name { $($(#[$vmeta])* $variant = $octet,)+ }

            impl WireEnum for $name {
                const NAME: &'static str = stringify!($name);
                const VALUES: &'static [(&'static str, u8)] = &[$((stringify!($variant), $octet),)+];

                fn of_octet(octet: u8) -> Option<Self> {
                    match octet {
                        $($octet => Some(Self::$variant),)+
                        _ => None,
                    }
                }

                fn octet(self) -> u8 {
                    self as u8
                }
            }
        )+

        const ENUMERATIONS: &[Description] =
            &[$(Description::Enumeration { name: stringify!($name), values: $name::VALUES },)+];
    };
}

enumerations! {
    /// Side of an order.
    Side {
        /// Buy.
        Buy = 1,
        /// Sell.
        Sell = 2,
    }
    /// Type of an order.
    OrdType {
        /// At the price or better.
        Limit = 1,
        /// At once, no worse than the collar.
        Market = 2,
        /// At once when the price went against its holder.
        StopMarket = 3,
        /// At the price or better when the price went against its holder.
        StopLimit = 4,
        /// At once when the price went for its holder.
        TakeProfitMarket = 5,
        /// At the price or better when the price went for its holder.
        TakeProfitLimit = 6,
        /// At once when the price came back by a distance from its best.
        TrailingStop = 7,
        /// At the best price of the other side; the rest rests there.
        MarketToLimit = 8,
        /// At once, for as much money as `qty` says.
        QuoteNotional = 9,
    }
    /// Time in force.
    Tif {
        /// Good till cancelled.
        GTC = 1,
        /// Immediate or cancel.
        IOC = 2,
        /// Fill or kill.
        FOK = 3,
        /// Good till `expireTime`.
        GTD = 4,
        /// Good till midnight UTC.
        Day = 5,
    }
    /// What happens when an order meets one of its own account or owner group; the taker's mode decides.
    Stp {
        /// The rest of the taker is cancelled.
        CancelTaker = 1,
        /// The maker is cancelled.
        CancelMaker = 2,
        /// Both are cancelled.
        CancelBoth = 3,
        /// Both lose what they would have matched.
        Decrement = 4,
        /// Reserved.
        None = 5,
    }
    /// Which price fires a trigger.
    TriggerSrc {
        /// Last trade.
        Last = 1,
        /// Mark.
        Mark = 2,
        /// Index.
        Index = 3,
    }
    /// Which way a price must go to fire.
    TriggerKind {
        /// There is no trigger.
        None = 0,
        /// Against the holder.
        Stop = 1,
        /// For the holder.
        TakeProfit = 2,
        /// Back from its best by a distance.
        Trailing = 3,
    }
    /// Where an order is in its life.
    OrderStage {
        /// It belongs to an entry that has not filled.
        Held = 1,
        /// It waits for its trigger.
        Dormant = 2,
        /// Its turn to take comes.
        Waiting = 3,
        /// It rests.
        Live = 4,
    }
    /// How the orders of a batch belong together.
    BatchMode {
        /// Each stands for itself.
        Each = 1,
        /// All are accepted or none.
        Atomic = 2,
        /// Two of which one cancels the other.
        OneCancelsOther = 3,
    }
    /// Why an order became smaller without a fill.
    TrimReason {
        /// Reduce-only, and less is left of the position.
        ReduceOnly = 1,
        /// It met an order of its own owner group.
        SelfTrade = 2,
        /// The other order of its pair was filled by as much.
        Contingent = 3,
    }
    /// What a post-only order does that would take.
    PostOnlyMode {
        /// It is not post-only.
        Off = 0,
        /// It is refused.
        Reject = 1,
        /// Its limit becomes the nearest price at which it does not take.
        Slide = 2,
    }
    /// What is cancelled when a session is lost.
    CodMode {
        /// Nothing.
        Off = 0,
        /// Every order of the session.
        CancelAll = 1,
        /// All but persistent and reduce-only orders.
        KeepProtection = 2,
    }
    /// What a session is for.
    SessionKind {
        /// Orders.
        OrderEntry = 1,
        /// Copies of what happens to an account.
        DropCopy = 2,
        /// Reserved.
        MarketData = 3,
        /// The operator.
        Admin = 4,
        /// Index prices.
        Oracle = 5,
    }
    /// Why an order is gone.
    CancelReason {
        /// Its owner asked.
        UserRequest = 1,
        /// Its owner asked for all.
        MassCancel = 2,
        /// Its session was lost, or ended with the wish to cancel.
        Disconnect = 3,
        /// Its session's dead-man timer ran out.
        DeadMan = 4,
        /// The unfilled rest of an immediate order.
        IocRemainder = 5,
        /// It met an order of its own account.
        SelfTrade = 7,
        /// Nothing was left to reduce.
        ReduceOnly = 9,
        /// Its account went below maintenance margin.
        Liquidation = 10,
        /// The operator suspended the account, its owner group or the key.
        Suspended = 11,
        /// Its time was over.
        Expired = 12,
        /// It must not take, and would have.
        PostOnlyCross = 13,
        /// It could not be filled whole, or not by its minimum.
        Unfillable = 14,
        /// Margin did not cover it when it fired.
        Margin = 15,
        /// A limit stood against it when it fired.
        RiskLimit = 16,
        /// The order it belongs to fired, was filled or ended.
        Contingent = 17,
        /// Its market-maker protection group tripped.
        Protection = 18,
        /// The instrument's state does not admit it.
        TradingState = 19,
        /// A newer quote took its place.
        Replaced = 20,
        /// Its instrument was settled.
        Settled = 21,
        /// Its account was deleveraged, and what margin is left does not cover it.
        Deleveraged = 22,
    }
    /// Which side of a match an order was.
    Liquidity {
        /// It rested.
        Maker = 1,
        /// It came.
        Taker = 2,
        /// It was in an auction.
        Auction = 3,
    }
    /// What kind of match.
    FillKind {
        /// Ordinary.
        Normal = 1,
        /// Of a liquidation.
        Liquidation = 2,
        /// Of an auction.
        Auction = 3,
    }
    /// How far a deleveraging is.
    DeleveragingStage {
        /// It waits to be offered, with whatever joins it.
        Collecting = 1,
        /// The worker has been asked for a plan.
        Asked = 2,
        /// The venue plans.
        Planning = 3,
        /// The venue carries its plan out.
        Cutting = 4,
    }
    /// Where a liquidation is.
    LiquidationStage {
        /// There is none.
        None = 0,
        /// Its next step comes when its turn does.
        Queued = 1,
        /// It has done what it may before the next tick.
        Paced = 2,
        /// It waits for an index that can be trusted.
        Held = 3,
    }
    /// How the holders of the other side share what nobody takes.
    DeleveragingPolicy {
        /// The most leveraged are cut to one level of leverage.
        Water = 1,
        /// A queue by profit and leverage.
        Profit = 2,
        /// A queue by profit and margin ratio.
        LeveragedProfit = 3,
    }
    /// What an account may do.
    AccountStatus {
        /// Everything its margin allows.
        Active = 1,
        /// Nothing that may raise a position.
        ReduceOnly = 2,
        /// Under liquidation.
        Liquidating = 3,
        /// Cancel only.
        Suspended = 4,
        /// Under liquidation, and worth less than nothing.
        Bankrupt = 5,
    }
    /// What an instrument admits.
    TradingState {
        /// Everything.
        Open = 1,
        /// Cancels only; no matching, the mark stands still.
        Halted = 2,
        /// Post-only orders and cancels.
        PostOnly = 3,
        /// Cancels only.
        CancelOnly = 4,
        /// Reduce-only orders and cancels.
        ReduceOnly = 5,
        /// Orders are collected and matched at one price at the end.
        Auction = 6,
        /// As halted, before settlement.
        Closed = 7,
        /// Over.
        Settled = 8,
        /// Orders are collected.
        PreOpen = 9,
    }
    /// What it takes before an event leaves the venue.
    Durability {
        /// It is written; the system may still hold it.
        None = 1,
        /// It is on the disk.
        Local = 2,
    }
    /// Why a connection ends.
    TermCode {
        /// In order.
        Finished = 1,
        /// The key no longer admits to the session.
        Unauthorised = 2,
        /// Nothing was heard for three heartbeats.
        HeartbeatLapsed = 3,
        /// The client does not read fast enough.
        SlowConsumer = 4,
        /// What came is no frame, or no frame may come now.
        ProtocolError = 5,
        /// The venue stops.
        ServerShutdown = 6,
        /// Another connection took up the session.
        TakenOver = 7,
        /// A flood.
        Throttled = 8,
        /// A number was left out.
        SequenceGap = 9,
    }
    /// How price and quantity make a value.
    ContractKind {
        /// Quantity times price, in the quote asset.
        Linear = 1,
        /// Quantity over price, in the coin.
        Inverse = 2,
    }
    /// What equity is against maintenance margin.
    MarginState {
        /// Covers five quarters of it.
        Healthy = 1,
        /// Covers it, but not five quarters of it.
        Warned = 2,
        /// Does not cover it.
        Liquidating = 3,
    }
    /// Why money went from one account to another.
    MovementReason {
        /// Its owner asked for it.
        Requested = 1,
        /// An isolated position was short of margin for an order.
        MarginShort = 2,
        /// Its owner moved margin into or out of an isolated position.
        MarginMoved = 3,
        /// An isolated position is over.
        PositionOver = 4,
    }
    /// Whose margin a position counts on.
    MarginMode {
        /// All of the account's.
        Cross = 1,
        /// Its own alone.
        Isolated = 2,
    }
    /// Why a debt was paid out of another asset.
    ConversionReason {
        /// It had grown above what the asset admits.
        DebtAboveMax = 1,
        /// The account's liquidation had closed its positions.
        Liquidation = 2,
    }
    /// How far an index may be trusted.
    OracleState {
        /// Wholly.
        Valid = 1,
        /// Too few sources are live; the index is the last there was.
        Stale = 2,
        /// The sources disagree.
        Uncertain = 3,
        /// Far from where it was a short while ago, and not confirmed.
        Wild = 4,
        /// The sources say nothing above zero; the index is the last there was.
        NonPositive = 5,
    }
    /// Something that is assumed of an account.
    StepKind {
        /// Prices are others.
        Shock = 1,
        /// The account has traded.
        Fill = 2,
        /// The account has placed an order.
        Order = 3,
    }
    /// Whose prices move.
    ShockScope {
        /// Every instrument's.
        All = 1,
        /// Those of one underlying.
        Underlying = 2,
        /// One instrument's.
        Instrument = 3,
    }
    /// What a picture shows.
    PictureOf {
        /// What is.
        Before = 1,
        /// What would be after all steps.
        After = 2,
        /// What would be under a shock.
        Shock = 3,
    }
}

/// Bits of an order.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, bincode::Encode, bincode::Decode)]
pub struct OrdFlags(pub u16);

impl OrdFlags {
    /// It only reduces.
    pub const REDUCE_ONLY: u16 = 1;
    /// Its quantity is the position; only with `REDUCE_ONLY`.
    pub const CLOSE_POSITION: u16 = 1 << 1;
    /// It stays when its session is lost.
    pub const PERSIST: u16 = 1 << 3;
    /// Bits that mean something.
    pub const KNOWN: u16 = Self::REDUCE_ONLY | Self::CLOSE_POSITION | Self::PERSIST;
}

impl WireType for OrdFlags {
    const NAME: &'static str = "OrdFlags";
    const SIZE: usize = 2;
}

/// Kinds of session a key may open.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, bincode::Encode, bincode::Decode)]
pub struct Permissions(pub u16);

impl Permissions {
    /// The bit of a kind.
    #[must_use]
    pub const fn of(kind: SessionKind) -> u16 {
        1 << kind as u8
    }
}

impl WireType for Permissions {
    const NAME: &'static str = "Permissions";
    const SIZE: usize = 2;
}

/// Without gaps, so that tools which count the choices instead of reading their bits agree.
const SETS: &[Description] = &[
    Description::Set {
        name: "OrdFlags",
        choices: &[("ReduceOnly", 0), ("ClosePosition", 1), ("Reserved2", 2), ("PersistOnDisconnect", 3)],
    },
    Description::Set {
        name: "Permissions",
        choices: &[
            ("Reserved0", 0),
            ("OrderEntry", 1),
            ("DropCopy", 2),
            ("Reserved3", 3),
            ("Admin", 4),
            ("Oracle", 5),
        ],
    },
];

/// Every type of a field, in the order of the schema.
pub fn descriptions() -> impl Iterator<Item = Description> {
    [SCALARS, OPTIONALS, ARRAYS, ENUMERATIONS, SETS].into_iter().flatten().copied()
}
