//! Words of orders into commands: plain ones, with instructions, and in batches.

use engine::{
    Action, AdvancedOrder, AmendTrigger, BatchMode, BatchedOrder, ClientOrderId, Exit, Instructions,
    NewOrder, OrderBatch, OrderTag, Pricing, ProtectionId, SelfTrade, TimeInForce, Trigger, TriggerKind,
    TriggerSource,
};
use risk::{AccountId, InstrumentId, Price, Qty, Side};

use super::Story;
use super::machine::time;
use super::read::{number, small};

fn self_trade(word: &str) -> Result<SelfTrade, String> {
    Ok(match word {
        "cancel-taker" => SelfTrade::CancelTaker,
        "cancel-maker" => SelfTrade::CancelMaker,
        "cancel-both" => SelfTrade::CancelBoth,
        "decrement" => SelfTrade::Decrement,
        _ => return Err(format!("no self-trade mode {word}")),
    })
}

fn source(word: &str) -> Result<TriggerSource, String> {
    Ok(match word {
        "last" => TriggerSource::Last,
        "mark" => TriggerSource::Mark,
        "index" => TriggerSource::Index,
        _ => return Err(format!("no price {word} to watch")),
    })
}

fn price(word: &str) -> Result<Price, String> {
    number(word).map(Price::new)
}

/// `market`, or a price.
fn limit(word: &str) -> Result<Option<Price>, String> {
    if word == "market" { Ok(None) } else { price(word).map(Some) }
}

/// `TRIGGER`, or `TRIGGER:LIMIT`.
fn exit(watched: &str, word: &str) -> Result<Exit, String> {
    let (trigger, limit) =
        word.split_once(':').map_or((word, None), |(trigger, limit)| (trigger, Some(limit)));
    let limit = limit.map(price).transpose()?;
    Ok(Exit { source: source(watched)?, trigger: price(trigger)?, limit })
}

/// What an order says, and the name it gets.
struct Said {
    advanced: AdvancedOrder,
    is_plain: bool,
    name: String,
}

/// A word that is about an instruction, with the words after it; whether it is one.
fn instruction<'w>(
    word: &str,
    mut next: impl FnMut() -> Result<&'w str, String>,
    said: &mut Instructions,
) -> Result<bool, String> {
    match word {
        "special" => {}
        "slides" => said.slides = true,
        "display" => said.display = Qty::new(number(next()?)?),
        "least" => said.min_qty = Qty::new(number(next()?)?),
        "tag" => said.tag = OrderTag::new(number(next()?)?.unsigned_abs()),
        "day" => said.expires = Instructions::END_OF_DAY,
        "until" => said.expires = time(number(next()?)?.unsigned_abs()),
        "own" => said.self_trade = self_trade(next()?)?,
        "protection" => {
            let group = u16::try_from(small(next()?)?).map_err(|error| error.to_string())?;
            said.protection = ProtectionId::new(group);
        }
        "stop" | "take-profit" | "trailing" => {
            let kind = match word {
                "stop" => TriggerKind::Stop,
                "trailing" => TriggerKind::Trailing,
                _ => TriggerKind::TakeProfit,
            };
            said.trigger = Some(Trigger { source: source(next()?)?, kind, price: price(next()?)? });
        }
        "profit" => said.take_profit = Some(exit(next()?, next()?)?),
        "loss" => said.stop_loss = Some(exit(next()?, next()?)?),
        _ => return Ok(false),
    }
    Ok(true)
}

