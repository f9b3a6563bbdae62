import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder;
import io.confluent.parallelconsumer.vertx.VertxParallelEoSStreamProcessor;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Confluent's Parallel Consumer with Vert.x: reads a topic unordered, posts each message to a URL,
 * and writes the answer to another topic under the message's key. A message is done once its result
 * is acknowledged. Runs until it is killed.
 *
 * <p>Arguments: bootstrap servers, topic, topic of results, URL, calls in flight.
 */
class Loop {
    public static void main(String[] arguments) {
        String servers = arguments[0];
        String results = arguments[2];
        String url = arguments[3];
        int concurrency = Integer.parseInt(arguments[4]);

        var consumer = new KafkaConsumer<byte[], byte[]>(
                Map.of(
                        "bootstrap.servers", servers,
                        "group.id", "parallel-consumer-" + results,
                        "auto.offset.reset", "earliest",
                        "enable.auto.commit", "false"),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
        var producer = new KafkaProducer<byte[], byte[]>(
                Map.of("bootstrap.servers", servers, "compression.type", "lz4", "linger.ms", "5"),
                new ByteArraySerializer(),
                new ByteArraySerializer());
        var vertx = Vertx.vertx(new VertxOptions());
        var client = WebClient.create(vertx, new WebClientOptions().setMaxPoolSize(concurrency));
        var options = ParallelConsumerOptions.<byte[], byte[]>builder()
                .ordering(ProcessingOrder.UNORDERED)
                .maxConcurrency(concurrency)
                .consumer(consumer)
                .build();

        var processor = new VertxParallelEoSStreamProcessor<byte[], byte[]>(vertx, client, options);
        processor.subscribe(List.of(arguments[1]));
        processor.vertxFuture(context -> {
            var message = context.getSingleConsumerRecord();
            return client.postAbs(url)
                    .sendBuffer(Buffer.buffer(message.value()))
                    .compose(answer -> {
                        Promise<Void> acknowledged = Promise.promise();
                        var result = new ProducerRecord<>(results, message.key(), answer.body().getBytes());
                        producer.send(result, (written, failure) -> {
                            if (failure == null) {
                                acknowledged.complete();
                            } else {
                                acknowledged.fail(failure);
                            }
                        });
                        return acknowledged.future();
                    });
        });
    }
}
