import * as z from 'zod/mini';
import { CliError, describeCause } from './errors.ts';

const started = z.object({ chat_id: z.string(), thread_id: z.string() });
const acted = z.object({ event_id: z.optional(z.string()), thread_id: z.string() });
const refused = z.object({
  error: z.object({
    message: z.optional(z.string()),
    field: z.optional(z.string()),
    expected: z.optional(z.string()),
  }),
});

export type Body = Readonly<Record<string, unknown>>;

export interface SimulatorClient {
  readonly start: (body: Body) => Promise<z.infer<typeof started>>;
  readonly act: (chatId: string, body: Body) => Promise<z.infer<typeof acted>>;
}

const refusal = (status: number, json: unknown): string => {
  const parsed = refused.safeParse(json);
  if (!parsed.success) return `It answered ${status}.`;
  const { message, field, expected } = parsed.data.error;
  return message ?? `${field}: expected ${expected}`;
};

/** @throws CliError from its functions when the simulator does not answer or refuses */
export const connectSimulator = (base: string): SimulatorClient => {
  const post = async <Schema extends z.ZodMiniType>(
    path: string,
    body: Body,
    schema: Schema,
  ): Promise<z.output<Schema>> => {
    const init = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(new URL(path, base), init).catch((cause) => {
      const advice = 'Start the local engine with `npm start`, or give the address with --simulator.';
      throw new CliError(`No simulator answers at ${base} (${describeCause(cause)}). ${advice}`, { cause });
    });
    const json: unknown = await response.json().catch(() => undefined);
    if (!response.ok)
      throw new CliError(`The simulator refused ${JSON.stringify(body)}. ${refusal(response.status, json)}`);
    const parsed = schema.safeParse(json);
    if (!parsed.success)
      throw new CliError(`What answers at ${base} is not the LiveChat simulator; check --simulator.`);
    return parsed.data;
  };
  return {
    start: (body) => post('/simulator/chats', body, started),
    act: (chatId, body) => post(`/simulator/chats/${encodeURIComponent(chatId)}/events`, body, acted),
  };
};
