//! Trees and proofs, against the vectors of the Certificate Transparency project and the
//! definition in RFC 6962, section 2.1.

use proptest::prelude::*;

use crate::audit::proof::{TreeHead, consistency, continues, includes, inclusion};
use crate::audit::tree::{Frontier, Hash, leaf_hash, node_hash, root};

const INPUTS: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

/// The roots over the first 0, 1, … 8 inputs.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// The definition: no frontier, no iteration.
fn defined_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => root(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&defined_root(left), &defined_root(right))
        }
    }
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

fn head(leaves: &[Hash]) -> TreeHead {
    TreeHead {
        size: leaves.len() as u64,
        root: defined_root(leaves),
    }
}

#[test]
fn the_tree_has_the_published_roots() {
    let mut frontier = Frontier::default();
    for (size, expected) in ROOTS.iter().enumerate() {
        let root: String = frontier.root().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(root, *expected, "{size} leaves");
        if let Some(input) = INPUTS.get(size) {
            frontier.push(leaf_hash(input));
        }
    }
}

#[test]
fn every_leaf_of_every_small_tree_is_proved_at_its_place_alone() {
    for size in 1..=33 {
        let leaves = leaves(size);
        let root = defined_root(&leaves);
        for index in 0..size {
            let path = inclusion(&leaves, index);
            for claimed in 0..size + 2 {
                let (total, at) = (size as u64, claimed as u64);
                let proved = includes(&root, total, &leaves[index], at, &path);
                assert_eq!(proved, claimed == index, "{index} of {size} as {claimed}");
            }
        }
    }
}

#[test]
fn every_small_tree_continues_all_its_beginnings() {
    for size in 1..=33 {
        let leaves = leaves(size);
        for earlier in 1..=size {
            let proof = consistency(&leaves, earlier);
            let begins = head(&leaves[..earlier]);
            assert!(
                continues(head(&leaves), begins, &proof),
                "{earlier} of {size}"
            );
            let mut forged = begins;
            forged.root[0] ^= 1;
            assert!(!continues(head(&leaves), forged, &proof));
        }
    }
}

#[test]
fn an_earlier_tree_that_is_empty_or_larger_is_no_beginning() {
    let leaves = leaves(3);
    let empty = TreeHead {
        size: 0,
        root: root(&[]),
    };
    assert!(!continues(head(&leaves), empty, &[]));
    assert!(!continues(head(&leaves[..2]), head(&leaves), &[]));
}

proptest! {
    #[test]
    fn a_frontier_has_the_root_of_the_definition(size in 0usize..400) {
        let leaves = leaves(size);
        prop_assert_eq!(root(&leaves), defined_root(&leaves));
    }

    #[test]
    fn a_changed_proof_proves_nothing(size in 2usize..300, pick in any::<prop::sample::Index>(), bit in 0usize..256) {
        let leaves = leaves(size);
        let index = pick.index(size);
        let path = inclusion(&leaves, index);
        let (root, total, at) = (defined_root(&leaves), size as u64, index as u64);
        prop_assert!(includes(&root, total, &leaves[index], at, &path));
        let place = pick.index(path.len());
        let mut changed = path.clone();
        changed[place][bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!includes(&root, total, &leaves[index], at, &changed));
        prop_assert!(!includes(&root, total, &leaves[index], at, &path[1..]));
        let mut longer = path;
        longer.push(root);
        prop_assert!(!includes(&root, total, &leaves[index], at, &longer));
    }

    #[test]
    fn a_rewritten_tree_continues_nothing(size in 2usize..300, earlier in any::<prop::sample::Index>(), changed in any::<prop::sample::Index>()) {
        let honest = leaves(size);
        let earlier = 1 + earlier.index(size - 1);
        let mut rewritten = honest.clone();
        rewritten[changed.index(earlier)][0] ^= 1;
        let proof = consistency(&rewritten, earlier);
        prop_assert!(!continues(head(&rewritten), head(&honest[..earlier]), &proof));
    }
}
