//! A holder's proof as a file: what it claims, and the way from its leaf to the root the log carries.
//!
//! Invariant: it is verified with nothing but itself. The root in it must be compared with the one in the log, or with one that
//! somebody else was shown.

use std::io::Write;

use anyhow::Context;
use engine::Seq;
use gateway::deleveraging::commitment::{Claim, Commitment, Occasion, Proof, Sibling, Tree, verify};
use risk::AccountId;
use risk::deleveraging::Holder;
use serde::{Deserialize, Serialize};

use super::ProofArgs;
use crate::format::{grouped, hex, octets};

/// A node beside the way to the root.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Node {
    /// In hexadecimal.
    pub hash: String,
    /// Lots below it.
    pub lots: i128,
    /// Equity below it.
    pub equity: i128,
    /// Whether it stands on the left.
    pub is_left: bool,
}

/// See the module's documentation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProofFile {
    /// The deleveraging.
    pub request: u64,
    /// The command after which the holders stood as is proven.
    pub basis: u64,
    /// Who.
    pub account: u32,
    /// Lots held.
    pub held: i64,
    /// Of these, lots that nothing hedges.
    pub open: i64,
    /// Equity.
    pub equity: i64,
    /// Root of the tree, in hexadecimal.
    pub root: String,
    /// Holders in it.
    pub holders: u32,
    /// Lots they hold.
    pub lots: i128,
    /// Equity of all of them.
    pub total_equity: i128,
    /// Key of the leaf, in hexadecimal.
    pub salt: String,
    /// Nodes beside the way, the lowest first.
    pub path: Vec<Node>,
}

impl ProofFile {
    pub(super) fn of(tree: &Tree, occasion: Occasion, holder: &Holder) -> Option<Self> {
        let proof = tree.proof(holder.account)?;
        let Commitment { root, holders, lots, equity } = tree.commitment();
        let node = |beside: &Sibling| Node {
            hash: hex(&beside.hash),
            lots: beside.lots,
            equity: beside.equity,
            is_left: beside.is_left,
        };
        Some(Self {
            request: occasion.request,
            basis: occasion.basis.get(),
            account: holder.account.get(),
            held: holder.held,
            open: holder.open,
            equity: holder.equity.get(),
            root: hex(&root),
            holders,
            lots,
            total_equity: equity,
            salt: hex(&proof.salt),
            path: proof.path.iter().map(node).collect(),
        })
    }

    /// Whether the account with these figures is in the tree of this root.
    #[must_use]
    pub fn verifies(&self) -> bool {
        let (Some(root), Some(salt)) = (octets(&self.root), octets(&self.salt)) else { return false };
        let path: Option<Vec<Sibling>> = self
            .path
            .iter()
            .map(|node| {
                let Node { lots, equity, is_left, .. } = *node;
                Some(Sibling { hash: octets(&node.hash)?, lots, equity, is_left })
            })
            .collect();
        let Some(path) = path else { return false };
        let commitment =
            Commitment { root, holders: self.holders, lots: self.lots, equity: self.total_equity };
        let occasion = Occasion { request: self.request, basis: Seq::new(self.basis) };
        let Self { held, open, equity, .. } = *self;
        let claim = Claim { account: AccountId::new(self.account), held, open, equity };
        verify(&commitment, occasion, &claim, &Proof { salt, path })
    }
}

/// Verifies a file; the exit code.
pub(super) fn run(args: &ProofArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let name = args.file.display();
    let text = std::fs::read_to_string(&args.file).with_context(|| format!("cannot read {name}"))?;
    let file = parse(&text).with_context(|| format!("{name} holds no proof"))?;
    let is_right = file.verifies();
    if args.json {
        let verdict = serde_json::json!({
            "verified": is_right, "request": file.request, "basis": file.basis, "account": file.account,
            "root": file.root,
        });
        writeln!(output, "{verdict}")?;
    } else {
        let verdict = if is_right { "proven" } else { "NOT PROVEN" };
        writeln!(
            output,
            "{verdict}: when deleveraging {} was called, after command {}, account {} held {} lots, {} of them unhedged, \
             with equity {}",
            file.request,
            file.basis,
            file.account,
            grouped(file.held.into()),
            grouped(file.open.into()),
            grouped(file.equity.into())
        )?;
        writeln!(
            output,
            "among {} holders of {} lots with equity {}; root {}",
            grouped(file.holders.into()),
            grouped(file.lots),
            grouped(file.total_equity),
            file.root
        )?;
    }
    output.flush()?;
    Ok(u8::from(!is_right))
}

/// The proof alone, or the first one in what `fulcrum audit adl` printed.
fn parse(text: &str) -> anyhow::Result<ProofFile> {
    if let Ok(file) = serde_json::from_str(text) {
        return Ok(file);
    }
    let printed: serde_json::Value = serde_json::from_str(text)?;
    let calls = printed.get("calls").and_then(serde_json::Value::as_array).context("no calls in it")?;
    let mut proofs = calls.iter().filter_map(|call| call.get("holder")?.get("proof"));
    let proof = proofs.find(|proof| !proof.is_null()).context("no proof in it")?;
    Ok(serde_json::from_value(proof.clone())?)
}
