//! What a plan commits the venue to: every holder it looked at, in a Merkle tree whose nodes carry the sums of the lots and
//! the equity below them. A holder can be shown that he was counted, with his own figures, without being shown anybody else's.
//!
//! Invariant: the root binds how many holders there are and what they hold together, and no proof with a figure below zero
//! is accepted, so that nobody can be left out, and no sum made smaller, behind the back of the others. A leaf is hashed under
//! a key of its own: who knows an account's figures but not its key cannot tell whether the account is in the tree.

use engine::Seq;
use risk::AccountId;
use risk::deleveraging::Holder;

use super::secret::Secret;

const LEAF: &[u8] = b"fulcrum adl leaf v1";
/// Key of inner nodes. Two nodes fill two blocks of the hash, so that a domain before them would cost a third.
const INNER: &[u8; 32] = b"fulcrum adl node v1, inner nodes";
const ROOT: &[u8; 32] = b"fulcrum adl root v1, and holders";
/// Levels of the largest tree: accounts have 32-bit numbers.
const LEVELS_MAX: usize = 32;

/// Which plan a tree is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Occasion {
    /// The deleveraging.
    pub request: u64,
    /// The command after which the holders stood as the tree says.
    pub basis: Seq,
}

/// What everybody can see: the log carries it with the first part of the plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Commitment {
    /// The root.
    pub root: [u8; 32],
    /// Holders in the tree.
    pub holders: u32,
    /// Lots they hold.
    pub lots: i128,
    /// Their equity.
    pub equity: i128,
}

/// What an account is said to have had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim {
    /// Who.
    pub account: AccountId,
    /// Lots held.
    pub held: i64,
    /// Of these, lots that nothing hedges.
    pub open: i64,
    /// Equity.
    pub equity: i64,
}

/// A node as its neighbours know it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Node {
    hash: [u8; 32],
    lots: i128,
    equity: i128,
}

/// What is hashed, in one piece: that takes a seventh less than an update for each part.
struct Message {
    bytes: [u8; Self::MAX],
    length: usize,
}

impl Message {
    /// Two nodes.
    const MAX: usize = 2 * (32 + 16 + 16);
    const EMPTY: Self = Self { bytes: [0; Self::MAX], length: 0 };

    fn add(&mut self, part: &[u8]) {
        self.bytes[self.length..self.length + part.len()].copy_from_slice(part);
        self.length += part.len();
    }

    fn add_node(&mut self, node: &Node) {
        self.add(&node.hash);
        self.add(&node.lots.to_le_bytes());
        self.add(&node.equity.to_le_bytes());
    }

    fn hash(&self, key: &[u8; 32]) -> [u8; 32] {
        blake3::keyed_hash(key, &self.bytes[..self.length]).into()
    }
}

/// The node beside the path from a leaf to the top.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sibling {
    /// Its hash.
    pub hash: [u8; 32],
    /// Lots below it.
    pub lots: i128,
    /// Equity below it.
    pub equity: i128,
    /// Whether it stands on the left.
    pub is_left: bool,
}

/// That an account is in a tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proof {
    /// The key of the leaf.
    pub salt: [u8; 32],
    /// The nodes beside its path, the lowest first. A node without a neighbour is its own parent and leaves none.
    pub path: Vec<Sibling>,
}

/// The tree over the holders of a plan.
#[derive(Clone, Debug)]
pub struct Tree {
    occasion: Occasion,
    secret: Secret,
    /// Whose leaf is where; ascending.
    accounts: Vec<AccountId>,
    /// The leaves, then each level above them up to the one node at the top; no level where there is no holder.
    levels: Vec<Vec<Node>>,
}

impl From<&Holder> for Claim {
    fn from(holder: &Holder) -> Self {
        let Holder { account, held, open, equity, .. } = *holder;
        Self { account, held, open, equity: equity.get() }
    }
}

impl Claim {
    /// Whether a holder can have had this.
    const fn is_sound(&self) -> bool {
        self.open >= 0 && self.open <= self.held && self.equity >= 0
    }

