import type { EventData } from '../events/catalogue.ts';
import type { FormAnswer, Participant } from '../events/schemas.ts';

/** The facts of one thread that rules test. A missing fact is unknown, and matches nothing but `exists: false`. */
export interface RoutingFacts {
  /** The time at which opening hours are evaluated; ISO 8601. */
  readonly at: string;
  readonly customer: Pick<Participant, 'name' | 'email'> & { readonly id?: string | undefined };
  readonly session: Readonly<Record<string, string>>;
  /** ISO 3166 alpha-2. */
  readonly country?: string | undefined;
  readonly language?: string | undefined;
  readonly groups: readonly number[];
  /** The address of the page on which the chat started. */
  readonly page?: string | undefined;
  /** Of the pre-chat form. */
  readonly answers: readonly FormAnswer[];
  readonly returning?: boolean | undefined;
  /** The text of the customer's first message. Undefined until the customer writes; an empty text is a known value. */
  readonly message?: string | undefined;
}

/** A fact's values: a test holds if any of them matches. Empty if the fact is unknown; `not yet` until the customer writes. */
export type FactValues = readonly Value[] | 'not yet';

export type Value = string | number | boolean;

export type FactKind = 'text' | 'number' | 'boolean';

/** Opening hours by name, for `hours.<name>`. */
export type NamedHours = Readonly<Record<string, OpeningHours>>;

/** Session fields that websites use for the language. LiveChat itself reports none. */
const languageFields = ['language', 'lang', 'locale'] as const;

/** Agents and bots keep the threads that they start, a transferred thread is already routed, and an inactive one cannot be. */
export function isRoutable({ reason, active, causedByUs, by }: EventData<'chat.started'>): boolean {
  return reason !== 'transferred' && active && !causedByUs && by?.type !== 'agent' && by?.type !== 'bot';
}

/** The facts of a thread at its start. */
export function factsAtStart(started: EventData<'chat.started'>): RoutingFacts {
  const { participants, groups, sourcePage, returning, opening, createdAt } = started;
  const customer = participants.find(({ type }) => type === 'customer');
  return {
    at: createdAt,
    groups,
    page: sourcePage,
    answers: opening?.answers ?? [],
    returning,
    message: opening?.text,
    ...customerFacts(customer),
  };
}

/** Replaces the customer's facts by current ones: websites often set session fields just after the chat starts. */
export function withCustomer(facts: RoutingFacts, participants: readonly Participant[]): RoutingFacts {
  const customer = participants.find(({ type }) => type === 'customer');
  return customer ? { ...facts, ...customerFacts(customer) } : facts;
}

function customerFacts(customer: Participant | undefined) {
  const session = customer?.fields ?? {};
  return {
    customer: { id: customer?.id, name: customer?.name, email: customer?.email },
    session,
    country: customer?.country,
    language: sessionLanguage(session),
  };
}

/** `pl` for `pl`, `pl-PL` or `pl_PL`. */
function sessionLanguage(session: Readonly<Record<string, string>>): string | undefined {
  const field = Object.entries(session).find(([name]) => languageFields.some((one) => one === name.toLowerCase()));
  return field?.[1].trim().split(/[-_]/)[0]?.toLowerCase() || undefined;
}

interface Fact {
  readonly kind: FactKind;
  /** Its values do not identify the customer. */
  readonly isAnonymous?: boolean;
  /** @param name the part of the fact's name after the family */
  readonly read: (facts: RoutingFacts, name: string, hours: NamedHours) => Value | readonly Value[] | undefined;
}

const singleFacts: Readonly<Record<string, Fact>> = {
  'customer.id': { kind: 'text', read: ({ customer }) => customer.id },
  'customer.name': { kind: 'text', read: ({ customer }) => customer.name },
  'customer.email': { kind: 'text', read: ({ customer }) => customer.email },
  country: { kind: 'text', isAnonymous: true, read: ({ country }) => country },
  language: { kind: 'text', isAnonymous: true, read: ({ language }) => language },
  group: { kind: 'number', isAnonymous: true, read: ({ groups }) => groups },
  page: { kind: 'text', read: ({ page }) => page },
  returning: { kind: 'boolean', isAnonymous: true, read: ({ returning }) => returning },
  message: { kind: 'text', read: ({ message }) => message },
};

/** Families of facts: the part of a fact's name after its first dot selects one. `session.a.b` is the session field `a.b`. */
const factFamilies: Readonly<Record<string, Fact>> = {
  session: { kind: 'text', read: ({ session }, name) => ownValue(session, name) },
  answers: {
    kind: 'text',
    read: ({ answers }, name) => answers.flatMap((answer) => (isNamed(answer, name) ? answer.values : [])),
  },
  hours: {
    kind: 'boolean',
    isAnonymous: true,
    read: ({ at }, name, hours) => {
      const chosen = ownValue(hours, name);
      return chosen && isOpen(chosen, new Date(at));
    },
  },
};

