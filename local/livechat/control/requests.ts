import * as z from 'zod/mini';
import { errorTypes } from '../api/errors.ts';
import { methodNames } from '../api/methods.ts';

/** What a caller may ask of `/simulator/faults` and `/simulator/settings`. The texts say what should stand there. */

const whole = (what: string, least: number) => z.int(what).check(z.gte(least, what));
const milliseconds = whole('milliseconds, 0 or more', 0);
const status = z.int('an HTTP status from 400 to 599');
const errorStatus = status.check(
  z.gte(400, 'an HTTP status from 400 to 599'),
  z.lte(599, 'an HTTP status from 400 to 599'),
);
const probability = 'a number from 0 to 1';

const common = {
  method: z.optional(z.enum(methodNames, `one of ${methodNames.join(', ')}`)),
  count: z.optional(whole('how often it strikes, 1 or more', 1)),
  probability: z.optional(z.number(probability).check(z.gte(0, probability), z.lte(1, probability))),
  latencyMs: z.optional(milliseconds),
};

const answered = {
  status: z.optional(errorStatus),
  type: z.optional(z.enum(errorTypes, `one of ${errorTypes.join(', ')}`)),
  retryAfterSeconds: z.optional(whole('seconds, 0 or more', 0)),
};

const kind = <Kind extends string>(name: Kind) => ({ kind: z.literal(name), ...common });

const inactiveForm = z.enum(['chat_inactive', 'validation'], 'one of chat_inactive, validation');

const kinds = [
  z.strictObject({ ...kind('error'), ...answered }),
  z.strictObject({ ...kind('latency'), latencyMs: milliseconds }),
  z.strictObject(kind('accept-then-hang')),
  z.strictObject(kind('accept-late')),
  z.strictObject(kind('accept-then-reset')),
  z.strictObject({ ...kind('accept-then-error'), ...answered }),
  z.strictObject(kind('reset-before-accept')),
  z.strictObject({ ...kind('chat-inactive'), form: z._default(inactiveForm, 'chat_inactive') }),
  z.strictObject(kind('not-a-member')),
  z.strictObject({
    ...kind('misdirected'),
    region: z._default(z.string('a region, such as fra').check(z.minLength(1, 'a region, such as fra')), 'dal'),
  }),
  z.strictObject(kind('expired-token')),
] as const;

export const faultRequest = z.discriminatedUnion(
  'kind',
  kinds,
  `a fault: kind is one of ${kinds.map((one) => one.shape.kind.def.values.join()).join(', ')}`,
);

export type FaultRequest = z.infer<typeof faultRequest>;

const agentIds = z.array(z.string("an agent's e-mail address, or a bot's id"), 'a list of agents');
const groupIds = z.array(z.int('the number of a group'), 'a list of groups');
const anyText = z.string('a text').check(z.minLength(1, 'a text that is not empty'));

export const settingsRequest = z.strictObject(
  {
    rateLimitPerSecond: z.exactOptional(z.nullable(whole('calls a second, 1 or more, or null', 1))),
    joinDelayMs: z.exactOptional(milliseconds),
    offlineAgents: z.exactOptional(agentIds),
    offlineGroups: z.exactOptional(groupIds),
    groups: z.exactOptional(z.nullable(groupIds)),
    publicAgentsLimit: z.exactOptional(whole('a number of agents, 0 or more', 0)),
    agentId: z.exactOptional(
      z
        .string("an agent's e-mail address, or a bot's id of 32 hex digits")
        .check(z.regex(/^(\S+@\S+|[0-9a-f]{32})$/, "an agent's e-mail address, or a bot's id of 32 hex digits")),
    ),
    inactiveForm: z.exactOptional(inactiveForm),
    registrationDelayMs: z.exactOptional(milliseconds),
    scopes: z.exactOptional(z.nullable(z.array(z.string('scopes, such as chats--all:rw')))),
    accountId: z.exactOptional(anyText),
    apiKey: z.exactOptional(anyText),
    accessToken: z.exactOptional(anyText),
  },
  'a JSON object with settings',
);

export type SettingsRequest = z.infer<typeof settingsRequest>;
