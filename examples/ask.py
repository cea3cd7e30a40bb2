#!/usr/bin/env python3
"""Asks a running Sluice stack something, with nothing but a Kafka client and the schema registry.

    pip install "confluent-kafka[avro,schemaregistry]"
    ./sluice up &                       # in another terminal
    python3 examples/ask.py "Once upon a time"

The addresses come from .sluice/stack.json, or from --bootstrap and --registry.
"""

import argparse
import json
import pathlib
import sys
import time
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

REQUESTS = "sluice.inference.requests.v1"
TOKENS = "sluice.inference.tokens.v1"
ERRORS = "sluice.inference.errors.v1"


def read_from_now(bootstrap):
    """A consumer without a group, at the end of every partition of the two answer topics."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False})
    partitions = []
    for topic in (TOKENS, ERRORS):
        metadata = consumer.list_topics(topic, timeout=10).topics[topic]
        for partition in metadata.partitions:
            _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
            partitions.append(TopicPartition(topic, partition, end))
    consumer.assign(partitions)
    return consumer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt")
    parser.add_argument("--stack", default=".sluice/stack.json", help="description that ./sluice up writes")
    parser.add_argument("--bootstrap")
    parser.add_argument("--registry", help="root of the registry's Confluent API")
    parser.add_argument("--model")
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--timeout", type=float, default=60)
    arguments = parser.parse_args()
    stack = {}
    if not (arguments.bootstrap and arguments.registry and arguments.model):
        stack = json.loads(pathlib.Path(arguments.stack).read_text())
    bootstrap = arguments.bootstrap or stack["bootstrap"]
    registry = SchemaRegistryClient({"url": arguments.registry or stack["registry"]})

    request_id = f"python-{uuid.uuid4()}"
    request = {"request_id": request_id, "model": arguments.model or stack["model"], "prompt": arguments.prompt,
               "max_tokens": arguments.max_tokens, "arrival_ms": int(time.time() * 1000)}
    schema = registry.get_latest_version(f"{REQUESTS}-value").schema.schema_str
    # Fields that are not given take the schema's defaults.
    for field in json.loads(schema)["fields"]:
        if "default" in field:
            request.setdefault(field["name"], field["default"])
    serialize = AvroSerializer(registry, schema, conf={"auto.register.schemas": False, "use.latest.version": True})
    deserialize = AvroDeserializer(registry)

    consumer = read_from_now(bootstrap)
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    producer.produce(REQUESTS, key=request_id, value=serialize(request, SerializationContext(REQUESTS, MessageField.VALUE)))
    producer.flush(10)

    attempt, expected, deadline = 0, 0, time.time() + arguments.timeout
    while time.time() < deadline:
        message = consumer.poll(0.5)
        if message is None or message.error() or message.key() != request_id.encode():
            continue
        record = deserialize(message.value(), SerializationContext(message.topic(), MessageField.VALUE))
        if message.topic() == ERRORS:
            sys.exit(f"{record['reason']}: {record['message']}")
        if record["attempt"] < attempt or record["index"] < expected:
            continue  # an older attempt, or a repetition
        attempt, expected = record["attempt"], record["index"] + 1
        print(record["text"], end="", flush=True)
        if record["finish_reason"]:
            print()
            return
    sys.exit(f"no answer within {arguments.timeout} s")


if __name__ == "__main__":
    main()
