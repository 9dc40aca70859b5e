import { constants } from 'node:os';
import type { TailOptions } from './commands/events.ts';
import { type BusEvent, tailBus } from './event-tail.ts';
import { colours, print, printable, printJson, printStatus, terminalWidth } from './output.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGPIPE'] as const;

/** Prints events until a signal, or until it has printed `limit` events. Always removes its rule and queue. */
export const tailEvents = async (options: TailOptions): Promise<void> => {
  const { json, limit = Number.POSITIVE_INFINITY } = options;
  const ended = new AbortController();
  for (const signal of signals) {
    // Not once: Ctrl-C can send a second signal, which must not interrupt the clean-up.
    process.on(signal, () => {
      process.exitCode = 128 + constants.signals[signal];
      ended.abort();
    });
  }
  const onReady = () =>
    printStatus(`Waiting for events of ${options.stage ?? 'the local engine'}. Press Ctrl-C to stop.`);
  let count = 0;
  for await (const event of tailBus(options, ended.signal, onReady)) {
    if (json) printJson(toJson(event));
    else print(formatEvent(event));
    count += 1;
    if (count >= limit || ended.signal.aborted) break;
  }
};

const toJson = ({ id, 'detail-type': type, source, time, 'replay-name': replay, detail }: BusEvent) => ({
  id,
  type,
  source,
  time,
  ...(replay !== undefined && { replay }),
  detail,
});

const formatEvent = ({ 'detail-type': type, time, detail }: BusEvent): string => {
  const { conversationId, threadId: _, ...data } = toObject(detail.data);
  const at = time.slice(11, 19);
  const name = printable(type).padEnd(22);
  const chat = printable(String(conversationId ?? '')).padEnd(12);
  const summary = printable(summarize(data)).replaceAll('\n', ' ');
  const room = terminalWidth() - `${at}  ${name}  ${chat}  `.length;
  const shown = summary.length > room ? `${summary.slice(0, Math.max(0, room - 1))}…` : summary;
  return `${colours.dim(at)}  ${colours.cyan(name)}  ${chat}  ${shown}`.trimEnd();
};

const toObject = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

/** Who wrote a message, and the message; of other events, what they hold. */
const summarize = (data: Readonly<Record<string, unknown>>): string => {
  const { author, content, type } = data;
  const writer = toObject(author).type;
  if (writer === undefined || type === undefined) return JSON.stringify(data);
  return `${writer}: ${typeof content === 'string' ? content : type}`;
};