    fn leaf(&self, occasion: Occasion, salt: &[u8; 32]) -> Node {
        let mut message = Message::EMPTY;
        message.add(LEAF);
        message.add(&self.account.get().to_le_bytes());
        message.add(&self.held.to_le_bytes());
        message.add(&self.open.to_le_bytes());
        message.add(&self.equity.to_le_bytes());
        message.add(&occasion.request.to_le_bytes());
        message.add(&occasion.basis.get().to_le_bytes());
        Node { hash: message.hash(salt), lots: self.held.into(), equity: self.equity.into() }
    }
}

impl Node {
    /// Where there is no holder.
    const NONE: Self = Self { hash: [0; 32], lots: 0, equity: 0 };

    const fn is_sound(&self) -> bool {
        self.lots >= 0 && self.equity >= 0
    }

    /// The node above two; `None` where a figure is below zero or a sum is beyond its range.
    fn join(left: &Self, right: &Self) -> Option<Self> {
        if !left.is_sound() || !right.is_sound() {
            return None;
        }
        let lots = left.lots.checked_add(right.lots)?;
        let equity = left.equity.checked_add(right.equity)?;
        let mut message = Message::EMPTY;
        message.add_node(left);
        message.add_node(right);
        Some(Self { hash: message.hash(INNER), lots, equity })
    }

    /// The root, which says how many leaves there are, too.
    fn root(&self, holders: u32) -> [u8; 32] {
        let mut message = Message::EMPTY;
        message.add_node(self);
        message.add(&holders.to_le_bytes());
        message.hash(ROOT)
    }
}

impl Tree {
    /// The tree over `holders`, who come in ascending account order and have no figure below zero.
    ///
    /// # Panics
    /// Never: as many figures of 64 bits as there are accounts have a sum of 128 bits.
    #[must_use]
    pub fn build(secret: &Secret, occasion: Occasion, holders: &[Holder]) -> Self {
        let (mut accounts, mut leaves) = (Vec::new(), Vec::new());
        for holder in holders {
            let claim = Claim::from(holder);
            debug_assert!(accounts.last().is_none_or(|last| *last < claim.account), "accounts ascend");
            debug_assert!(claim.is_sound(), "{claim:?}");
            accounts.push(claim.account);
            leaves.push(claim.leaf(occasion, &secret.salt(occasion, claim.account)));
        }
        let mut levels = Vec::new();
        let mut level = leaves;
        while level.len() > 1 {
            let above = level.chunks(2).map(|pair| match pair {
                [left, right] => Node::join(left, right).expect("holders' figures are not below zero"),
                // One that is left over goes up as it is: doubled, it would count twice.
                _ => pair[0],
            });
            let above: Vec<Node> = above.collect();
            levels.push(std::mem::replace(&mut level, above));
        }
        if !level.is_empty() {
            levels.push(level);
        }
        Self { occasion, secret: secret.clone(), accounts, levels }
    }

    /// What is made public.
    ///
    /// # Panics
    /// Never: accounts have 32-bit numbers.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        let top = self.levels.last().map_or(Node::NONE, |level| level[0]);
        let holders = u32::try_from(self.accounts.len()).expect("accounts have 32-bit numbers");
        Commitment { root: top.root(holders), holders, lots: top.lots, equity: top.equity }
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        self.commitment().root
    }

    /// Lots and equity of all holders.
    #[must_use]
    pub fn sums(&self) -> (i128, i128) {
        let Commitment { lots, equity, .. } = self.commitment();
        (lots, equity)
    }

    /// The proof for an account; `None` where it is not among the holders.
    #[must_use]
    pub fn proof(&self, account: AccountId) -> Option<Proof> {
        let mut place = self.accounts.binary_search(&account).ok()?;
        let mut path = Vec::with_capacity(self.levels.len());
        for level in &self.levels {
            let is_left = place % 2 == 1;
            let beside = if is_left { place - 1 } else { place + 1 };
            if let Some(&Node { hash, lots, equity }) = level.get(beside) {
                path.push(Sibling { hash, lots, equity, is_left });
            }
            place >>= 1;
        }
        Some(Proof { salt: self.secret.salt(self.occasion, account), path })
    }
}

