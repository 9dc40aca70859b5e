import * as z from 'zod/mini';
import { functions } from '../stacks/topology.ts';
import type { Local } from '../test/local.ts';

/** AWS calls that something has led to. */
export interface AwsUsage {
  readonly invocations: number;
  readonly invocationsOf: (name: string) => number;
  /** Of all functions together, their memory in GB times their runs. */
  readonly gigabyteRuns: number;
  readonly putEvents: number;
  readonly reads: number;
  readonly writes: number;
  /** States that were entered or tried again. */
  readonly transitions: number;
}

const calls = z.record(z.string(), z.number());
const readOperations = ['GetItem', 'Query', 'BatchGetItem', 'Scan'];
const writeOperations = ['PutItem', 'UpdateItem', 'DeleteItem'];
const invoke = 'lambda.Invoke:';

/** Counts the AWS calls of everybody while `action` runs. Conditional writes count even when they are refused: AWS bills them. */
export async function countAwsCalls(local: Local, action: () => Promise<void>): Promise<AwsUsage> {
  await fetch(`${local.aws}/_local/calls`, { method: 'DELETE' });
  await action();
  const counts = calls.parse(await (await fetch(`${local.aws}/_local/calls`)).json());
  const of = (call: string) => counts[call] ?? 0;
  const total = (names: readonly string[]) => names.reduce((sum, name) => sum + of(name), 0);
  const invoked = Object.keys(counts).filter((call) => call.startsWith(invoke));
  return {
    invocations: total(invoked),
    invocationsOf: (name) => of(`${invoke}${name}`),
    gigabyteRuns: invoked.reduce((sum, call) => sum + of(call) * gigabytesOf(call.slice(invoke.length)), 0),
    putEvents: of('events.PutEvents'),
    reads: total(readOperations.map((operation) => `dynamodb.${operation}`)),
    writes: total(writeOperations.map((operation) => `dynamodb.${operation}`)),
    transitions: of('states.Transition'),
  };
}

function gigabytesOf(name: string): number {
  const spec = Object.entries(functions).find(([one]) => one === name)?.[1];
  if (!spec) throw new Error(`the count met a function that is not in the topology: ${name}`);
  return spec.memoryMb / 1024;
}