/// `SIDE QTY @ PRICE WISH...`.
fn said(account: AccountId, words: &[&str]) -> Result<Said, String> {
    let [side, qty, "@", at, wishes @ ..] = words else { return Err("not an order".to_owned()) };
    let mut order = NewOrder {
        account,
        instrument: InstrumentId::new(0),
        side: if *side == "buy" { Side::Buy } else { Side::Sell },
        qty: Qty::new(number(qty)?),
        limit: None,
        time_in_force: TimeInForce::GoodTillCancel,
        post_only: false,
        reduce_only: false,
        persistent: false,
    };
    let mut instructions = Instructions::PLAIN;
    match *at {
        "best" => instructions.pricing = Pricing::MarketToLimit,
        "money" => instructions.pricing = Pricing::QuoteNotional,
        "position" => instructions.pricing = Pricing::ClosePosition,
        other => order.limit = limit(other)?,
    }
    let mut is_plain = instructions == Instructions::PLAIN;
    let mut name = "unnamed".to_owned();
    let mut words = wishes.iter();
    while let Some(&word) = words.next() {
        let mut next = || words.next().copied().ok_or_else(|| format!("something follows {word}"));
        match word {
            "gtc" => {}
            "ioc" => order.time_in_force = TimeInForce::ImmediateOrCancel,
            "fok" => order.time_in_force = TimeInForce::FillOrKill,
            "post-only" => order.post_only = true,
            "reduce-only" => order.reduce_only = true,
            "persistent" => order.persistent = true,
            "in" => order.instrument = InstrumentId::new(small(next()?)?),
            "as" => next()?.clone_into(&mut name),
            _ if instruction(word, next, &mut instructions)? => is_plain = false,
            _ => return Err(format!("no wish {word}")),
        }
    }
    Ok(Said { advanced: AdvancedOrder { order, instructions }, is_plain, name })
}

impl Story<'_> {
    /// An order of an account.
    pub(crate) fn order_of(&mut self, account: AccountId, words: &[&str]) -> Result<Action, String> {
        let Said { advanced, is_plain, name } = said(account, words)?;
        self.next_number = self.take_numbers(&name, &advanced.instructions);
        Ok(if is_plain { Action::NewOrder(advanced.order) } else { Action::AdvancedOrder(advanced) })
    }

    /// `MODE SIDE QTY @ PRICE WISH... ; SIDE ...`.
    pub(crate) fn batch_of(
        &mut self,
        account: AccountId,
        mode: &str,
        words: &[&str],
    ) -> Result<Action, String> {
        let mode = match mode {
            "each" => BatchMode::Each,
            "atomic" => BatchMode::Atomic,
            "pair" => BatchMode::OneCancelsOther,
            _ => return Err(format!("no mode {mode}")),
        };
        let own = self.take_numbers("batch", &Instructions::PLAIN);
        let mut orders = Vec::new();
        for words in words.split(|word| *word == ";").filter(|words| !words.is_empty()) {
            let Said { advanced: order, name, .. } = said(account, words)?;
            let client_order_id = self.take_numbers(&name, &order.instructions);
            orders.push(BatchedOrder { client_order_id, order });
        }
        self.next_number = own;
        Ok(Action::OrderBatch(Box::new(OrderBatch { account, mode, orders })))
    }

    /// `ORDER to QTY @ PRICE at TRIGGER`.
    pub(crate) fn amend_trigger(
        &mut self,
        account: AccountId,
        order: &str,
        words: &[&str],
    ) -> Result<Action, String> {
        let ["to", qty, "@", at, "at", trigger] = words else { return Err("not an amendment".to_owned()) };
        Ok(Action::AmendTrigger(AmendTrigger {
            account,
            order: self.order(order)?,
            trigger: price(trigger)?,
            limit: limit(at)?,
            qty: Qty::new(number(qty)?),
        }))
    }

    /// Names an order, and its exits, whose numbers follow; its number.
    fn take_numbers(&mut self, name: &str, said: &Instructions) -> ClientOrderId {
        let session = self.sender.session;
        self.orders.push((name.to_owned(), session));
        let number = ClientOrderId::new(self.orders.len() as u64);
        if said.take_profit.is_some() || said.stop_loss.is_some() {
            for exit in ["profit", "loss"] {
                self.orders.push((format!("{name}-{exit}"), session));
            }
        }
        number
    }
}
