//! Makes a script that goes wrong short: leaves out halves, quarters, down to single steps, while it still goes wrong.

use risk::Capacity;

use super::run;
use crate::campaign::{Step, configured};

/// Commands spent on shrinking before it is good enough; `FULCRUM_SHRINK_COMMANDS` sets another number.
const COMMANDS_MAX: u64 = 4_000_000;

/// A short script that still goes wrong.
pub(crate) fn shrink(capacity: Capacity, script: &[Step]) -> Vec<Step> {
    let most = configured("FULCRUM_SHRINK_COMMANDS", COMMANDS_MAX);
    let mut script = script.to_vec();
    let mut spent = 0;
    let mut portion = script.len().div_ceil(2);
    loop {
        let mut shrunk = false;
        let mut from = 0;
        while from < script.len() && spent < most {
            let to = (from + portion).min(script.len());
            let mut rest: Vec<Step> = script[..from].iter().chain(&script[to..]).cloned().collect();
            let played = run(capacity, &rest);
            spent += played.commands;
            if played.wrong.is_some() {
                // It may go wrong earlier now, and elsewhere; that is as good.
                rest.truncate(played.steps);
                script = rest;
                shrunk = true;
            } else {
                from = to;
            }
        }
        if spent >= most || (portion == 1 && !shrunk) {
            return script;
        }
        if !shrunk || portion > script.len() {
            portion = portion.min(script.len()).div_ceil(2).max(1);
        }
    }
}
