import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { type Local, pollOptions, startLocal } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const targets = z.array(z.object({ webSocketDebuggerUrl: z.string() }));
const message = z.looseObject({
  id: z.optional(z.number()),
  method: z.optional(z.string()),
  params: z.optional(z.unknown()),
});
const pause = z.object({
  callFrames: z.array(z.object({ location: z.object({ lineNumber: z.number() }) })),
});

/** Attaches to the functions of an engine as an editor does: requests the debug targets from the port. */
async function attach(local: Local) {
  const [, address = ''] = /Debugger listening on ws:\/\/([^/]+)\//.exec(local.output()) ?? [];
  const [target] = targets.parse(await (await fetch(`http://${address}/json/list`)).json());
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '');
  cleanups.push(() => socket.close());
  await once(socket, 'open');
  const stops: z.infer<typeof pause>[] = [];
  const answered = new Map<number, () => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, method, params } = message.parse(JSON.parse(String(data)));
    if (method === 'Debugger.paused') stops.push(pause.parse(params));
    if (method === 'Runtime.executionContextDestroyed') socket.close();
    if (id !== undefined) answered.get(id)?.();
  });
  let last = 0;
  const call = (method: string, params: object = {}) =>
    new Promise<void>((resolve) => {
      last += 1;
      answered.set(last, resolve);
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  await call('Runtime.enable');
  await call('Debugger.enable');
  return {
    stops,
    breakAt: (file: string, lineNumber: number) =>
      call('Debugger.setBreakpointByUrl', { urlRegex: `/${file.replaceAll('.', '\\.')}$`, lineNumber }),
    removeBreakpoints: () => call('Debugger.setBreakpointsActive', { active: false }),
    resume: () => call('Debugger.resume'),
  };
}

const file = 'functions/webhook.ts';
/** A line after the verification and before the publication. */
const line = readFileSync(file, 'utf8')
  .split('\n')
  .findIndex((text) => text.includes('await publish(events)'));

/** An engine whose webhook function is stopped at a breakpoint. */
async function stopWebhook() {
  const local = await startLocal({}, ['--inspect', '0']);
  cleanups.push(() => local.stop());
  const debug = await attach(local);
  await debug.breakAt(file, line);
  const chat = await outbound(local).chat();
  await expect.poll(() => debug.stops[0]?.callFrames[0]?.location.lineNumber, pollOptions).toBe(line);
  return { local, debug, path: `/api/conversations/${chat}` };
}

it('stops a function at a breakpoint in its source, while the engine continues', async () => {
  const { local, debug, path } = await stopWebhook();
  expect((await local.api(path)).status).toBe(404);
  await debug.removeBreakpoints();
  await debug.resume();
  await local.idle();
  expect((await local.api(path)).status).toBe(200);
});

it('exits on SIGTERM while a function is paused at a breakpoint', async () => {
  const { local } = await stopWebhook();
  await local.stop();
  await expect(local.api('/api/health')).rejects.toThrow();
});
