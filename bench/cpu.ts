import { availableParallelism } from 'node:os';
import * as z from 'zod/mini';
import type { Local } from '../test/local.ts';

const usage = z.object({ user: z.number(), system: z.number() });

/** CPU time of the whole local engine, simulator included, which other work on the machine changes less than the time on the clock. */
export interface Cpu {
  /** Of all its threads. */
  readonly ms: number;
  /** The share of the machine's cores that it had to itself all the time. */
  readonly share: number;
}

/** Measures from now until the function that is returned is called. */
export async function measureCpu(local: Local): Promise<() => Promise<Cpu>> {
  const began = performance.now();
  const before = await cpuMs(local);
  return async () => {
    const ms = (await cpuMs(local)) - before;
    return { ms, share: ms / ((performance.now() - began) * availableParallelism()) };
  };
}

async function cpuMs(local: Local): Promise<number> {
  const answer = await fetch(`${local.aws}/_local/cpu`);
  const { user, system } = usage.parse(await answer.json());
  return (user + system) / 1000;
}
