import { randomUUID } from 'node:crypto';
import { functionArn, queueArn, ruleArn, stateMachineArn } from '../lambda/names.ts';
import type { Work } from '../lambda/work.ts';
import { AwsError } from './answers.ts';
import type { Envelope } from './events.ts';
import type { Match, Target } from './rules.ts';
import type { OutgoingMessage } from './storage.ts';

export interface TargetsOptions {
  /** Invokes a function asynchronously, with retries. */
  startFunction(name: string, event: unknown): void;
  startExecution(input: { readonly stateMachineArn: string; readonly name: string; readonly input: string }): unknown;
  /** Sends to a queue, by its name in the topology. */
  send(queue: string, message: OutgoingMessage): Promise<unknown>;
  /** The queue for events that a target did not take. */
  readonly deadLetters: string;
  /** What the queues are called, by their names in the topology. */
  readonly queues: Readonly<Record<string, string>>;
  readonly work: Work;
  report(message: string): void;
}

/** How EventBridge hands events to the targets of its rules. */
export function createTargets(options: TargetsOptions) {
  const { startFunction, startExecution, send, deadLetters, work, report } = options;

  async function hand(target: Target, event: Envelope): Promise<void> {
    if ('function' in target) return startFunction(target.function, event);
    const body = JSON.stringify(event);
    if ('queue' in target) {
      await send(target.queue, { body });
      return;
    }
    // EventBridge names executions after the event, too.
    const name = `${event.id}_${randomUUID()}`;
    startExecution({ stateMachineArn: stateMachineArn(target.stateMachine), name, input: body });
  }

  /** What a target refuses lies in its dead-letter queue, with the reason in attributes. AWS tries for 24 h before. */
  async function deadLetter(
    { rule, bus, target, deadLetters: to }: Match,
    event: Envelope,
    error: unknown,
  ): Promise<void> {
    if (to === undefined) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const attributes = {
      RULE_ARN: ruleArn(bus, rule),
      TARGET_ARN: arnOf(target),
      ERROR_CODE: error instanceof AwsError ? error.type : 'ERROR_FROM_TARGET',
      ERROR_MESSAGE: message,
      RETRY_ATTEMPTS: '0',
    };
    report(`The target of the rule ${rule} did not take an event, which is a dead letter now: ${message}`);
    await send(deadLetters, { body: JSON.stringify(event), attributes });
  }

  function arnOf(target: Target): string {
    if ('function' in target) return functionArn(target.function);
    if ('stateMachine' in target) return stateMachineArn(target.stateMachine);
    return queueArn(options.queues[target.queue] ?? target.queue);
  }

  return {
    arnOf,

    deliver(match: Match, event: Envelope): void {
      const done = work.begin();
      hand(match.target, event)
        .catch((error: unknown) => deadLetter(match, event, error))
        .catch((error: unknown) => report(`An event for the rule ${match.rule} is lost: ${error}`))
        .finally(done);
    },
  };
}
