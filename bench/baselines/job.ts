import * as z from 'zod/mini';

/** What a process of a baseline is given. */
export const job = z.object({
  url: z.string(),
  authorization: z.string(),
  /** In each process; null: none. */
  callsPerSecond: z.nullable(z.number()),
  breaker: z.boolean(),
  /** Messages in hand at once, in each process; null: all. */
  concurrency: z.nullable(z.number()),
  messages: z.array(z.object({ chat: z.string(), text: z.string() })),
});

export type Job = z.infer<typeof job>;
export type Message = Job['messages'][number];

/** What it answers at its end. */
export const result = z.object({ sent: z.number(), givenUp: z.number() });

export type Result = z.infer<typeof result>;
