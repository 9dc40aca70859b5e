import * as z from 'zod/mini';
import { statuses } from '../core/conversations/projection.ts';
import { messageType, participant, userType, visibility } from '../core/events/schemas.ts';
import { unprovableReasons } from '../core/reconciliation/report.ts';

// What each command prints with --json, by its path: the source of docs/reference/cli.schema.json. The command line does not
// load it; test/cli.ts checks every output of the tests with it. Fields are added, and never removed or changed in meaning.

const text = z.string();
const count = z.int().check(z.nonnegative());
const time = z.iso.datetime({ offset: true });
const ok = { ok: z.boolean() };
const success = { ok: z.literal(true) };

const conversation = z.object({
  id: text,
  organizationId: text,
  status: z.enum(statuses),
  lastActivityAt: time,
  lastMessage: z.optional(z.object({ threadId: text, id: text })),
  participants: z.array(z.extend(participant, { seenUpTo: z.optional(time), seenAt: z.optional(time) })),
  assigned: z.object({ agents: z.array(text), groups: z.array(z.number()) }),
});

const thread = z.object({
  id: text,
  status: z.enum(statuses),
  createdAt: z.optional(time),
  previousThreadId: z.optional(text),
  tags: z.array(text),
});

const attempt = z.object({
  startedAt: time,
  endedAt: z.optional(time),
  outcome: text,
  error: z.optional(text),
  category: z.optional(text),
  cause: z.optional(text),
  repairs: z.optional(z.array(text)),
  execution: text,
  redrive: count,
  redrivenAt: z.optional(time),
  deadLetterId: z.optional(text),
});

const delivery = z.object({
  id: text,
  requestId: text,
  status: z.enum(['queued', 'sending', 'sent', 'delivered', 'seen', 'failed']),
  failedCalls: count,
  redrive: count,
  lastError: z.optional(text),
  requestedAt: time,
  acceptedAt: time,
  redrivenAt: z.optional(time),
  sentAt: z.optional(time),
  deliveredAt: z.optional(time),
  failedAt: z.optional(time),
  deadLetterId: z.optional(text),
  attempts: z.array(attempt),
  omittedAttempts: z.optional(count),
  execution: text,
});

const message = z.object({
  id: text,
  organizationId: text,
  conversationId: text,
  threadId: text,
  carrier: text,
  direction: z.enum(['inbound', 'outbound']),
  type: messageType,
  content: z.optional(z.unknown()),
  timestamp: time,
  author: z.object({ id: text, type: userType }),
  visibility,
  metadata: z.record(text, z.unknown()),
  rawPayload: z.optional(z.unknown()),
  exact: z.optional(z.object({ content: text, rawPayload: text })),
  receivedAt: z.optional(time),
  storedAt: z.optional(time),
  recovered: z.optional(z.literal(true)),
  edited: z.optional(z.literal(true)),
  editedAt: z.optional(time),
  deleted: z.optional(z.literal(true)),
  deletedAt: z.optional(time),
  seen: z.optional(z.object({ by: text, upTo: time, at: z.optional(time) })),
  delivery: z.optional(delivery),
});

const pendingDelivery = z.extend(delivery, {
  content: z.optional(z.unknown()),
  part: z.optional(z.object({ messageIndex: count, splitIndex: count })),
});

const erasure = z.object({
  ...success,
  dryRun: z.optional(z.literal(true)),
  organizationId: text,
  conversationIds: z.array(text),
  erased: z.record(text, count),
  notErased: z.array(text),
});

const deadLetter = z.object({
  id: text,
  kind: z.enum(['send', 'rejected', 'event', 'unreadable']),
  status: z.enum(['open', 'redriven', 'dismissed', 'resolved']),
  dismissReason: z.optional(text),
  dismissedAt: z.optional(time),
  errorName: text,
  errorMessage: text,
  organizationId: text,
  conversationId: text,
  requestId: text,
  redrives: count,
  failedCalls: count,
  createdAt: time,
});

const leftOut = z.array(z.object({ id: text, reason: text }));

