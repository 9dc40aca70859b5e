"""Runs the handler on the local engine: a rule with a queue as its target takes the place of Lambda."""

import json
import logging
import os
from pathlib import Path

import boto3

from handler import handler

# The name of the queue and the rule.
name = "first-reply-python"
bus_name = os.environ.get("BUS_NAME", "omnichannel")
pattern = Path(__file__).with_name("pattern.json").read_text()
events = boto3.client("events")
sqs = boto3.client("sqs")

queue = sqs.create_queue(QueueName=name)["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
events.put_rule(EventBusName=bus_name, Name=name, EventPattern=pattern)
events.put_targets(EventBusName=bus_name, Rule=name, Targets=[{"Id": name, "Arn": arn}])
print("listening", flush=True)

while True:
    received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)
    for message in received.get("Messages", []):
        try:
            handler(json.loads(message["Body"]), None)
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        except Exception:
            # The queue delivers the message again after its visibility timeout of 30 s.
            logging.exception("the handler failed")
