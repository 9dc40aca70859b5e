import { randomUUID } from 'node:crypto';
import { vi } from 'vitest';
import { composers } from '../core/channels.ts';
import type { GroupEntry } from '../core/outbound/message-group.ts';
import {
  type ExecutionInput,
  executionName,
  parseExecutionInput,
  type SendRequestData,
} from '../core/outbound/request.ts';
import type { RunningLocal } from './local.ts';

/** The send path of core, against an engine. It reads the names of its tables when it is loaded. */
export async function loadSendPath(local: Pick<RunningLocal, 'environment'>) {
  for (const [name, value] of Object.entries(local.environment)) vi.stubEnv(name, value);
  const [accept, groups, ports, { parseSendRequested }, loadedComposers, { logger }] = await Promise.all([
    import('../core/outbound/accept.ts'),
    import('../core/outbound/message-group.ts'),
    import('../core/outbound/ports.ts'),
    import('../core/outbound/request.ts'),
    import('../core/channel/ports.ts').then(({ loadPorts }) => loadPorts(composers)),
    import('../core/platform/logger.ts'),
  ]);

  return {
    groups: groups.messageGroupStore,
    /** The entry of an accepted request in its message group. */
    entry(request: ExecutionInput): GroupEntry {
      const execution = executionName(request);
      const position = `${String(request.orderKey).padStart(15, '0')}#${execution}`;
      return { position, execution, input: JSON.stringify({ request }), until: Date.now() + 60_000 };
    },
    /** Stores a request as functions/send-requested does, but starts no execution. Returns the input that it would have. */
    async accept(data: SendRequestData, metadata: { readonly correlationId?: string } = {}): Promise<ExecutionInput> {
      const event = { id: randomUUID(), time: new Date().toISOString(), detail: { metadata, data } };
      let started: unknown;
      await accept.acceptRequest(parseSendRequested(event, loadedComposers), {
        ...ports.outboundPorts(logger),
        executions: {
          start: async (_name, input) => {
            started = JSON.parse(input);
            return true;
          },
          status: async () => 'running',
          completeTask: async () => true,
        },
      });
      const input = parseExecutionInput(started);
      if (!input) throw new Error('no execution was started');
      return input;
    },
  };
}
