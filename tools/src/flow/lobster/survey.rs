//! The first pass over a LOBSTER file: how long it is and what instrument it needs.
//!
//! Invariant: a file that passes has no malformed line anywhere, and its terms admit every price and size it plays.

use std::collections::BTreeMap;

use risk::{InstrumentSpec, Price, Qty};

use super::file::Messages;
use super::message::Kind;
use crate::flow::FlowError;
use crate::flow::recorded::{self, Decimals};

/// One cent.
const CENT: i64 = 100;

/// What a LOBSTER file holds.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Lines that are messages.
    pub messages: u64,
    /// Price of the first message that is played.
    pub first_price: Price,
    /// Highest played price.
    pub price_high: Price,
    /// Whether every played price is whole cents.
    pub whole_cents: bool,
    /// Largest played size.
    pub size_high: Qty,
    /// Most orders that rest at one time, by the file alone.
    pub resting_max: usize,
}

impl Survey {
    /// Reads to the end.
    ///
    /// # Errors
    /// [`FlowError`] with the first malformed line.
    pub fn of(messages: &mut Messages) -> Result<Self, FlowError> {
        let mut survey = Self {
            messages: 0,
            first_price: Price::new(0),
            price_high: Price::new(0),
            whole_cents: true,
            size_high: Qty::ZERO,
            resting_max: 0,
        };
        let mut resting: BTreeMap<u64, Qty> = BTreeMap::new();
        while let Some(message) = messages.next_message()? {
            survey.messages += 1;
            match message.kind {
                Kind::Add => {
                    resting.insert(message.order, message.size);
                    survey.resting_max = survey.resting_max.max(resting.len());
                }
                Kind::Delete => {
                    resting.remove(&message.order);
                }
                Kind::PartialCancel | Kind::Execution => {
                    if let Some(leaves) = resting.get_mut(&message.order) {
                        *leaves -= message.size;
                        if *leaves <= Qty::ZERO {
                            resting.remove(&message.order);
                        }
                    }
                }
                Kind::HiddenExecution | Kind::Cross | Kind::Halt => continue,
            }
            if survey.first_price.get() == 0 {
                survey.first_price = message.price;
            }
            survey.price_high = survey.price_high.max(message.price);
            survey.size_high = survey.size_high.max(message.size);
            survey.whole_cents &= message.price.get() % CENT == 0;
        }
        Ok(survey)
    }

    /// The instrument that admits all of the file, or why there is none.
    ///
    /// # Errors
    /// What stands against it, in words.
    pub fn spec(&self) -> Result<InstrumentSpec, String> {
        if self.first_price.get() == 0 {
            return Err(
                "no order in it; expected a LOBSTER message file with messages of type 1 to 4".to_owned()
            );
        }
        let tick = if self.whole_cents { CENT } else { 1 };
        let ticks_max = i64::from(engine::limits::LADDER_KEYS_MAX) - 1;
        let highest = self.price_high.get();
        let price_max = (highest.saturating_mul(4)).min(ticks_max * tick).min(risk::limits::PRICE_MAX);
        let price_max = price_max - price_max % tick;
        let open_interest = risk::limits::NOTIONAL_MAX.div_euclid(2 * price_max);
        if highest > price_max || self.size_high.get() > open_interest {
            return Err(format!(
                "a price of {highest} or a size of {} is out of the venue's range",
                self.size_high
            ));
        }
        let decimals = Decimals { price: 4, qty: 0, money: 4 };
        let (tick, price_max) = (Price::new(tick), Price::new(price_max));
        Ok(recorded::instrument("LOBSTER", &decimals, tick, price_max, Qty::new(open_interest)))
    }
}
