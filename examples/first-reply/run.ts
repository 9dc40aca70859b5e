import { readFile } from 'node:fs/promises';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { handler } from './handler.ts';

// Runs the handler on the local engine: a rule with a queue as its target takes the place of Lambda.
/** Of the queue and the rule. */
const name = 'first-reply';
const { BUS_NAME: EventBusName = 'omnichannel' } = process.env;
const EventPattern = await readFile(new URL('pattern.json', import.meta.url), 'utf8');
const events = new EventBridgeClient();
const queues = new SQSClient();

const { QueueUrl } = await queues.send(new CreateQueueCommand({ QueueName: name }));
const { Attributes } = await queues.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
await events.send(new PutRuleCommand({ EventBusName, Name: name, EventPattern }));
const Targets = [{ Id: name, Arn: Attributes?.QueueArn }];
await events.send(new PutTargetsCommand({ EventBusName, Rule: name, Targets }));
console.log('listening');

while (true) {
  const { Messages = [] } = await queues.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
  for (const { Body = '', ReceiptHandle } of Messages) {
    try {
      await handler(JSON.parse(Body));
      await queues.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    } catch (error) {
      // The queue delivers the message again after its visibility timeout of 30 s.
      console.error(error);
    }
  }
}
