import json
import os
import time

import boto3

bus = boto3.client("events")
s3 = boto3.client("s3")
bus_name = os.environ.get("BUS_NAME", "omnichannel")


def handler(event, context):
    """Replies to the first message of a customer in each thread.

    The request id is the same for every message of a thread, and the bridge sends requests with the same id once: the service
    needs no state.
    """
    metadata = event["detail"]["metadata"]
    data = load_data(event["detail"])
    if data["author"]["type"] != "customer":
        return
    request = {
        "requestId": f"first-reply-{data['conversationId']}-{data['threadId']}",
        "organizationId": data["organizationId"],
        "conversationId": data["conversationId"],
        "sentAt": int(time.time() * 1000),
        "messages": [{"type": "text", "content": "Thank you for writing. Somebody will be with you in a moment."}],
    }
    cause = {"id": metadata["id"], "correlationId": metadata["correlationId"]}
    entry = {
        "EventBusName": bus_name,
        "Source": "first-reply",
        "DetailType": "message.send.requested",
        "Detail": json.dumps({"metadata": cause, "data": request}),
    }
    result = bus.put_events(Entries=[entry])["Entries"][0]
    if "ErrorCode" in result:
        raise RuntimeError(f"the bus rejected the request: {result['ErrorCode']}")


def load_data(detail):
    """The data of an event over 240,000 bytes is an object in the bucket of the bridge."""
    if "dataRef" not in detail:
        return detail["data"]
    ref = detail["dataRef"]
    return json.load(s3.get_object(Bucket=ref["bucket"], Key=ref["key"])["Body"])