const execution = z.object({
  id: text,
  name: text,
  status: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']),
  startDate: time,
  stopDate: z.optional(time),
  organizationId: text,
  conversationId: text,
  requestId: text,
  redrive: count,
  customer: z.optional(text),
  text: z.optional(text),
  parts: count,
  attempts: count,
  error: z.optional(text),
  deadLetterId: z.optional(text),
});

const rateLimit = z.object({
  organizationId: text,
  paused: z.boolean(),
  breaker: z.enum(['closed', 'open', 'half-open']),
  reason: z.enum(['', 'failures', 'credentials']),
  openUntil: z.optional(time),
  callsPerSecond: z.number(),
  baseCallsPerSecond: z.number(),
  sendsPerSecond: z.number(),
  backlogSeconds: z.number(),
  failures: count,
  successes: count,
});
const changedRateLimit = z.object({ ...success, rateLimit });

const rulesVersion = { version: count, comment: z.optional(text), createdAt: z.optional(time) };

const evaluation = z.object({
  evaluated: z.array(
    z.object({ rule: text, result: z.enum(['matched', 'not matched', 'waits']), reasons: z.array(z.unknown()) }),
  ),
  matched: z.array(text),
  actions: z.array(z.looseObject({ rule: text, action: text })),
  waitsFrom: z.optional(count),
});

const run = z.object({
  organizationId: text,
  runId: text,
  reason: z.enum(['schedule', 'recovery', 'request']),
  startedAt: time,
  endedAt: z.optional(time),
  status: z.enum(['running', 'complete', 'incomplete', 'interrupted', 'failed']),
  from: time,
  to: time,
  conversationId: z.optional(text),
  error: z.optional(z.object({ name: text, message: text })),
  report: z.object({
    threads: count,
    equal: count,
    repaired: count,
    unprovable: z.partialRecord(z.enum(unprovableReasons), count),
    examples: z.array(z.object({ conversationId: text, threadId: text, reason: z.enum(unprovableReasons) })),
    published: count,
    events: z.record(text, count),
    calls: count,
    passes: count,
  }),
});

const latency = { p50Ms: z.number(), p99Ms: z.number() };