/// Whether `proof` shows that an account with these figures is in the tree that was committed to.
#[must_use]
pub fn verify(commitment: &Commitment, occasion: Occasion, claim: &Claim, proof: &Proof) -> bool {
    if !claim.is_sound() || proof.path.len() > LEVELS_MAX {
        return false;
    }
    let leaf = claim.leaf(occasion, &proof.salt);
    let top = proof.path.iter().try_fold(leaf, |node, beside| {
        let Sibling { hash, lots, equity, is_left } = *beside;
        let beside = Node { hash, lots, equity };
        if is_left { Node::join(&beside, &node) } else { Node::join(&node, &beside) }
    });
    top.is_some_and(|top| {
        (top.lots, top.equity) == (commitment.lots, commitment.equity)
            && top.root(commitment.holders) == commitment.root
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stopwatch;
    use risk::Money;

    const OCCASION: Occasion = Occasion { request: 7, basis: Seq::new(1_234) };

    fn holders(count: u32) -> Vec<Holder> {
        let holder = |number: u32| {
            let held = 1 + i64::from(number * 7_919 % 1_000);
            let account = AccountId::new(16 + 3 * number);
            let equity = Money::new(1 + i64::from(number) * 1_000_003);
            Holder { account, held, open: held.div_euclid(2), equity, score: 0 }
        };
        (0..count).map(holder).collect()
    }

    fn tree(holders: &[Holder]) -> Tree {
        Tree::build(&Secret::new([9; 32]), OCCASION, holders)
    }

    #[test]
    fn every_holder_of_every_shape_of_tree_is_proven() {
        for count in (1..=33).chain([64, 65, 100]) {
            let holders = holders(count);
            let tree = tree(&holders);
            let commitment = tree.commitment();
            let lots: i128 = holders.iter().map(|holder| i128::from(holder.held)).sum();
            let equity: i128 = holders.iter().map(|holder| i128::from(holder.equity.get())).sum();
            assert_eq!((commitment.holders, tree.sums()), (count, (lots, equity)));
            for holder in &holders {
                let proof = tree.proof(holder.account).expect("a holder");
                assert!(verify(&commitment, OCCASION, &holder.into(), &proof), "{count}: {holder:?}");
            }
            assert_eq!(tree.proof(AccountId::new(17)), None, "not among them");
        }
    }

    #[test]
    fn a_tree_without_holders_has_a_root_and_proves_nothing() {
        let empty = tree(&[]);
        assert_eq!(empty.sums(), (0, 0));
        assert_eq!(empty.proof(AccountId::new(16)), None);
        assert_ne!(empty.root(), [0; 32]);
        let claim = Claim { account: AccountId::new(16), held: 0, open: 0, equity: 0 };
        let proof = Proof { salt: [0; 32], path: Vec::new() };
        assert!(!verify(&empty.commitment(), OCCASION, &claim, &proof));
    }

    /// Everything a proof, a claim and a commitment consist of, each changed alone.
    #[test]
    fn nothing_can_be_tampered_with() {
        let holders = holders(11);
        let tree = tree(&holders);
        let commitment = tree.commitment();
        for holder in &holders {
            let (claim, proof) = (Claim::from(holder), tree.proof(holder.account).expect("a holder"));
            let fails = |commitment: &Commitment, occasion: Occasion, claim: &Claim, proof: &Proof| {
                assert!(!verify(commitment, occasion, claim, proof), "{claim:?} {proof:?}");
            };
            for claim in [
                Claim { account: AccountId::new(claim.account.get() + 1), ..claim },
                Claim { held: claim.held + 1, ..claim },
                Claim { open: claim.open + 1, ..claim },
                Claim { equity: claim.equity + 1, ..claim },
                Claim { equity: claim.equity - 1, ..claim },
            ] {
                fails(&commitment, OCCASION, &claim, &proof);
            }
            for occasion in
                [Occasion { request: 8, ..OCCASION }, Occasion { basis: Seq::new(1_235), ..OCCASION }]
            {
                fails(&commitment, occasion, &claim, &proof);
            }
            let mut root = commitment.root;
            root[31] ^= 1;
            for commitment in [
                Commitment { root, ..commitment },
                Commitment { holders: commitment.holders + 1, ..commitment },
                Commitment { lots: commitment.lots + 1, ..commitment },
                Commitment { equity: commitment.equity + 1, ..commitment },
            ] {
                fails(&commitment, OCCASION, &claim, &proof);
            }
            let changes: [fn(&mut Proof, usize); 7] = [
                |proof, _| proof.salt[0] ^= 1,
                |proof, at| proof.path[at].hash[5] ^= 1,
                |proof, at| proof.path[at].lots += 1,
                |proof, at| proof.path[at].equity -= 1,
                |proof, at| proof.path[at].is_left ^= true,
                |proof, at| proof.path.truncate(at),
                |proof, at| proof.path.insert(at, proof.path[at]),
            ];
            for at in 0..proof.path.len() {
                for change in changes {
                    let mut changed = proof.clone();
                    change(&mut changed, at);
                    fails(&commitment, OCCASION, &claim, &changed);
                }
            }
        }
    }

    /// The known attack: a node below zero hides what others hold while every hash is right.
    #[test]
    fn a_proof_with_a_figure_below_zero_is_refused_though_its_hashes_are_right() {
        let salt = [3; 32];
        let claim = Claim { account: AccountId::new(20), held: 10, open: 10, equity: 100 };
        for (lots, equity) in [(-4, 0), (0, -40)] {
            let hidden = Node { hash: [8; 32], lots, equity };
            let leaf = claim.leaf(OCCASION, &salt);
            let mut message = Message::EMPTY;
            message.add_node(&leaf);
            message.add_node(&hidden);
            let hash = message.hash(INNER);
            let top = Node { hash, lots: leaf.lots + lots, equity: leaf.equity + equity };
            let root = top.root(2);
            let commitment = Commitment { root, holders: 2, lots: top.lots, equity: top.equity };
            let path = vec![Sibling { hash: hidden.hash, lots, equity, is_left: false }];
            assert!(!verify(&commitment, OCCASION, &claim, &Proof { salt, path }));
        }
        let below = Claim { held: -1, open: -1, ..claim };
        let leaf = below.leaf(OCCASION, &salt);
        let commitment = Commitment { root: leaf.root(1), holders: 1, lots: leaf.lots, equity: leaf.equity };
        assert!(!verify(&commitment, OCCASION, &below, &Proof { salt, path: Vec::new() }));
    }

    #[test]
    fn another_secret_or_occasion_gives_another_root() {
        let holders = holders(5);
        let other = Tree::build(&Secret::new([10; 32]), OCCASION, &holders);
        let later = Occasion { basis: Seq::new(1_235), ..OCCASION };
        let later = Tree::build(&Secret::new([9; 32]), later, &holders);
        assert_ne!(tree(&holders).root(), other.root());
        assert_ne!(tree(&holders).root(), later.root());
        assert_eq!(tree(&holders).root(), tree(&holders).root());
    }

    #[test]
    fn a_large_tree_is_built_and_its_ends_are_proven() {
        let holders = holders(1 << 17);
        let watch = Stopwatch::start();
        let tree = tree(&holders);
        println!("{} leaves in {:?}", holders.len(), watch.elapsed());
        for holder in [&holders[0], &holders[holders.len() - 1]] {
            let proof = tree.proof(holder.account).expect("a holder");
            assert_eq!(proof.path.len(), 17);
            assert!(verify(&tree.commitment(), OCCASION, &holder.into(), &proof));
        }
    }
}