/** Valid names of facts, for error messages. */
export const factNames = [
  ...Object.keys(singleFacts),
  ...Object.keys(factFamilies).map((family) => `${family}.<name>`),
];

/** Returns undefined if there is no such fact. `name` is the part after the family. */
export function findFact(fact: string): (Fact & { readonly name: string }) | undefined {
  const [, family = '', name = ''] = /^([^.]*)\.(.+)$/s.exec(fact) ?? [];
  const found = ownValue(singleFacts, fact) ?? ownValue(factFamilies, family);
  return found && { ...found, name };
}

/** The values of a fact; empty for a name that does not exist. */
export function factValues(fact: string, facts: RoutingFacts, hours: NamedHours = {}): FactValues {
  if (fact === 'message' && facts.message === undefined) return 'not yet';
  const found = findFact(fact);
  return [found?.read(facts, found.name, hours) ?? []].flat();
}

/** Ignores inherited properties: names come from customers and rules. */
function ownValue<T>(values: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

/** Forms often label a field `E-mail:`; rules may omit the colon. */
function isNamed({ id, label }: FormAnswer, name: string): boolean {
  return id === name || normalizeLabel(label) === normalizeLabel(name);
}

function normalizeLabel(label: string): string {
  return label.trim().replace(/:$/, '').trimEnd().toLowerCase();
}

export const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

export interface OpeningHours {
  /** IANA name, such as Europe/Warsaw. */
  readonly timeZone: string;
  /** Intervals such as `09:00-17:00` in local time. An interval that ends before it starts continues into the next day. */
  readonly open: Readonly<Partial<Record<(typeof days)[number], readonly string[]>>>;
  /** Dates, as YYYY-MM-DD, on which no interval starts. */
  readonly closedOn?: readonly string[] | undefined;
}

const dayMs = 86_400_000;
const minutesPerDay = 1440;
const intervalPattern = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/;

/** Parses an interval into minutes since midnight; undefined if it is invalid. `to` may be less than `from`. */
export function parseInterval(text: string): { from: number; to: number } | undefined {
  const [, ...digits] = intervalPattern.exec(text) ?? [];
  const [fromHour = 99, fromMinute = 0, toHour = 99, toMinute = 0] = digits.map(Number);
  const [from, to] = [fromHour * 60 + fromMinute, toHour * 60 + toMinute];
  const valid = fromMinute < 60 && toMinute < 60 && from < minutesPerDay && to <= minutesPerDay && from !== to;
  return valid ? { from, to } : undefined;
}

/** Whether the hours include an instant; undefined for an invalid date. Compares local times, so daylight saving needs no special case. */
export function isOpen(hours: OpeningHours, instant: Date): boolean | undefined {
  if (Number.isNaN(instant.getTime())) return undefined;
  const { day, minute } = localTime(instant, hours.timeZone);
  const today = intervalsStartingOn(day, hours).some(({ from, to }) => from <= minute && (minute < to || to < from));
  return today || intervalsStartingOn(day - dayMs, hours).some(({ from, to }) => to < from && minute < to);
}

/** @param day the day's midnight in UTC, ms since 1970 */
function intervalsStartingOn(day: number, { open, closedOn = [] }: OpeningHours) {
  const date = new Date(day);
  if (closedOn.includes(date.toISOString().slice(0, 10))) return [];
  // getUTCDay counts from Sunday.
  const name = days[(date.getUTCDay() + 6) % 7];
  return (name === undefined ? [] : (open[name] ?? [])).flatMap((text) => parseInterval(text) ?? []);
}

/** Creating a format takes about a hundred times as long as using it. */
const formats = new Map<string, Intl.DateTimeFormat>();

function dateFormat(timeZone: string): Intl.DateTimeFormat {
  const cached = formats.get(timeZone);
  if (cached) return cached;
  const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, hourCycle: 'h23', ...fields });
  formats.set(timeZone, format);
  return format;
}

export function isTimeZone(name: string): boolean {
  try {
    dateFormat(name);
    return true;
  } catch {
    return false;
  }
}

/** The local date, as its midnight in UTC, and the minute of that day. */
function localTime(instant: Date, timeZone: string): { day: number; minute: number } {
  const parts = new Map(
    dateFormat(timeZone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const number = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0;
  return {
    day: Date.UTC(number('year'), number('month') - 1, number('day')),
    minute: number('hour') * 60 + number('minute'),
  };
}