export const outputs = {
  backfill: z.object({
    ...ok,
    dryRun: z.optional(z.literal(true)),
    runs: z.array(run),
    ...{ published: count, calls: count, threads: count, repaired: count, unprovable: count },
    error: z.optional(text),
  }),
  completion: z.object({ ...success, shell: z.enum(['bash', 'zsh', 'fish']), script: text }),
  console: z.object({ console: text, address: text, token: z.optional(text), stage: text }),
  'conversations list': z.object({ ...success, conversations: z.array(conversation), more: z.boolean() }),
  'conversations show': z.object({
    ...success,
    conversation: z.extend(conversation, { threads: z.array(thread) }),
    messages: z.array(message),
    notes: z.array(message),
    pending: z.array(pendingDelivery),
    next: z.optional(text),
  }),
  'conversations erase': erasure,
  'dead-letters list': z.object({ ...success, deadLetters: z.array(deadLetter), more: z.boolean() }),
  'dead-letters show': z.object({
    ...success,
    deadLetter,
    content: z.looseObject({ id: text, kind: text, error: z.object({ name: text, message: text }) }),
    messages: z.array(z.object({ id: text, status: text, content: z.unknown() })),
  }),
  'dead-letters redrive': z.union([
    z.object({ ...success, dryRun: z.literal(true), deadLetters: z.array(deadLetter), leftOut }),
    z.object({ ...ok, redriven: count, refused: z.array(z.object({ id: text, refused: text })), leftOut }),
  ]),
  'dead-letters dismiss': z.union([
    z.object({ ...success, dryRun: z.literal(true), deadLetters: z.array(deadLetter) }),
    z.object({ ...ok, dismissed: count, refused: z.array(z.object({ id: text, refused: text })) }),
  ]),
  doctor: z.object({
    ...ok,
    faults: count,
    warnings: count,
    findings: z.array(
      z.object({
        check: text,
        severity: z.enum(['ok', 'note', 'warning', 'fault']),
        message: text,
        fix: z.optional(text),
      }),
    ),
  }),
  /** One line for each event. */
  'events tail': z.object({
    ...{ id: text, type: text, source: text, time },
    /** The name of the archive replay that published it again. */
    replay: z.optional(text),
    detail: z.record(text, z.unknown()),
  }),
  'executions list': z.object({ ...success, executions: z.array(execution), more: z.boolean() }),
  'executions show': z.object({
    ...success,
    execution: z.extend(execution, { cause: z.optional(text) }),
    /** Left out if the input of the execution is not a send request. */
    request: z.optional(z.looseObject({ organizationId: text, conversationId: text, requestId: text, redrive: count })),
    history: z.array(
      z.object({
        ...{ id: count, type: text, timestamp: time },
        ...{ name: z.optional(text), error: z.optional(text), cause: z.optional(text) },
        ...{ input: z.optional(text), output: z.optional(text) },
      }),
    ),
    /** `history` has the last 1,000 events only. */
    hasEarlierEvents: z.boolean(),
  }),
  'limits show': z.object({ ...success, rateLimits: z.array(rateLimit) }),
  'limits pause': changedRateLimit,
  'limits resume': changedRateLimit,
  'limits set': changedRateLimit,
  reset: z.object({ ...success, folder: text, deleted: z.boolean() }),
  'routing show': z.object({
    ...success,
    organizationId: text,
    activeVersion: count,
    shown: z.object({ ...rulesVersion, ruleSet: z.unknown(), waitingUntil: z.optional(z.number()) }),
    versions: z.array(z.object(rulesVersion)),
  }),
  'routing test': z.object({
    ...success,
    organizationId: text,
    activeVersion: count,
    differing: count,
    results: z.array(
      z.object({
        ...{ conversationId: text, threadId: text, startedAt: time },
        ...{ active: evaluation, candidate: evaluation, differs: z.boolean() },
      }),
    ),
  }),
  'routing apply': z.object({ ...success, organizationId: text, version: count, changed: z.boolean() }),
  send: z.object({
    ...ok,
    requestId: text,
    organizationId: text,
    conversationId: text,
    /** With --wait. */
    status: z.optional(z.enum(['delivered', 'failed', 'conflict'])),
    parts: z.optional(
      z.array(
        z.object({
          ...{ id: text, status: text, failedCalls: count },
          ...{ lastError: z.optional(text), messageId: z.optional(text), threadId: z.optional(text) },
        }),
      ),
    ),
    deadLetter: z.optional(deadLetter),
  }),
  'simulate chat': z.object({
    ...success,
    chatId: text,
    steps: z.array(z.object({ as: text, action: text, chatId: text, threadId: text, eventId: z.optional(text) })),
  }),
  'simulate load': z.object({
    ...ok,
    ...{ chats: count, calls: count, failedChats: count, firstError: z.optional(text) },
    ...{ seconds: z.number(), callsPerSecond: z.number(), ...latency },
  }),
  'simulate replay': z.object({
    ...ok,
    sent: count,
    /** By status, or by the reason why there was no response. */
    byStatus: z.record(text, count),
    ...latency,
    failures: z.array(z.object({ file: text, status: z.union([z.number(), text]), count })),
    advice: z.optional(text),
    seed: z.optional(z.number()),
  }),
  'webhooks list': z.object({
    ...success,
    url: text,
    enabled: z.boolean(),
    registrations: z.array(
      z.object({
        ...{ id: text, action: z.nullish(text), url: z.nullish(text), type: z.nullish(text) },
        ...{ ours: z.boolean(), wrong: text },
      }),
    ),
    missing: z.array(text),
  }),
  'webhooks sync': z.object({
    ...ok,
    url: text,
    apiVersion: text,
    rotated: z.boolean(),
    plan: z.array(
      z.object({
        action: text,
        does: z.enum(['keep', 'create', 'replace', 'remove', 'enable', 'blocked']),
        why: text,
      }),
    ),
  }),
  'webhooks remove': z.object({ ...success, url: text, removed: z.array(z.object({ action: text, id: text })) }),
} as const satisfies Readonly<Record<string, z.ZodMiniType>>;

/** What every command prints if it fails as a whole. */
export const failure = z.object({ ok: z.literal(false), error: text });
