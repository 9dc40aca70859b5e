import type { EventData } from '../events/catalogue.ts';
import type { FormAnswer, Participant } from '../events/schemas.ts';
import { isOpen, type OpeningHours } from './hours.ts';

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
  /** The customer's first text. Undefined until the customer writes; an empty text is a known value. */
  readonly message?: string | undefined;
}

/** A fact's values: a test holds if any of them matches. Empty if the fact is unknown; `not yet` until the customer writes. */
export type FactValues = readonly (string | number | boolean)[] | 'not yet';

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

const single: Readonly<Record<string, { kind: FactKind; read: (facts: RoutingFacts) => FactValues }>> = {
  'customer.id': { kind: 'text', read: ({ customer }) => knownValues(customer.id) },
  'customer.name': { kind: 'text', read: ({ customer }) => knownValues(customer.name) },
  'customer.email': { kind: 'text', read: ({ customer }) => knownValues(customer.email) },
  country: { kind: 'text', read: ({ country }) => knownValues(country) },
  language: { kind: 'text', read: ({ language }) => knownValues(language) },
  group: { kind: 'number', read: ({ groups }) => groups },
  page: { kind: 'text', read: ({ page }) => knownValues(page) },
  returning: { kind: 'boolean', read: ({ returning }) => knownValues(returning) },
  message: { kind: 'text', read: ({ message }) => (message === undefined ? 'not yet' : [message]) },
};

/** Families of facts: the part after the first dot names one of them. */
const families: Readonly<Record<string, FactKind>> = { session: 'text', answers: 'text', hours: 'boolean' };

/** Valid names of facts, for error messages. */
export const factNames = [...Object.keys(single), ...Object.keys(families).map((family) => `${family}.<name>`)];

/** The kind of a fact's values; undefined if there is no such fact. */
export function factKind(fact: string): FactKind | undefined {
  if (Object.hasOwn(single, fact)) return single[fact]?.kind;
  const [family, name] = splitFactName(fact);
  return name && Object.hasOwn(families, family) ? families[family] : undefined;
}

/** Splits at the first dot: `session.plan.name` is the session field `plan.name`. */
export function splitFactName(fact: string): [family: string, name: string] {
  const dot = fact.indexOf('.');
  return dot < 0 ? [fact, ''] : [fact.slice(0, dot), fact.slice(dot + 1)];
}

/** The values of a fact; empty for a name that does not exist. */
export function factValues(fact: string, facts: RoutingFacts, hours: NamedHours = {}): FactValues {
  if (Object.hasOwn(single, fact)) return single[fact]?.read(facts) ?? [];
  const [family, name] = splitFactName(fact);
  if (family === 'session') return Object.hasOwn(facts.session, name) ? knownValues(facts.session[name]) : [];
  if (family === 'answers') return facts.answers.flatMap((answer) => (isNamed(answer, name) ? answer.values : []));
  const chosen = family === 'hours' && Object.hasOwn(hours, name) ? hours[name] : undefined;
  return chosen ? knownValues(isOpen(chosen, new Date(facts.at))) : [];
}

/** Forms often label a field `E-mail:`; rules may omit the colon. */
function isNamed({ id, label }: FormAnswer, name: string): boolean {
  return id === name || normalizeLabel(label) === normalizeLabel(name);
}

function normalizeLabel(label: string): string {
  return label.trim().replace(/:$/, '').trimEnd().toLowerCase();
}

function knownValues<T extends string | boolean>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}
