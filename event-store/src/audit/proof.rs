//! Proofs of RFC 6962: that a tree holds a leaf, and that it continues an earlier tree.

use super::tree::{Hash, node_hash, root};

/// The nodes that, with the leaf at `index`, lead to the root of the tree over `leaves`, from the
/// bottom up.
///
/// # Panics
/// There is no such leaf.
#[must_use]
pub fn inclusion(leaves: &[Hash], index: usize) -> Vec<Hash> {
    assert!(index < leaves.len(), "the leaf is in the tree");
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut path, beside) = if index < left.len() {
        (inclusion(left, index), root(right))
    } else {
        (inclusion(right, index - left.len()), root(left))
    };
    path.push(beside);
    path
}

/// Whether `path` proves that the tree of `size` leaves with `root` has `leaf` at `index`.
#[must_use]
pub fn includes(root: &Hash, size: u64, leaf: &Hash, index: u64, path: &[Hash]) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for beside in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(beside, &hash);
            // A node at the right edge without a sibling is the same node on the next level.
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, beside);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// The nodes that prove the tree over `leaves` to continue the tree over the first `size` of them.
///
/// # Panics
/// `size` is 0 or more than there are leaves.
#[must_use]
pub fn consistency(leaves: &[Hash], size: usize) -> Vec<Hash> {
    assert!(
        (1..=leaves.len()).contains(&size),
        "the earlier tree is not empty, and is a part of this one"
    );
    subproof(leaves, size, true)
}

/// `known`: the verifier has the root of the first `size` leaves already.
fn subproof(leaves: &[Hash], size: usize, known: bool) -> Vec<Hash> {
    if size == leaves.len() {
        return if known {
            Vec::new()
        } else {
            vec![root(leaves)]
        };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut proof, beside) = if size <= left.len() {
        (subproof(left, size, known), root(right))
    } else {
        (subproof(right, size - left.len(), false), root(left))
    };
    proof.push(beside);
    proof
}

/// A tree, as a checkpoint tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    pub size: u64,
    pub root: Hash,
}

/// Whether `proof` proves that the tree `now` continues the tree `earlier`.
#[must_use]
pub fn continues(now: TreeHead, earlier: TreeHead, proof: &[Hash]) -> bool {
    if earlier.size == 0 || earlier.size > now.size {
        return false;
    }
    if earlier.size == now.size {
        return proof.is_empty() && earlier.root == now.root;
    }
    // Where the earlier tree is one full subtree, its root is where the proof starts.
    let start = earlier.size.is_power_of_two().then_some(&earlier.root);
    let mut nodes = start.into_iter().chain(proof);
    let Some(first) = nodes.next() else {
        return false;
    };
    let full = (earlier.size - 1).trailing_ones();
    let (mut node, mut last) = ((earlier.size - 1) >> full, (now.size - 1) >> full);
    let (mut before, mut after) = (*first, *first);
    for beside in nodes {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            before = node_hash(beside, &before);
            after = node_hash(beside, &after);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            after = node_hash(&after, beside);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && before == earlier.root && after == now.root
}

/// How many of `leaves` (two at least) stand in the left subtree: the largest power of two below.
fn split(leaves: usize) -> usize {
    1 << (leaves - 1).ilog2()
}
