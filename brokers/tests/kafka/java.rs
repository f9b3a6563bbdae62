//! Where Java's clients write: results are joined by key with what they wrote.

use std::sync::Arc;
use std::time::Duration;

use brokers::positions::MemoryPositions;
use brokers::{Broker, Identity, Metadata, Outgoing, SourceSettings, Start};
use bytes::Bytes;

const PARTITIONS: i32 = 12;

/// Writes to a topic of twelve partitions.
pub(crate) async fn keys_go_to_its_partitions(broker: &dyn Broker, topic: &str) {
    let numbered = (0..20).map(|number| Bytes::from(format!("customer-{number}")));
    let keys: Vec<Bytes> = numbered.chain([Bytes::new()]).collect();
    let sink = broker.sink().await.unwrap();
    for key in &keys {
        let outgoing = Outgoing {
            topic: topic.to_owned(),
            key: Some(key.clone()),
            headers: Vec::new(),
            metadata: Metadata::default(),
            body: None,
        };
        sink.publish(outgoing).await.unwrap();
    }
    let settings = SourceSettings {
        topic: topic.to_owned(),
        group: format!("{topic}-java"),
        start: Start::Earliest,
        max_unsettled: 100,
        memory: brokers::Memory::default(),
        positions: Arc::<MemoryPositions>::default(),
    };
    let mut source = broker.source(settings).await.unwrap();
    for _ in &keys {
        let received = tokio::time::timeout(Duration::from_secs(60), source.recv()).await;
        let message = received
            .expect("a message within a minute")
            .unwrap()
            .message;
        let Identity::Kafka { partition, .. } = message.identity;
        let key = message.key.unwrap();
        assert_eq!(partition, partition_of(&key), "{key:?}");
    }
    source.close().await.unwrap();
}

/// The partition that Java's default partitioner chooses.
fn partition_of(key: &[u8]) -> i32 {
    (murmur2(key) & 0x7fff_ffff) % PARTITIONS
}

/// Kafka's `Utils.murmur2`.
fn murmur2(data: &[u8]) -> i32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ u32::try_from(data.len()).unwrap();
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut word = u32::from_le_bytes(*word).wrapping_mul(M);
        word ^= word >> 24;
        hash = hash.wrapping_mul(M) ^ word.wrapping_mul(M);
    }
    if !rest.is_empty() {
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u32::from_le_bytes(last)).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    (hash ^ (hash >> 15)).cast_signed()
}

/// The values are those of Kafka's own test.
#[test]
fn murmur2_is_kafkas() {
    for (text, hash) in [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        (
            "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
            -58_897_971,
        ),
        ("abc", 479_470_107),
    ] {
        assert_eq!(murmur2(text.as_bytes()), hash, "{text}");
    }
}
