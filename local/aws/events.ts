import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { accountId, region } from '../lambda/names.ts';
import { AwsError, unsupported } from './answers.ts';
import { parseInput } from './input.ts';
import { isRecord } from './json.ts';
import { createRules, defaultBus, type Match, type RulesOptions } from './rules.ts';
import type { AwsEvent } from './status-change.ts';

/** An event as a rule's target gets it. */
export interface Envelope {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  /** The replay that brings it from the archive once more. */
  readonly 'replay-name'?: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface EventsOptions extends RulesOptions {
  /** Hands an event to a rule's target; the call must not wait for it. */
  deliver(match: Match, event: Envelope): void;
  /** Told about every event on our own bus. */
  onEvent?(event: Envelope): void;
  readonly now?: () => Date;
  readonly newId?: () => string;
}

interface Failure {
  readonly ErrorCode: string;
  readonly ErrorMessage: string;
}

type EntryResult = { readonly EventId: string } | Failure;

export interface PutEventsResult {
  readonly FailedEntryCount: number;
  readonly Entries: readonly EntryResult[];
}

const maximumEntries = 10;
/** AWS takes 1 MB since 2026-01-29 (256 KB before, and still in some regions). */
const maximumRequestBytes = 1_048_576;

const entrySchema = z.object({
  Source: z.optional(z.string()),
  DetailType: z.optional(z.string()),
  Detail: z.optional(z.string()),
  EventBusName: z.optional(z.string()),
  /** Seconds since 1970. */
  Time: z.optional(z.number()),
  Resources: z.optional(z.array(z.string())),
});

const putEventsSchema = z.object({ Entries: z.array(entrySchema) });

type Entry = z.output<typeof entrySchema>;

/** EventBridge's PutEvents, and the rules of our own bus and of the default one. */
export function createEvents(options: EventsOptions) {
  const { busName, onEvent, now = () => new Date(), newId = randomUUID } = options;
  const rules = createRules(options);

  function toEnvelope(entry: Entry, replay: string | undefined): Envelope | Failure {
    const missing = missingField(entry);
    if (missing) return missing;
    const { Source = '', DetailType = '', Detail = '', EventBusName = 'default', Time, Resources = [] } = entry;
    if (EventBusName !== busName && !EventBusName.endsWith(`:event-bus/${busName}`)) {
      return { ErrorCode: 'ResourceNotFoundException', ErrorMessage: `Event bus ${EventBusName} does not exist.` };
    }
    if (Source.startsWith('aws.')) {
      return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
    }
    const detail = parseDetail(Detail);
    if (!detail) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
    return {
      version: '0',
      id: newId(),
      'detail-type': DetailType,
      source: Source,
      account: accountId,
      time: toSeconds(Time === undefined ? now() : new Date(Time * 1_000)),
      region,
      resources: Resources,
      ...(replay !== undefined && { 'replay-name': replay }),
      detail,
    };
  }

  function deliver(bus: string, envelope: Envelope): void {
    for (const match of rules.matching(bus, envelope)) options.deliver(match, envelope);
  }

  function takeEntry(entry: Entry, throttled: boolean, replay: string | undefined): EntryResult {
    if (throttled)
      return { ErrorCode: 'ThrottlingException', ErrorMessage: 'Rate exceeded (a fault that was asked for)' };
    const envelope = toEnvelope(entry, replay);
    if ('ErrorCode' in envelope) return envelope;
    onEvent?.(envelope);
    deliver(busName, envelope);
    return { EventId: envelope.id };
  }

  /** With `partial`, the last half of the entries, and at least one, is throttled. */
  function putEvents(input: unknown, partial: boolean, replay?: string): PutEventsResult {
    const entries = parseInput(putEventsSchema, input).Entries;
    if (entries.length === 0 || entries.length > maximumEntries) {
      const bound = entries.length === 0 ? 'greater than or equal to 1' : `less than or equal to ${maximumEntries}`;
      throw new AwsError(
        'ValidationException',
        `1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length ${bound}`,
      );
    }
    if (entries.reduce((sum, entry) => sum + sizeOf(entry), 0) > maximumRequestBytes) {
      throw new AwsError('ValidationException', 'Total size of the entries in the request is over the limit.');
    }
    const taken = partial ? Math.floor(entries.length / 2) : entries.length;
    const results = entries.map((entry, index) => takeEntry(entry, index >= taken, replay));
    return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results };
  }

  return {
    call(operation: string, input: unknown, partial = false): unknown {
      if (operation === 'PutEvents') return putEvents(input, partial);
      const run = rules.operations[operation];
      if (!run) throw unsupported(`EventBridge ${operation}`);
      return run(input);
    },

    /** Puts events as a replay from the archive does: each says so. */
    replay: (name: string, input: unknown): PutEventsResult => putEvents(input, false, name),

    /** An event of AWS itself. */
    emit({ source, detailType, resources, detail }: AwsEvent): void {
      const head = { version: '0', id: newId(), account: accountId, time: toSeconds(now()), region } as const;
      deliver(defaultBus, { ...head, 'detail-type': detailType, source, resources, detail });
    },
  };
}

export type Events = ReturnType<typeof createEvents>;

function missingField(entry: Entry): Failure | undefined {
  const name = (['Source', 'DetailType', 'Detail'] as const).find((field) => !entry[field]);
  if (!name) return undefined;
  return {
    ErrorCode: 'InvalidArgument',
    ErrorMessage: `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
  };
}

function parseDetail(detail: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(detail);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** An entry's size as AWS counts it. */
function sizeOf({ Source = '', DetailType = '', Detail = '', Time, Resources = [] }: Entry): number {
  const texts = [Source, DetailType, Detail, ...Resources];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), Time === undefined ? 0 : 14);
}

/** EventBridge gives times to the second. */
function toSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
